"""`bench ablate experts|queries|decoder|size`: the paper's ablation studies on any data."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.commands.options import ALL, OK, NameList, names_option

if TYPE_CHECKING:
    from bench.studies.ablations.output import AblationReport
    from bench.studies.ablations.setting import Setting

NAMES = ("experts", "queries", "decoder", "size")


def _ablations(text: str) -> NameList:
    found = NameList.parse(text)
    if unknown := [name for name in found if name not in (*NAMES, *ALL)]:
        raise typer.BadParameter(f"unknown ablation {', '.join(unknown)}; there are {', '.join(NAMES)}, or all")
    return NameList(NAMES) if found == ALL else found


@dataclass(frozen=True, kw_only=True)
class AblateOptions:
    """Options of `bench ablate`."""

    names: Annotated[
        NameList,
        typer.Argument(
            parser=_ablations, metavar="NAMES", help="Comma-separated studies: experts, queries, decoder, size; or all."
        ),
    ]
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for tables and figures.")] = Path("results/ablations")
    work: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder for trained networks. Default: OUT/work.")
    ] = None
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of data sets in the IMIS layout to train on. Default: phantoms."),
    ] = None
    test_data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of data sets for zero-shot tests. Default: phantoms.")
    ] = None
    four: Annotated[
        NameList | None,
        names_option(
            help="Comma-separated data sets for trainings on few modalities (four in the paper). Needed with --data."
        ),
    ] = None
    seven: Annotated[
        NameList | None,
        names_option(
            help="Comma-separated data sets for trainings on many modalities (seven in the paper). Default: all."
        ),
    ] = None
    full: Annotated[bool, typer.Option("--full", help="Networks of official size instead of mini ones.")] = False
    base: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Weights of IMIS-Net. Default: the catalogue's file.")
    ] = None
    seeds: Annotated[int, typer.Option(min=1, help="Trainings per configuration; a verdict needs 3.")] = 3
    most_seeds: Annotated[
        int,
        typer.Option(min=1, help="Trainings of a configuration whose interval is wider than 5 Dice points, at most."),
    ] = 8
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Training epochs. Default: 6 for mini networks, else the recipe's.")
    ] = None
    limit: Annotated[
        int | None, typer.Option(min=1, help="Training images per data set. Default: 80 for mini networks, else all.")
    ] = None
    slices: Annotated[
        int | None, typer.Option(min=1, help="Tested slices per case. Default: 3 for mini networks, else all.")
    ] = None
    jobs: Annotated[
        int, typer.Option(min=1, help="Worker processes of one thread each; their number changes no result.")
    ] = 2


def ablate_command(options: AblateOptions) -> int:
    """Repeat the paper's ablation studies: experts, prompt queries, tuned decoder, size. Reuses finished trainings."""
    from bench.studies.ablations.output import write

    setting = None
    if any(name != "size" for name in options.names):
        setting = _setting(options)
        print(setting.text())
    for name in options.names:
        report = _report(name, setting, options.jobs)
        print(f"\n{report.markdown()}", *write(report, options.out), sep="\n")
    return OK


def _setting(options: AblateOptions) -> "Setting":
    from bench.studies.ablations.defaults import choose_data, default_setting

    data = choose_data(options.data, options.test_data, options.four, options.seven)
    work = options.work or options.out / "work"
    setting = default_setting(data, work, options.full, options.base, options.epochs)
    given = {name: value for name in ("limit", "slices") if (value := getattr(options, name)) is not None}
    return replace(setting, seeds=options.seeds, most_seeds=options.most_seeds, **given)


def _report(name: str, setting: "Setting | None", jobs: int) -> "AblationReport":
    from bench.studies.ablations import decoder, experts, queries, size

    if name == "size" or setting is None:
        return size.ablate()
    return {"experts": experts.ablate, "queries": queries.ablate, "decoder": decoder.ablate}[name](setting, jobs)
