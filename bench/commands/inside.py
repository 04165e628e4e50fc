"""`bench inside`: which experts are chosen, where their tokens look, which data sets have similar embeddings."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.commands.machine import available_device
from bench.commands.options import ALL, OK, SOME_FAILED, DataSets, Device, EvaluationRules, FollowLinks, Limit

if TYPE_CHECKING:
    from adapters.interface import Segmenter
    from bench.data.case import Defect
    from bench.studies.inside.output import InsideReport
    from bench.studies.questions import DataSet, PromptedSlice


@dataclass(frozen=True, kw_only=True)
class InsideOptions(Device, EvaluationRules, FollowLinks, Limit, DataSets):
    """Options that all commands of `bench inside` share."""

    model: Annotated[str, typer.Option(help="Model, as family/variant (see bench ls models).")] = "segmote/mini"
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
        str, typer.Option(help="Prompt kind (see bench ls prompts); auto means no prompt.", rich_help_panel="Prompts")
    ] = "box"


@dataclass(frozen=True, kw_only=True)
class RoutingOptions(ExpertsOptions):
    """Options of `bench inside routing`."""

    images: Annotated[int, typer.Option(min=1, help="Examples per data set: its largest targets.")] = 1
    layer: Annotated[int | None, typer.Option(min=1, help="Decoder layer. Default: the last.")] = None


def inside_experts(options: ExpertsOptions) -> int:
    """Show which expert tokens are selected and which experts update them, for each data set (figure 6a)."""
    from bench.studies.inside import choices

    defects: list[Defect] = []
    slices = _slices(options, options.prompt, defects)
    return _finish(choices.report(_model(options), slices, options.prompt, _about(options)), options.out, defects)


def inside_routing(options: RoutingOptions) -> int:
    """Draw heat maps of where the expert tokens look, by token and by expert (figure 7)."""
    from bench.studies.inside import routing

    defects: list[Defect] = []
    slices = _slices(options, options.prompt, defects)
    made = routing.report(_model(options), slices, options.images, options.layer, _about(options))
    return _finish(made, options.out, defects)


def inside_embeddings(options: InsideOptions) -> int:
    """Show how similar the image embeddings of the data sets are, in PCA and t-SNE plots (figure 4)."""
    from bench.studies.inside import embeddings

    defects: list[Defect] = []
    slices = _slices(options, "box", defects)
    return _finish(embeddings.report(_model(options), slices, options.seed, _about(options)), options.out, defects)


def _model(options: InsideOptions) -> "Segmenter":
    import adapters

    return adapters.load(options.model, options.weights, available_device(options.device))


def _slices(options: InsideOptions, prompt: str, defects: list["Defect"]) -> "Iterator[tuple[DataSet, PromptedSlice]]":
    from bench.prompting import kinds
    from bench.studies.questions import all_asked, with_targets

    kinds.load(prompt)
    return with_targets(all_asked(_sets(options), prompt, options.protocol, options.seed, defects), defects)


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


def _finish(report: "InsideReport", out: Path, defects: "Sequence[Defect]") -> int:
    from bench.studies.inside.output import write

    if report.text:
        print(report.text)
    print(*write(report, defects, out), sep="\n")
    return SOME_FAILED if any(one.kind == "failed" for one in defects) else OK
