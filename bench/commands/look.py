"""Commands that only look: what there is, whether data and weights are as they should be."""

from pathlib import Path
from typing import Annotated

import typer
from tabulate import tabulate

from bench import inventory
from bench.commands.options import OK, SOME_FAILED, Data, Datasets, FollowLinks, TrustArrays, Weights, split
from bench.data.check import check as check_dataset
from bench.running import choose

ls = typer.Typer(help="What there is: models, datasets, prompts, protocols, runs.", no_args_is_help=True)
check = typer.Typer(help="Look at data or weights without running anything.", no_args_is_help=True)


@ls.command("models")
def ls_models(weights: Weights = None) -> int:
    """Families, variants, prompts they were trained on, licence, and whether the weights are there."""
    print(inventory.models(weights))
    return OK


@ls.command("datasets")
def ls_datasets(data: Data = None) -> int:
    """Data sets with licence and source, and what is found below --data."""
    print(inventory.data_sets(data))
    return OK


@ls.command("prompts")
def ls_prompts() -> int:
    """Kinds of simulated prompts."""
    print(inventory.prompt_kinds())
    return OK


@ls.command("protocols")
def ls_protocols() -> int:
    """Protocols with every rule."""
    print(inventory.all_protocols())
    return OK


@ls.command("runs")
def ls_runs(folder: Annotated[Path, typer.Argument(help="Where runs are.")] = Path("results/runs")) -> int:
    """Run folders with what they hold."""
    print(inventory.runs(folder))
    return OK


@check.command("data")
def check_data(
    data: Data = None, datasets: Datasets = "all", trust_arrays: TrustArrays = False, follow_links: FollowLinks = False
) -> int:
    """Read every case of the data sets and list what is wrong with them."""
    choice = choose.choose(("baseline/box",), split(datasets), data, None, follow_links)
    failed = 0
    for name in choice.datasets:
        result = check_dataset(name, choice.data, trust_arrays, follow_links)
        print(result.text())
        failed += result.failed
    return SOME_FAILED if failed else OK


@check.command("weights")
def check_weights(weights: Weights = None) -> int:
    """Compare the weights files that are there with their checksums; read those that have none."""
    states = inventory.weights_states(weights)
    print(tabulate(states.items(), headers=["model", "weights"]))
    return SOME_FAILED if any("differs" in state or "damaged" in state for state in states.values()) else OK
