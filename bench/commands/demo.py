"""`bench demo`: the built-in mini world."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from bench.commands.options import ALL, OK, Names, NoOptions, names_option


@dataclass(frozen=True, kw_only=True)
class BuildOptions:
    """Options of `bench demo build`."""

    models: Annotated[Names, names_option(help="Comma-separated families, or all.")] = ALL
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the mini weights.")] = Path("adapters/mini")
    logs: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the training logs.")] = Path(
        "results/reference/mini"
    )
    jobs: Annotated[int, typer.Option(min=1, help="Families that are trained side by side.")] = 2


def demo_data(options: NoOptions) -> int:
    """Write the zero-shot phantoms unless they are there already, and print where they are."""
    from bench.miniworld.folders import phantom_data

    print(phantom_data())
    return OK


def demo_build(options: BuildOptions) -> int:
    """Train the mini weights again from their phantoms; takes about 40 minutes on two cores."""
    from bench.miniworld.training import recipes, segmote, train

    families = [*recipes.RECIPES, "segmote"] if options.models == ALL else list(options.models)
    others = [name for name in families if name != "segmote"]
    train.build(others, options.out, log_dir=options.logs, jobs=options.jobs)
    if "segmote" in families:
        segmote.build(options.out, options.logs)
    return OK
