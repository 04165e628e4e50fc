"""`bench train segmote`: train SegMoTE on data in the IMIS layout."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from bench.commands.assignments import assigned
from bench.commands.options import ALL, OK, NameList, names_option

if TYPE_CHECKING:
    from segmote.network.config import SegmoteConfig
    from segmote.training.settings import TrainConfig
    from segmote.training.state import Trained

# Fields of configuration, recipe and settings that have an option of their own, or follow from one.
OPTIONS = {
    "data": "--data",
    "out": "--out",
    "codes": "--datasets",
    "limit": "--limit",
    "seed": "--seed",
    "accelerator": "--device",
    "resume": "--resume or --no-resume",
    "base": "--base-family",
    "encoder": "--size",
    "text": "--size",
}


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """Options of `bench train segmote`."""

    data: Annotated[
        Path,
        typer.Option(metavar="DIR", help="Folder of data sets in the IMIS layout; their test lists are never read."),
    ]
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for weights, checkpoint and logs.")]
    recipe: Annotated[
        Literal["paper", "released"], typer.Option(help="How to train: as in the paper, or as in the released code.")
    ] = "paper"
    variant: Annotated[
        Literal["paper", "released"] | None,
        typer.Option(help="Network of the paper or of the released code, where they differ. Default: as the recipe."),
    ] = None
    base_family: Annotated[
        Literal["imis", "sam"],
        typer.Option(help="What SegMoTE extends: IMIS-Net, as released, or SAM (no text), as in the paper."),
    ] = "imis"
    base: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Weights of the base. Default: the catalogue's file.")
    ] = None
    size: Annotated[Literal["full", "mini"], typer.Option(help="Official size, or that of the mini world.")] = "full"
    datasets: Annotated[NameList, names_option(help="Comma-separated folder names, or all.")] = ALL
    limit: Annotated[int | None, typer.Option(min=1, help="Images per data set. Default: all.")] = None
    seed: Annotated[int, typer.Option(help="Seed of split, order, prompts and noise.")] = 0
    device: Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="Where to train.")] = "auto"
    resume: Annotated[
        bool, typer.Option(help="Continue an interrupted training in this folder, or replace what is there.")
    ] = True
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Any other field of the network's configuration, the recipe or the settings, for example epochs=20, "
            "rate=1e-4, num_experts=8, devices=2; can be given several times. --set help lists the names.",
        ),
    ] = None


def train_segmote(options: TrainOptions) -> int:
    """Train MoTE and PPT of SegMoTE on stored embeddings of the frozen encoder; one patient in ten is held out."""
    from adapters.families.segmote import from_base
    from segmote.network.config import SegmoteConfig
    from segmote.recipe import RECIPES, Recipe
    from segmote.training.settings import TrainConfig
    from segmote.training.train import train

    kinds = SegmoteConfig, Recipe, TrainConfig
    of_network, of_recipe, of_settings = assigned(options.assignments or (), kinds, OPTIONS)
    if "ppt_sets" in of_recipe:
        of_recipe["ppt_sets"] = _lower(of_recipe["ppt_sets"])
    network = from_base(replace(_network(options), **of_network), _base(options), options.seed)
    return _print(train(network, replace(RECIPES[options.recipe], **of_recipe), _settings(options, of_settings)))


def _lower(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name.lower() for name in names)


def _base(options: TrainOptions) -> Path:
    from adapters.weights.catalogue import locate

    return options.base or locate(f"{options.base_family}/{'mini' if options.size == 'mini' else 'vit_b'}")


def _settings(options: TrainOptions, assigned: Mapping[str, Any]) -> "TrainConfig":
    from segmote.training.settings import TrainConfig

    return TrainConfig(
        data=options.data,
        out=options.out,
        seed=options.seed,
        codes=() if options.datasets == ALL else _lower(options.datasets),
        limit=options.limit,
        accelerator=options.device,
        resume=options.resume,
        **assigned,
    )


def _network(options: TrainOptions) -> "SegmoteConfig":
    from adapters.families.segmote import MINI
    from segmote.network.config import RELEASED, SAM_DIM, by_the_paper, on_sam

    mini = options.size == "mini"
    sizes = MINI if mini else RELEASED
    if options.base_family == "sam":
        sizes = on_sam(sizes, MINI.dim if mini else SAM_DIM)
    return by_the_paper(sizes) if (options.variant or options.recipe) == "paper" else sizes


def _print(trained: "Trained") -> int:
    from tabulate import tabulate

    for note in trained.notes:
        print(note)
    kinds = [kind for kind in ("box", "click", "auto") if any(kind in row for row in trained.dice.values())]
    rows = [[code, *(row.get(kind) for kind in kinds)] for code, row in trained.dice.items()]
    print(tabulate(rows, ["held-out patients of", *kinds], floatfmt=".3f", missingval="-"))
    print(f"\nWeights: {trained.weights}. Log: {trained.epochs}")
    return OK
