"""A run's masks scored by the rules of another protocol, beside the run's own records."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import protocols
from bench.protocols import Protocol
from bench.running.run import scored
from bench.store.files import write_json
from bench.store.run_folder import failures_path, one_writer, read_run, records_path, rules_path, write_table


@dataclass(frozen=True, slots=True)
class Rescored:
    """A run's masks scored by the rules of another protocol.

    Attributes:
        records: the file of these scores, with `failures.parquet` and `protocol.json` beside it.
        protocol: whose scoring rules held.
        needs_new_run: the prompting rules in which it differs from the run's protocol, as far as
            the run's prompts follow them, see `protocols.needs_new_run`.
        failed: predictions that failed.
    """

    records: Path
    protocol: Protocol
    needs_new_run: Sequence[str]
    failed: int


def rescore(folder: Path, wanted: Protocol) -> Rescored:
    """Score the stored masks of a run by another protocol's scoring rules, beside the run's own records.

    Raises:
        RunError: not a run, unfinished, or written by another process.
    """
    facts = read_run(folder)
    with one_writer(folder):
        ours = protocols.load(facts.config.protocol)
        differ = protocols.needs_new_run(ours, wanted, facts.config.prompts)
        failures, _ = scored(facts, wanted, records_path(folder, wanted.name))
        write_table(failures.astype("string"), failures_path(folder, wanted.name))
        rules = {name: getattr(wanted, name) for name in protocols.SCORING}
        about = {"scoring": rules, "prompts_of": ours.name, "needs_new_run": differ}
        write_json(rules_path(folder, wanted.name), about)
    return Rescored(records_path(folder, wanted.name), wanted, differ, int((failures["kind"] == "failed").sum()))
