"""`bench ls`: models with their weights, data sets, prompts, protocols, runs, and who has seen which data."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import Annotated

import typer

from bench.commands.options import (
    ALL,
    OK,
    DataFolder,
    DataSetNames,
    FollowLinks,
    ModelNames,
    NoOptions,
    TableFormat,
    WeightsFolder,
)
from bench.commands.table import print_tables
from bench.errors import RunError

WIDTH = 110


@dataclass(frozen=True, kw_only=True)
class RunsFolder:
    """Where runs are."""

    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder that holds run folders.")] = Path("results/runs")


@dataclass(frozen=True, kw_only=True)
class LinkedDataFolder(FollowLinks, DataFolder):
    """Where data sets are, and whether links there are followed."""


@dataclass(frozen=True, kw_only=True)
class LedgerOptions(TableFormat, DataSetNames, ModelNames):
    """Options of `bench ls ledger`."""


def ls_models(options: WeightsFolder) -> int:
    """List the models: prompts they were trained on, parameters, licence, and whether their weights are here."""
    from tabulate import tabulate

    import adapters
    from bench.commands.weights import weights_state

    rows = []
    for name in [*adapters.REGISTRY, *adapters.others()]:
        card = adapters.card(name)
        trained = "; ".join(sorted("+".join(sorted(kinds)) for kinds in card.trained))
        parameters = f"{card.parameters:,}" if card.parameters else "-"
        rows.append((name, card.title, trained, parameters, card.licence, weights_state(name, options.weights)))
    print(tabulate(rows, headers=["model", "title", "trained prompts", "parameters", "licence", "weights"]))
    return OK


def ls_datasets(options: LinkedDataFolder) -> int:
    """List the data sets: licence, source, and how many folders below --data hold each."""
    from tabulate import tabulate

    from bench.data import catalogue, datasets

    rows = []
    for name in datasets.names():
        one = datasets.load(name)
        found = len(catalogue.roots(name, options.data, options.follow_links)) if options.data else "-"
        rows.append((name, one.title, one.modality, one.licence, found, one.source))
    headers = ["name", "title", "modality", "licence", "found", "source"]
    print(tabulate(rows, headers=headers, maxcolwidths=[None, 30, None, 35, None, 60]))
    return OK


def ls_prompts(options: NoOptions) -> int:
    """List the kinds of simulated prompts."""
    from tabulate import tabulate

    from bench.prompting.kinds import KINDS

    print(tabulate([(name, kind.text) for name, kind in KINDS.items()], headers=["prompt", "what"]))
    return OK


def ls_protocols(options: NoOptions) -> int:
    """List every rule of every protocol, and where the rules come from."""
    from tabulate import tabulate

    from bench.protocols import EMPTY_RULES, PROMPTING, PROTOCOLS, SCORING

    rules = [(rule, *(_rule(getattr(one, rule)) for one in PROTOCOLS.values())) for rule in (*PROMPTING, *SCORING)]
    print(tabulate(rules, headers=["rule", *PROTOCOLS], disable_numparse=True))
    print(f"\nScoring rules, which `bench score --protocol` can change after a run: {', '.join(SCORING)}.")
    print("Empty rules:", *(f"  {name}: {text}" for name, text in EMPTY_RULES.items()), "", sep="\n")
    for one in PROTOCOLS.values():
        print(fill(f"{one.name}: {one.source}.", WIDTH, subsequent_indent="  "))
    return OK


def _rule(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def ls_runs(options: RunsFolder) -> int:
    """List the run folders below a folder, with what each holds."""
    from tabulate import tabulate

    print(tabulate(_runs(options.folder), headers=["run", "state", "protocol", "prompts", "what"]))
    return OK


def _runs(folder: Path) -> Iterator[tuple[str, ...]]:
    from bench.store.run_folder import read_run

    for path in sorted(folder.glob("*/run.json")):
        run = path.parent
        try:
            facts = read_run(run)
        except (RunError, ValueError) as error:
            yield str(run), "not a run", "", "", str(error)
            continue
        state = "scored" if facts.finished["score"] else "unfinished"
        yield str(run), state, facts.config.protocol, ",".join(facts.config.prompts), facts.world_text


def ls_ledger(options: LedgerOptions) -> int:
    """List which weights have seen which data set in training, with the source, and the licences of both."""
    import adapters
    from bench.data.datasets import REGISTRY
    from bench.reporting.tables import ledger

    cards = [adapters.card(name) for name in (adapters.REGISTRY if options.models == ALL else options.models)]
    terms = {card.name: (card.licence, card.trained_on) for card in cards}
    sets = list(REGISTRY) if options.datasets == ALL else options.datasets
    print_tables(ledger.text_tables(ledger.table(terms, sets)), options.style)
    return OK
