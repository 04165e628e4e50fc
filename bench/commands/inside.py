"""`bench inside`: which experts are chosen, where tokens look, how data sets lie to each other."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import pandas as pd
import typer
from tabulate import tabulate

import adapters
from bench import world
from bench.commands.options import OK, SOME_FAILED, Data, Datasets, split
from bench.data.case import Defect
from bench.errors import RunError
from bench.miniworld.folders import ZERO_SHOT, phantom_data, training_data
from bench.prompting import kinds
from bench.running import choose
from bench.store.files import write_bytes
from bench.studies import pictures
from bench.studies.inside import choices, embeddings, routing
from bench.studies.questions import DataSet, all_asked, data_sets

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# What draws, and the networks, are imported by the commands that need them: they cost seconds.

inside = typer.Typer(help="Look inside SegMoTE: figures 4, 6a and 7 of the paper.", no_args_is_help=True)

Model = Annotated[str, typer.Option(help="A model, family/variant.")]
WeightsFile = Annotated[Path | None, typer.Option(help="Weights file or folder, instead of the catalogue's.")]
Out = Annotated[Path, typer.Option(help="Folder for PNG, PDF and CSV.")]
Kind = Annotated[str, typer.Option("--prompt", help="Prompt kind, or auto for none.")]
ProtocolName = Annotated[str, typer.Option("--protocol", help="Rules, see bench ls protocols.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Cases a data set.")]
Seed = Annotated[int, typer.Option(help="Of drawn prompts and of t-SNE.")]
Device = Annotated[str, typer.Option(help="cpu or cuda[:i].")]
OUT = Path("results/inside")


@inside.command("experts")
def experts_command(
    model: Model = "segmote/mini",
    datasets: Datasets = "all",
    data: Data = None,
    weights: WeightsFile = None,
    out: Out = OUT,
    prompt: Kind = "box",
    protocol: ProtocolName = "bench",
    limit: Limit = None,
    seed: Seed = 0,
    device: Device = "cpu",
) -> int:
    """Which expert tokens answer, and which experts update them, by data set (figure 6a)."""
    from bench.studies.answers import routed  # noqa: PLC0415

    segmenter, defects = routed(adapters.load(model, weights, device)), list[Defect]()
    slices = all_asked(_sets(datasets, data, limit), _kind(prompt), protocol, seed, defects)
    table = _filled(choices.choices(segmenter, (found for _, found in slices)), defects)
    tokens, layers = segmenter.network.config.num_experts, segmenter.network.config.layers
    summary = choices.shares(table, tokens)
    title = f"Selected expert tokens, prompt {prompt}. {_about(segmenter.card.name, data)}"
    print(
        title,
        tabulate(summary.round(3).rename_axis("dataset").reset_index().to_dict("list"), headers="keys"),
        sep="\n\n",
    )
    _write(out / "experts", choices.figure(table, tokens, layers, title), table)
    _write(out / "experts-summary", None, summary.rename_axis("dataset").reset_index())
    return _finish(out, defects)


@inside.command("routing")
def routing_command(
    model: Model = "segmote/mini",
    datasets: Datasets = "all",
    data: Data = None,
    weights: WeightsFile = None,
    out: Out = OUT,
    prompt: Kind = "box",
    protocol: ProtocolName = "bench",
    limit: Limit = None,
    images: Annotated[int, typer.Option(min=1, help="Examples a data set, of the largest targets.")] = 1,
    layer: Annotated[int | None, typer.Option(min=1, help="Decoder layer; default the last.")] = None,
    seed: Seed = 0,
    device: Device = "cpu",
) -> int:
    """Heat maps of where the expert tokens look, by token and by expert (figure 7)."""
    from bench.studies.answers import routed  # noqa: PLC0415

    segmenter, defects = routed(adapters.load(model, weights, device)), list[Defect]()
    layers = segmenter.network.config.layers
    if layer is not None and layer > layers:
        raise RunError(f"{segmenter.card.name} has decoder layers 1 to {layers}, got --layer {layer}")
    slices = all_asked(_sets(datasets, data, limit), _kind(prompt), protocol, seed, defects)
    chosen = layer or layers
    shown = routing.examples(segmenter, routing.largest(slices, images), chosen - 1)
    table = _filled(routing.measured(shown), defects)
    for by in ("token", "expert"):
        title = f"Attention of decoder layer {chosen}, by {by}; red: box of the target; green: answer and its {by}.\n"
        _write(out / f"routing-{by}", routing.figure(shown, by, title + _about(segmenter.card.name, data)), None)
    _write(out / "routing", None, table)
    return _finish(out, defects)


@inside.command("embeddings")
def embeddings_command(
    model: Model = "segmote/mini",
    datasets: Datasets = "all",
    data: Data = None,
    weights: WeightsFile = None,
    out: Out = OUT,
    protocol: ProtocolName = "bench",
    limit: Limit = None,
    seed: Seed = 0,
    device: Device = "cpu",
) -> int:
    """How the encoder's pooled embeddings of the data sets lie, by PCA and t-SNE (figure 4)."""
    segmenter, defects = adapters.load(model, weights, device), list[Defect]()
    slices = all_asked(_sets(datasets, data, limit), "box", protocol, seed, defects)
    facts, vectors = embeddings.pooled(segmenter, slices)
    table = _filled(facts, defects)
    for view, places in embeddings.reduced(vectors, seed).items():
        table[[f"{view}_1", f"{view}_2"]] = places
    title = f"Pooled image embeddings. {_about(segmenter.card.name, data)}"
    foreign = embeddings.mixing(vectors, table["dataset"])
    print(title, "Share of the five nearest neighbours that belong to another data set:", sep="\n\n")
    print(tabulate(foreign.round(3).items(), headers=["data set", "foreign"]))
    _write(out / "embeddings", embeddings.figure(table, title), table)
    return _finish(out, defects)


