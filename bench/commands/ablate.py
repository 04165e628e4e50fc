"""`bench ablate experts|queries|decoder|size`: the paper's ablations on any data."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.commands.options import ALL, OK, NameList, names_option
from bench.errors import RunError

if TYPE_CHECKING:
    from bench.studies.ablations.output import AblationReport
    from bench.studies.ablations.setting import Setting

NAMES = ("experts", "queries", "decoder", "size")
PHANTOM_FOUR = ("phantom_ct", "phantom_t1", "phantom_t2", "phantom_flair")
PHANTOM_SEVEN = (*PHANTOM_FOUR, "phantom_xray", "phantom_dermoscopy", "phantom_ultrasound")
VERDICTS = "verdicts.md"


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
            parser=_ablations, metavar="NAMES", help="Comma-separated: experts, queries, decoder, size; or all."
        ),
    ]
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for tables and figures.")] = Path("results/ablations")
    work: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder for trained networks. Default: OUT/work.")
    ] = None
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Data sets to train on, in the IMIS layout; without it, phantoms."),
    ] = None
    test_data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Zero-shot data sets; without it, phantoms.")
    ] = None
    four: Annotated[NameList | None, names_option(help="Comma-separated data sets: the subset of four modalities.")] = (
        None
    )
    seven: Annotated[
        NameList | None, names_option(help="The same for the subset of seven. Default: all below --data.")
    ] = None
    full: Annotated[bool, typer.Option("--full", help="Networks of official size instead of mini ones.")] = False
    base: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Weights of IMIS-Net. Default: the catalogue's file.")
    ] = None
    seeds: Annotated[int, typer.Option(min=1, help="Trainings per configuration; a verdict needs 3.")] = 3
    epochs: Annotated[int | None, typer.Option(min=1, help="Default: 12 for mini networks, else the recipe's.")] = None
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
    """Train and test what the paper's ablations compare; what is finished is not done again."""
    setting = None
    if any(name != "size" for name in options.names):
        setting = _scaled(_setting(options), options)
        print(setting.text())
    for name in options.names:
        _write(_report(name, setting, options.jobs), options.out)
    return OK


def _setting(options: AblateOptions) -> "Setting":
    from adapters.families.segmote import MINI
    from adapters.weights.catalogue import locate
    from bench.miniworld import folders
    from bench.studies.ablations.setting import Setting
    from segmote.network.config import RELEASED
    from segmote.recipe import PAPER_RECIPE

    data, tested = (None if one is None else one.expanduser().resolve() for one in (options.data, options.test_data))
    four, seven = _subsets(options, data)
    return Setting(
        network=RELEASED if options.full else MINI,
        recipe=PAPER_RECIPE,
        base=options.base or locate("imis/vit_b" if options.full else "imis/mini"),
        card="segmote/released" if options.full else "segmote/mini",
        data=data or folders.training_data(),
        test_data=tested or folders.phantom_data(),
        zero_shot=folders.ZERO_SHOT,
        four=four,
        seven=seven,
        seeds=tuple(range(options.seeds)),
        limit=options.limit,
        slices=options.slices,
        work=options.work or options.out / "work",
        world="real" if data or tested else "phantom",
    )


def _subsets(options: AblateOptions, data: Path | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of the data sets of four and of seven modalities, in lower case."""
    known = _codes(data) if data else PHANTOM_SEVEN
    if data and options.four is None:
        raise RunError(f"--four must name the data sets of the small subset; there are {', '.join(known)}")
    four = tuple(name.lower() for name in options.four or PHANTOM_FOUR)
    seven = tuple(name.lower() for name in options.seven or known)
    if missing := [name for name in (*four, *seven) if name not in known]:
        raise RunError(f"no data set {', '.join(missing)} in {data or 'the phantoms'}; there are {', '.join(known)}")
    return four, seven


def _codes(folder: Path) -> tuple[str, ...]:
    from segmote.training.data import find_items

    return tuple(dict.fromkeys(item.code for item in find_items(folder, (), 1)))


def _scaled(setting: "Setting", options: AblateOptions) -> "Setting":
    """The recipe's length and the amount of data; mini networks learn faster and see little."""
    count = options.epochs or (setting.recipe.epochs if options.full else 12)
    if options.full:
        return replace(setting, recipe=replace(setting.recipe, epochs=count))
    steps_down = 2 * count // 3, 5 * count // 6
    recipe = replace(setting.recipe, rate=1e-3, milestones=steps_down, epochs=count, box_noise_px=1, box_past_px=1)
    return replace(setting, recipe=recipe, limit=setting.limit or 80, slices=setting.slices or 3)


def _report(name: str, setting: "Setting | None", jobs: int) -> "AblationReport":
    from bench.studies.ablations import decoder, experts, queries, size

    if name == "size" or setting is None:
        return size.ablate()
    return {"experts": experts.ablate, "queries": queries.ablate, "decoder": decoder.ablate}[name](setting, jobs)


def _write(report: "AblationReport", out: Path) -> None:
    from bench.store.files import write_bytes
    from bench.studies.ablations.output import write

    print(f"\n{report.markdown()}")
    for path in write(report, out):
        print(path)
    lines = [f"{report.name}: {verdict.text()}" for verdict in report.verdicts]
    known = (out / VERDICTS).read_text().splitlines() if (out / VERDICTS).exists() else []
    kept = [line for line in known if line and not line.startswith(f"{report.name}: ")]
    write_bytes(out / VERDICTS, "\n".join([*kept, *lines, ""]).encode())
