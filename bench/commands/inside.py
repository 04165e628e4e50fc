"""`bench inside`: which experts are chosen, where tokens look, how data sets lie to each other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.commands.machine import available_device
from bench.commands.options import ALL, OK, SOME_FAILED, Asking, DataSets, Device, FollowLinks, Limit
from bench.errors import RunError

if TYPE_CHECKING:
    import pandas as pd

    from adapters.interface import Segmenter
    from bench.data.case import Defect
    from bench.studies.questions import DataSet, PromptedSlice


@dataclass(frozen=True, kw_only=True)
class InsideOptions(Device, Asking, FollowLinks, Limit, DataSets):
    """Options that all commands of `bench inside` share."""

    model: Annotated[str, typer.Option(help="Model, family/variant.")] = "segmote/mini"
    weights: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Weights file, or folder that holds the authors' file.")
    ] = None
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for PNG, PDF and CSV files.")] = Path(
        "results/inside"
    )


@dataclass(frozen=True, kw_only=True)
class ExpertsOptions(InsideOptions):
    """Options of `bench inside experts`."""

    prompt: Annotated[
        str, typer.Option(help="Prompt kind (see bench ls prompts); auto gives none.", rich_help_panel="Prompts")
    ] = "box"


@dataclass(frozen=True, kw_only=True)
class RoutingOptions(ExpertsOptions):
    """Options of `bench inside routing`."""

    images: Annotated[int, typer.Option(min=1, help="Examples per data set: its largest targets.")] = 1
    layer: Annotated[int | None, typer.Option(min=1, help="Decoder layer. Default: the last.")] = None


def inside_experts(options: ExpertsOptions) -> int:
    """Show which expert tokens answer and which experts update them, by data set (figure 6a)."""
    from tabulate import tabulate

    from bench.studies.answers import routed
    from bench.studies.inside import choices
    from bench.studies.pictures import save, save_table

    segmenter = routed(_model(options))
    defects: list[Defect] = []
    slices = _slices(options, options.prompt, defects)
    table = _filled(choices.choices(segmenter, (found for _, found in slices)), defects)
    tokens, layers = segmenter.network.config.num_experts, segmenter.network.config.layers
    summary = choices.shares(table, tokens)
    title = f"Selected expert tokens, prompt {options.prompt}. {_about(options)}"
    rows = summary.round(3).rename_axis("dataset").reset_index()
    print(title, tabulate(rows.to_dict("list"), headers="keys"), sep="\n\n")
    _print(save(choices.figure(table, tokens, layers, title), options.out / "experts"))
    _print(save_table(table, options.out / "experts"))
    _print(save_table(summary.rename_axis("dataset").reset_index(), options.out / "experts-summary"))
    return _finish(options.out, defects)


def inside_routing(options: RoutingOptions) -> int:
    """Draw heat maps of where the expert tokens look, by token and by expert (figure 7)."""
    from bench.studies.answers import routed
    from bench.studies.inside import routing
    from bench.studies.pictures import save, save_table

    segmenter = routed(_model(options))
    defects: list[Defect] = []
    layers = segmenter.network.config.layers
    layer = options.layer or layers
    if layer > layers:
        raise RunError(f"{segmenter.card.name} has decoder layers 1 to {layers}, got --layer {layer}")
    slices = _slices(options, options.prompt, defects)
    shown = routing.examples(segmenter, routing.largest(slices, options.images), layer - 1)
    table = _filled(routing.measured(shown), defects)
    for by in ("token", "expert"):
        title = f"Attention of decoder layer {layer}, by {by}; red: box of the target; green: answer and its {by}.\n"
        _print(save(routing.figure(shown, by, title + _about(options)), options.out / f"routing-{by}"))
    _print(save_table(table, options.out / "routing"))
    return _finish(options.out, defects)


def inside_embeddings(options: InsideOptions) -> int:
    """Show how the pooled image embeddings of the data sets lie, by PCA and t-SNE (figure 4)."""
    from tabulate import tabulate

    from bench.studies.inside import embeddings
    from bench.studies.pictures import save, save_table

    segmenter = _model(options)
    defects: list[Defect] = []
    facts, vectors = embeddings.pooled(segmenter, _slices(options, "box", defects))
    table = _filled(facts, defects)
    for view, places in embeddings.reduced(vectors, options.seed).items():
        table[[f"{view}_1", f"{view}_2"]] = places
    title = f"Pooled image embeddings. {_about(options)}"
    foreign = embeddings.mixing(vectors, table["dataset"])
    print(title, "Share of the five nearest neighbours that belong to another data set:", sep="\n\n")
    print(tabulate(foreign.round(3).items(), headers=["data set", "share"]))
    _print(save(embeddings.figure(table, title), options.out / "embeddings"))
    _print(save_table(table, options.out / "embeddings"))
    return _finish(options.out, defects)


def _model(options: InsideOptions) -> "Segmenter":
    import adapters

    return adapters.load(options.model, options.weights, available_device(options.device))


def _slices(options: InsideOptions, prompt: str, defects: list["Defect"]) -> "Iterator[tuple[DataSet, PromptedSlice]]":
    from bench.prompting import kinds
    from bench.studies.questions import all_asked

    kinds.load(prompt)
    return all_asked(_sets(options), prompt, options.protocol, options.seed, defects)


def _sets(options: InsideOptions) -> "list[DataSet]":
    """Data sets by name; without a folder, those of the phantoms to train on and then those to test on."""
    from bench.miniworld.folders import ZERO_SHOT, phantom_data, training_data
    from bench.running.choose import choose
    from bench.studies.questions import data_sets

    if options.data is not None:
        choice = choose(("baseline/box",), options.datasets, options.data, None, options.follow_links)
        return data_sets(choice.datasets, choice.data, options.limit, options.follow_links)
    wanted = ("imis", *ZERO_SHOT) if options.datasets == ALL else options.datasets
    folders = ((name, phantom_data() if name in ZERO_SHOT else training_data()) for name in wanted)
    return [found for name, folder in folders for found in data_sets([name], folder, options.limit)]


def _about(options: InsideOptions) -> str:
    import adapters
    from bench import world

    return world.text([adapters.full_name(options.model)], "phantom" if options.data is None else "real")


def _filled(table: "pd.DataFrame", defects: "Sequence[Defect]") -> "pd.DataFrame":
    if table.empty:
        first = f"; the first of {len(defects)} defects: {defects[0].reason}" if defects else ""
        raise RunError(f"no target to ask for in these data sets{first}")
    return table


def _print(paths: Sequence[Path]) -> None:
    for path in paths:
        print(path)


def _finish(out: Path, defects: "Sequence[Defect]") -> int:
    """Say what could not be read; nothing is skipped in silence."""
    import pandas as pd

    from bench.studies.pictures import save_table

    if not defects:
        return OK
    rows = [(one.dataset, one.case, one.kind, one.reason) for one in defects]
    _print(save_table(pd.DataFrame(rows, columns=["dataset", "case", "kind", "reason"]), out / "left-out"))
    return SOME_FAILED if any(one.kind == "failed" for one in defects) else OK
