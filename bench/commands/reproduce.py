"""`bench reproduce segmote`: the whole programme of the SegMoTE paper, and one report."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from bench.commands.machine import available_device
from bench.commands.options import OK, SOME_FAILED, DataFolder, Device, WeightsFolder


@dataclass(frozen=True, kw_only=True)
class ReproduceOptions(Device, DataFolder, WeightsFolder):
    """Options of `bench reproduce segmote`."""

    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for everything; the report is report.html in it.")]
    quick: Annotated[
        bool, typer.Option("--quick", help="A first look in minutes, whose numbers mean nothing; the report says so.")
    ] = False
    jobs: Annotated[
        int, typer.Option(min=1, help="Worker processes; their number changes no result.", rich_help_panel="Machine")
    ] = 2


def reproduce_segmote(options: ReproduceOptions) -> int:
    """Curate, train, and repeat Tables 1 to 4 and Figures 4 to 7 of the SegMoTE paper; one report shows all of it.

    Without --data everything happens in the built-in mini world. What is missing is named, and the rest is done. Run
    the same command again to resume; docs/reproduction.md tells more.
    """
    from bench.studies.reproduction.programme import Programme, claim
    from bench.studies.reproduction.report import write_report
    from bench.studies.reproduction.steps import perform

    device = available_device(options.device)
    data = None if options.data is None else options.data.expanduser().resolve()
    programme = Programme(options.out, data, options.weights, options.quick, options.jobs, device)
    claim(programme)
    outcomes = perform(programme)
    print(*write_report(programme, outcomes), sep="\n")
    return OK if all(one.is_done for one in outcomes) else SOME_FAILED