def _sets(names: str, data: Path | None, limit: int | None) -> list[DataSet]:
    """Data sets by name; without a folder, those of the phantoms to train on and then those to test on."""
    if data is not None:
        choice = choose.choose(("baseline/box",), split(names), data, None)
        return data_sets(choice.datasets, choice.data, limit)
    wanted = split(names)
    if list(wanted) == ["all"]:
        wanted = ("imis", *ZERO_SHOT)
    folders = ((name, phantom_data() if name in ZERO_SHOT else training_data()) for name in wanted)
    return [found for name, folder in folders for found in data_sets([name], folder, limit)]


def _kind(name: str) -> str:
    kinds.load(name)
    return name


def _about(model: str, data: Path | None) -> str:
    return world.text([model], "phantom" if data is None else "real")


def _filled(table: pd.DataFrame, defects: Sequence[Defect]) -> pd.DataFrame:
    if table.empty:
        first = f"; the first of {len(defects)} defects: {defects[0].reason}" if defects else ""
        raise RunError(f"no target to ask for in these data sets{first}")
    return table


def _write(stem: Path, figure: "Figure | None", table: pd.DataFrame | None) -> None:
    made = []
    if figure is not None:
        made = pictures.save(figure, stem)
    if table is not None:
        made.append(stem.with_suffix(".csv"))
        write_bytes(made[-1], table.to_csv(index=False).encode())
    for path in made:
        print(path)


def _finish(out: Path, defects: Sequence[Defect]) -> int:
    """Say what could not be read; nothing is skipped in silence."""
    if not defects:
        return OK
    _write(out / "left-out", None, pd.DataFrame([[d.dataset, d.case, d.kind, d.reason] for d in defects],
        columns=["dataset", "case", "kind", "reason"]))  # fmt: skip
    return SOME_FAILED if any(defect.kind == "failed" for defect in defects) else OK
