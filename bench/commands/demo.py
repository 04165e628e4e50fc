"""Commands of the embedded mini world."""

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

import adapters
from bench.commands.options import OK, Models, split
from bench.miniworld import folders
from bench.miniworld.training import segmote
from bench.miniworld.training.build import build
from bench.miniworld.training.families import FAMILIES
from bench.studies import looking

demo = typer.Typer(help="The embedded mini world: its phantoms and mini weights.", no_args_is_help=True)


@demo.command("data")
def demo_data() -> int:
    """Write the zero-shot phantoms if they are not there yet, and print where they are."""
    print(folders.phantom_data())
    return OK


@demo.command("build")
def demo_build(
    out: Annotated[Path, typer.Option(help="Where the mini weights go.")] = Path("adapters/mini"),
    logs: Annotated[Path, typer.Option(help="Where the training logs go.")] = Path("results/reference/mini"),
    models: Models = "all",
    device: Annotated[str, typer.Option(help="Where they are trained: cpu, cuda.")] = "cpu",
    jobs: Annotated[int, typer.Option(min=1, help="Families trained side by side.")] = 2,
) -> int:
    """Train the mini weights again from their phantoms: some hours on two cores, minutes on a GPU.

    A build that was stopped goes on where it was.
    """
    families = [*FAMILIES, "segmote"] if models == "all" else list(split(models))
    build([name for name in families if name != "segmote"], out, log_dir=logs, device=device, jobs=jobs)
    if "segmote" in families:
        segmote.build(out, logs, device)
    return OK


@demo.command("look")
def demo_look(
    models: Models = "all",
    seed: Annotated[int, typer.Option(help="Of the phantoms.")] = 0,
    limit: Annotated[int | None, typer.Option(min=1, help="Cases a data set.")] = None,
) -> int:
    """Whether the minis look at the picture: Dice with another, inverted, blurred or shifted picture, same boxes."""
    names = [f"{name}/mini" for name in (*FAMILIES, "segmote")] if models == "all" else split(models)
    found = looking.targets(folders.phantom_data(seed), limit=limit)
    tables = [looking.looking(adapters.load(name), found) for name in names]
    print((100 * looking.by_dataset(pd.concat(tables))).to_markdown(floatfmt=".1f"))
    return OK
