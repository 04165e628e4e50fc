"""`bench train`: train SegMoTE on data in the IMIS layout."""

from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from tabulate import tabulate

from adapters.weights.catalogue import locate
from bench.commands.options import OK

if TYPE_CHECKING:
    from segmote.network.config import SegmoteConfig
    from segmote.recipe import Recipe
    from segmote.training.settings import TrainConfig
    from segmote.training.state import Trained

train = typer.Typer(help="Train a model.", no_args_is_help=True)


class RecipeName(str, Enum):
    """Whose way of training."""

    paper = "paper"
    released = "released"


class Variant(str, Enum):
    """Whose network, where paper and released code differ."""

    released = "released"
    paper = "paper"


class Base(str, Enum):
    """Whose weights SegMoTE extends."""

    imis = "imis"
    sam = "sam"


class Size(str, Enum):
    """Official, or that of the mini world."""

    full = "full"
    mini = "mini"


class Precision(str, Enum):
    """Number format of the decoder's passes."""

    fp32 = "fp32"
    bf16 = "bf16"
    fp16 = "fp16"


@train.callback()
def train_group() -> None:
    """Train a model."""


@train.command("segmote")
def train_segmote(
    data: Annotated[Path, typer.Option(help="Folder of data sets in the IMIS layout; lists named test are not read.")],
    out: Annotated[Path, typer.Option(help="Folder of weights, checkpoint and logs.")],
    recipe: Annotated[RecipeName, typer.Option(help="Way of training.")] = RecipeName.paper,
    variant: Annotated[
        Variant | None, typer.Option(help="Network, where paper and released code differ; default the recipe's.")
    ] = None,
    base_family: Annotated[
        Base, typer.Option(help="What it extends: IMIS-Net as released, or SAM (no text), as the paper has it.")
    ] = Base.imis,
    base: Annotated[Path | None, typer.Option(help="That one's weights; default the catalogue's.")] = None,
    size: Annotated[Size, typer.Option(help="Official sizes or those of the mini world.")] = Size.full,
    train_decoder: Annotated[bool, typer.Option("--train-decoder", help="The whole mask decoder learns.")] = False,
    epochs: Annotated[int | None, typer.Option(min=1, help="Default the recipe's.")] = None,
    batch: Annotated[int | None, typer.Option(min=1, help="Images a step, over all devices.")] = None,
    rate: Annotated[float | None, typer.Option(help="Learning rate; default the recipe's.")] = None,
    num_experts: Annotated[int, typer.Option(help="N, expert tokens and experts.")] = 4,
    top_k: Annotated[int, typer.Option(help="M, experts that update a token.")] = 1,
    ppt_queries: Annotated[int, typer.Option(help="Q, prompt tokens of PPT; 0 leaves PPT out.")] = 2,
    ppt_sets: Annotated[str | None, typer.Option(help="Comma list of data sets that PPT serves.")] = None,
    datasets: Annotated[str, typer.Option(help="Comma list of folder names, or all.")] = "all",
    limit: Annotated[int | None, typer.Option(min=1, help="Images a data set.")] = None,
    seed: Annotated[int, typer.Option(help="Of split, order, prompts and noise.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    devices: Annotated[int, typer.Option(min=1, help="Processes, each with its device.")] = 1,
    precision: Annotated[Precision, typer.Option(help="Of the decoder's passes.")] = Precision.fp32,
    jobs: Annotated[int, typer.Option(min=0, help="Processes that read ahead, for each device.")] = 0,
    embeddings: Annotated[Path | None, typer.Option(help="Folder of embeddings to share; default in OUT.")] = None,
    half_embeddings: Annotated[bool, typer.Option("--half-embeddings", help="Keep them as float16.")] = False,
    resume: Annotated[bool, typer.Option(help="Go on where the folder's training stopped, or start it anew.")] = True,
) -> int:
    """Train SegMoTE on frozen embeddings: MoTE and PPT learn, patients are held out 9:1, killed trainings go on."""
    from segmote.recipe import RECIPES  # noqa: PLC0415 - with the trainer, see `_run`
    from segmote.training.settings import TrainConfig  # noqa: PLC0415

    changes = {"epochs": epochs, "batch": batch, "rate": rate, "ppt_sets": _names(ppt_sets)}
    way = replace(
        RECIPES[recipe.value],
        train_decoder=train_decoder,
        **{name: value for name, value in changes.items() if value is not None},  # type: ignore[arg-type]
    )
    config = TrainConfig(
        data=data,
        out=out,
        seed=seed,
        codes=_names(datasets) or () if datasets != "all" else (),
        limit=limit,
        embeddings=embeddings,
        half_embeddings=half_embeddings,
        accelerator=device,
        devices=devices,
        precision=precision.value,
        workers=jobs,
        resume=resume,
    )
    rules = _rules(variant or Variant(recipe.value), size, base_family)
    network = replace(rules, num_experts=num_experts, top_k=top_k, ppt_queries=ppt_queries)
    weights = base or locate(f"{base_family.value}/{'mini' if size == Size.mini else 'vit_b'}")
    return _print(_run(network, weights, way, config))


def _names(text: str | None) -> tuple[str, ...] | None:
    """The names of a comma list, in lower case."""
    return None if text is None else tuple(name.strip().lower() for name in text.split(",") if name.strip())


def _rules(variant: Variant, size: Size, family: Base) -> "SegmoteConfig":
    from adapters.families.segmote import MINI  # noqa: PLC0415
    from segmote.network.config import RELEASED, SAM_DIM, by_the_paper, on_sam  # noqa: PLC0415

    sizes = MINI if size == Size.mini else RELEASED
    if family == Base.sam:
        sizes = on_sam(sizes, MINI.dim if size == Size.mini else SAM_DIM)
    return by_the_paper(sizes) if variant == Variant.paper else sizes


def _run(network: "SegmoteConfig", base: Path, recipe: "Recipe", config: "TrainConfig") -> "Trained":
    # The trainer brings Lightning Fabric along, which no other command needs.
    from adapters.families.segmote import from_base  # noqa: PLC0415
    from segmote.training.train import train as train_network  # noqa: PLC0415

    return train_network(from_base(network, base, config.seed), recipe, config)


def _print(trained: "Trained") -> int:
    for note in trained.notes:
        print(note)
    kinds = [kind for kind in ("box", "click", "auto") if any(kind in row for row in trained.dice.values())]
    rows = [[code, *(row.get(kind) for kind in kinds)] for code, row in trained.dice.items()]
    print(tabulate(rows, ["held-out patients of", *kinds], floatfmt=".3f", missingval="-"))
    print(f"\nWeights: {trained.weights}. Log: {trained.epochs}")
    return OK
