"""`bench score`: the stored masks of a run, by its own rules or by another protocol's scoring rules."""

from pathlib import Path
from typing import Annotated

import typer
from tabulate import tabulate

from bench import protocols
from bench.commands.options import OK, SOME_FAILED, Run
from bench.commands.run import finish
from bench.errors import RunError
from bench.protocols import EMPTY_RULES
from bench.reporting.scored_run import read_scored_run
from bench.reporting.tables import protocol_ranking
from bench.running import run
from bench.running.rescore import Rescored, rescore
from bench.store.run_folder import read_run, records_path


def score_command(
    folder: Run,
    protocol: Annotated[str | None, typer.Option(help="Score by this protocol's rules, beside the run's own.")] = None,
    empty: Annotated[str | None, typer.Option(help=f"Rule for empty masks: {', '.join(EMPTY_RULES)}.")] = None,
) -> int:
    """Score the stored masks of a run again; needs no model."""
    return _rescore(folder, protocol, empty) if protocol or empty else finish(run.score_only(folder))


def _rescore(folder: Path, protocol: str | None, empty: str | None) -> int:
    """Score by other rules, beside the run's own records; says what a new run would change."""
    ours = protocols.load(read_run(folder).config.protocol)
    wanted = protocols.load(protocol) if protocol else ours
    wanted = protocols.with_empty_rule(wanted, empty) if empty else wanted
    if wanted == ours:
        raise RunError(f"{folder} has the protocol {ours.name} already; `bench score {folder}` scores it again")
    made = rescore(folder, wanted)
    print(f"Scored the masks of {folder} by the rules of {wanted.name}: {_rules(wanted)}.")
    print(_difference(ours, made))
    print(f"\n{_table(folder, ours, wanted)}\n\nRecords: {made.records}")
    return SOME_FAILED if made.failed else OK


def _rules(protocol: protocols.Protocol) -> str:
    text = ", ".join(f"{name} {getattr(protocol, name)}" for name in protocols.SCORING)
    return f"{text} ({protocols.scoring_text(protocol)})"


def _difference(ours: protocols.Protocol, made: Rescored) -> str:
    if not made.needs_new_run:
        return f"Images and prompts of {ours.name} and {made.protocol.name} are the same: nothing needs a new run."
    name = made.protocol.name.partition("+")[0]
    lines = "\n  ".join(made.needs_new_run)
    return (
        f"Images and prompts stay those of {ours.name}. To follow {name} in these rules, too, "
        f"run it anew with `bench run --protocol {name}`:\n  {lines}"
    )


def _table(folder: Path, ours: protocols.Protocol, wanted: protocols.Protocol) -> str:
    if not records_path(folder).exists():
        return f"`bench score {folder}` gives the run's own scores to compare with."
    found = protocol_ranking.protocol_ranking(read_scored_run(folder), [wanted])
    title = f"Dice (%) and place by {ours.name} and by {wanted.name}"
    return f"{title}\n\n{tabulate(found.rows(), found.heads(), 'simple', disable_numparse=True)}"
