"""`bench ablate experts|queries|decoder|size`: the paper's ablations on any data."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adapters.weights.catalogue import locate
from bench.commands.options import OK, split
from bench.errors import RunError
from bench.miniworld import folders
from bench.store.files import write_bytes
from bench.studies.ablations import decoder, experts, queries, size

if TYPE_CHECKING:
    from bench.studies.ablations.output import AblationReport
    from bench.studies.ablations.setting import Setting

NAMES = ("experts", "queries", "decoder", "size")
PHANTOM_FOUR = ("phantom_ct", "phantom_t1", "phantom_t2", "phantom_flair")
PHANTOM_SEVEN = (*PHANTOM_FOUR, "phantom_xray", "phantom_dermoscopy", "phantom_ultrasound")
VERDICTS = "verdicts.md"


def ablate_command(
    names: Annotated[str, typer.Argument(help="Comma list of experts, queries, decoder, size; or all.")],
    out: Annotated[Path, typer.Option(help="Folder of tables and figures.")] = Path("results/ablations"),
    work: Annotated[Path | None, typer.Option(help="Folder of trained networks; default OUT/work.")] = None,
    data: Annotated[
        Path | None, typer.Option(help="Data sets to train on, in the IMIS layout; without it, phantoms.")
    ] = None,
    test_data: Annotated[Path | None, typer.Option(help="The zero-shot sets; without it, phantoms.")] = None,
    four: Annotated[str | None, typer.Option(help="Comma list, the subset of four modalities.")] = None,
    seven: Annotated[str | None, typer.Option(help="Comma list, that of seven; default all below --data.")] = None,
    full: Annotated[bool, typer.Option("--full", help="Networks of official size instead of mini ones.")] = False,
    base: Annotated[Path | None, typer.Option(help="IMIS-Net's weights; default the catalogue's.")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Trainings a configuration; 3 for a verdict.")] = 3,
    epochs: Annotated[int | None, typer.Option(min=1, help="Default 4 for mini networks, 15 for others.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Training images a data set; default 24 for mini.")] = None,
    slices: Annotated[int | None, typer.Option(min=1, help="Tested slices a case; default 3 for mini.")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Worker processes of one thread each; changes no result.")] = 2,
) -> int:
    """Train and test what the paper's ablations compare; what is done is not done again."""
    wanted = NAMES if names == "all" else split(names)
    unknown = [name for name in wanted if name not in NAMES]
    if unknown or not wanted:
        raise RunError(f"unknown ablation {', '.join(unknown) or '(none)'}; there are {', '.join(NAMES)}, or all")
    setting = None
    for name in wanted:
        if name != "size" and setting is None:
            setting = _setting(work or out / "work", data, test_data, four, seven, full, base, seeds)
            setting = _scaled(setting, full, epochs, limit, slices)
            print(setting.text())
        _write(_report(name, setting, jobs), out)
    return OK


def _setting(
    work: Path,
    data: Path | None,
    test_data: Path | None,
    four: str | None,
    seven: str | None,
    full: bool,
    base: Path | None,
    seeds: int,
) -> "Setting":
    from adapters.families.segmote import MINI  # noqa: PLC0415 - the trainer brings Lightning Fabric along
    from bench.studies.ablations.setting import Setting  # noqa: PLC0415
    from segmote.network.config import RELEASED  # noqa: PLC0415
    from segmote.recipe import PAPER_RECIPE  # noqa: PLC0415

    folder = data.expanduser().resolve() if data is not None else folders.training_data()
    all_of_them = _codes(folder) if data is not None else PHANTOM_SEVEN
    chosen = split(seven.lower()) if seven else all_of_them
    if data is not None and four is None:
        raise RunError(f"--four must name the data sets of the small subset; there are {', '.join(all_of_them)}")
    few = split(four.lower()) if four else PHANTOM_FOUR
    missing = [code for code in (*few, *chosen) if code not in all_of_them]
    if missing:
        raise RunError(f"no data set {', '.join(missing)} in {folder}; there are {', '.join(all_of_them)}")
    tested = test_data.expanduser().resolve() if test_data is not None else folders.phantom_data()
    return Setting(
        network=RELEASED if full else MINI,
        recipe=PAPER_RECIPE,
        base=base or locate("imis/vit_b" if full else "imis/mini"),
        card="segmote/released" if full else "segmote/mini",
        data=folder,
        test_data=tested,
        zero_shot=folders.ZERO_SHOT,
        four=few,
        seven=chosen,
        seeds=tuple(range(seeds)),
        limit=None,
        slices=None,
        work=work,
        world="real" if data is not None or test_data is not None else "phantom",
    )


def _scaled(setting: "Setting", full: bool, epochs: int | None, limit: int | None, slices: int | None) -> "Setting":
    """The recipe's length and the amount of data; mini networks learn faster and see little."""
    recipe = setting.recipe
    count = epochs or (recipe.epochs if full else 4)
    if full:
        recipe = replace(recipe, epochs=count)
    else:
        recipe = replace(recipe, rate=1e-3, milestones=(2 * count // 3, 5 * count // 6), epochs=count)
        limit, slices = limit or 24, slices or 3
    return replace(setting, recipe=recipe, limit=limit, slices=slices)


def _codes(folder: Path) -> tuple[str, ...]:
    from segmote.training.data import find_items  # noqa: PLC0415

    return tuple(dict.fromkeys(item.code for item in find_items(folder, (), 1)))


def _report(name: str, setting: "Setting | None", jobs: int) -> "AblationReport":
    if setting is None:
        return size.ablate()

    trained = {"experts": experts.ablate, "queries": queries.ablate, "decoder": decoder.ablate}
    return trained[name](setting, jobs) if name in trained else size.ablate()


def _write(report: "AblationReport", out: Path) -> None:
    from bench.studies.ablations.output import write  # noqa: PLC0415

    print(f"\n{report.markdown()}")
    for path in write(report, out):
        print(path)
    lines = [f"{report.name}: {verdict.text()}" for verdict in report.verdicts]
    known = (out / VERDICTS).read_text().splitlines() if (out / VERDICTS).exists() else []
    kept = [line for line in known if line and not line.startswith(f"{report.name}: ")]
    write_bytes(out / VERDICTS, "\n".join([*kept, *lines, ""]).encode())
