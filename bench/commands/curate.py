"""`bench curate`: a training set such as MedSeg-HQ from data sets on disk."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.commands.assignments import assigned
from bench.commands.options import ALL, OK, SOME_FAILED, Engine, FollowLinks, NameList, TrustArrays, names_option

if TYPE_CHECKING:
    from bench.studies.curation.curate import Curated

OPTIONS = {"masks": "--masks", "per_dataset": "--per-dataset", "per_class": "--per-class", "seed": "--seed"}


@dataclass(frozen=True, kw_only=True)
class CurateOptions(FollowLinks, TrustArrays):
    """Options of `bench curate`."""

    data: Annotated[
        Path,
        typer.Option(envvar="BENCH_DATA", metavar="DIR", help="Folder that holds the sources.", rich_help_panel="Data"),
    ]
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the training set.")]
    datasets: Annotated[
        NameList, names_option(help="Comma-separated sources (see bench ls datasets), or all.", panel="Data")
    ] = ALL
    evaluation: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder of data sets that models are tested on; images that are there are left out.",
            rich_help_panel="Data",
        ),
    ] = None
    evaluation_datasets: Annotated[
        NameList, names_option(help="Comma-separated data sets of that folder, or all.", panel="Data")
    ] = ALL
    masks: Annotated[int | None, typer.Option(min=1, help="Masks in the whole set. Default: all that pass.")] = None
    per_dataset: Annotated[int | None, typer.Option(min=1, help="Masks of one source. Default: all.")] = None
    per_class: Annotated[int | None, typer.Option(min=1, help="Masks of one class of a source. Default: all.")] = None
    protocol: Annotated[
        str, typer.Option(help="How volumes are cut and intensities mapped (see bench ls protocols).")
    ] = "segmote"
    seed: Annotated[int, typer.Option(help="Seed of the draws and of the split.")] = 0
    jobs: Annotated[
        int, typer.Option(min=1, help="Worker processes; their number changes no result.", rich_help_panel="Machine")
    ] = 1
    engine: Annotated[Engine, typer.Option(help="What runs the workers.", rich_help_panel="Machine")] = "local"
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Any other rule of the selection, for example least_score=0 or alike_bits=4; can be given several "
            "times. --set help lists the names.",
        ),
    ] = None


def curate_command(options: CurateOptions) -> int:
    """Choose masks of high quality from data sets, hold out one patient in ten, and write a training set.

    Run the same command again to resume an interrupted one. docs/curation.md tells how masks are judged.
    """
    from bench.data.curation.selection import SelectionRules
    from bench.running.choose import choose
    from bench.studies.curation.curate import CurationConfig, curate

    (others,) = assigned(options.assignments or (), (SelectionRules,), OPTIONS)
    named = {field.name: getattr(options, field.name) for field in fields(options) if field.name in OPTIONS}
    sources = choose(("baseline/box",), options.datasets, options.data, None, options.follow_links)
    tested: dict[str, Any] = {}
    if options.evaluation:
        found = choose(("baseline/box",), options.evaluation_datasets, options.evaluation, None, options.follow_links)
        tested = {"evaluation": found.data, "tested": found.datasets}
    config = CurationConfig(
        data=sources.data,
        datasets=sources.datasets,
        out=options.out,
        rules=SelectionRules(**named, **others),
        protocol=options.protocol,
        jobs=options.jobs,
        engine=options.engine,
        trust_arrays=options.trust_arrays,
        follow_links=options.follow_links,
        **tested,
    )
    return _print(curate(config))


def _print(found: "Curated") -> int:
    from tabulate import tabulate

    head = ["data set", "masks read", "in the set", "held out", "patients", "cases not read"]
    unread = found.left_out[found.left_out["kind"] != "selection"]
    rows = []
    for name, scores in found.scores.groupby("dataset"):
        mine = found.manifest[found.manifest["dataset"] == name]
        tested, cases = (mine["split"] == "test").sum(), (unread["dataset"] == name).sum()
        rows.append((name, len(scores), len(mine), tested, mine["person"].nunique(), cases))
    print(tabulate(rows, head))
    print(f"\nLeft out: {len(found.left_out)}, each with its reason. See {found.folder / 'data-sheet.html'}")
    return SOME_FAILED if found.failed else OK
