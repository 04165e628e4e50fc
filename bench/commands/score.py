"""`bench score`: the stored masks of a run, by its own rules or by another protocol's scoring rules."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.commands.headline import finish
from bench.commands.options import OK, SOME_FAILED, RunFolder
from bench.errors import RunError
from bench.protocols import SCORING, EmptyRule, Protocol, load, scoring_text, with_empty_rule

if TYPE_CHECKING:
    from bench.running.rescore import Rescored


@dataclass(frozen=True, kw_only=True)
class ScoreOptions(RunFolder):
    """Options of `bench score`."""

    protocol: Annotated[
        str | None, typer.Option(help="Score by the rules of this protocol, beside the run's own scores.")
    ] = None
    empty: Annotated[
        EmptyRule | None,
        typer.Option(help="Score by this rule for empty masks, beside the run's own scores (see bench ls protocols)."),
    ] = None


def score_command(options: ScoreOptions) -> int:
    """Score the stored masks of a run again; needs no model."""
    from bench.running.rescore import rescore
    from bench.running.run import score_only

    if options.protocol is None and options.empty is None:
        return finish(score_only(options.folder))
    ours, wanted = _protocols(options)
    made = rescore(options.folder, wanted)
    print(f"Scored the masks of {options.folder} by the rules of {wanted.name}: {_rules(wanted)}.")
    print(_difference(ours, made))
    print(f"\n{_table(options.folder, ours, wanted)}\n\nRecords: {made.records}")
    return SOME_FAILED if made.failed else OK


def _protocols(options: ScoreOptions) -> tuple[Protocol, Protocol]:
    """The protocol of the run and the one to score by."""
    from bench.store.run_folder import read_run

    ours = load(read_run(options.folder).config.protocol)
    wanted = load(options.protocol) if options.protocol else ours
    wanted = with_empty_rule(wanted, options.empty) if options.empty else wanted
    if wanted == ours:
        raise RunError(
            f"{options.folder} already has the protocol {ours.name}; to score it again: bench score {options.folder}"
        )
    return ours, wanted


def _rules(protocol: Protocol) -> str:
    text = ", ".join(f"{name} {getattr(protocol, name)}" for name in SCORING)
    return f"{text} ({scoring_text(protocol)})"


def _difference(ours: Protocol, made: "Rescored") -> str:
    if not made.needs_new_run:
        return f"{ours.name} and {made.protocol.name} make the same images and prompts: nothing needs a new run."
    name = made.protocol.name.partition("+")[0]
    lines = "\n  ".join(made.needs_new_run)
    return (
        f"Images and prompts are still those of {ours.name}. "
        f"To follow {name} in these rules as well, start a new run with `bench run --protocol {name}`:\n  {lines}"
    )


def _table(folder: Path, ours: Protocol, wanted: Protocol) -> str:
    from tabulate import tabulate

    from bench.reporting.scored_run import read_scored_run
    from bench.reporting.tables.protocol_ranking import protocol_ranking
    from bench.store.run_folder import records_path

    if not records_path(folder).exists():
        return f"`bench score {folder}` gives the run's own scores to compare with."
    found = protocol_ranking(read_scored_run(folder), [wanted])
    title = f"Dice (%) and rank by {ours.name} and by {wanted.name}"
    return f"{title}\n\n{tabulate(found.rows(), found.heads(), 'simple', disable_numparse=True)}"
