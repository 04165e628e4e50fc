"""`bench demo`: the built-in mini world."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from bench.commands.options import ALL, OK, NameList, NoOptions, names_option


@dataclass(frozen=True, kw_only=True)
class BuildOptions:
    """Options of `bench demo build`."""

    models: Annotated[NameList, names_option(help="Comma-separated families, or all.")] = ALL
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the mini weights.")] = Path("adapters/mini")
    logs: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the training logs.")] = Path(
        "results/reference/mini"
    )
    device: Annotated[str, typer.Option(metavar="NAME", help="Where they are trained: cpu or cuda.")] = "cpu"
    jobs: Annotated[int, typer.Option(min=1, help="Families that are trained side by side.")] = 2


@dataclass(frozen=True, kw_only=True)
class LookOptions:
    """Options of `bench demo look`."""

    models: Annotated[NameList, names_option(help="Comma-separated models, or all minis.")] = ALL
    seed: Annotated[int, typer.Option(help="Seed of the phantoms.")] = 0
    limit: Annotated[int | None, typer.Option(min=1, help="Cases per data set. Default: all.")] = None


def demo_data(options: NoOptions) -> int:
    """Write the zero-shot phantoms unless they are there already, and print where they are."""
    from bench.miniworld.folders import phantom_data

    print(phantom_data())
    return OK


def demo_build(options: BuildOptions) -> int:
    """Train the mini weights again from their phantoms: some hours on two cores, minutes on a GPU.

    sam2 is followed by sam2-memory, which volumes need and which can also be trained alone.

    Run the same command again to resume an interrupted build.
    """
    from bench.miniworld.training import memory, segmote
    from bench.miniworld.training.build import build
    from bench.miniworld.training.families import FAMILIES

    families = [*FAMILIES, "segmote"] if options.models == ALL else list(options.models)
    others = [name for name in families if name not in ("segmote", memory.NAME)]
    build(others, options.out, log_dir=options.logs, device=options.device, jobs=options.jobs)
    if {"sam2", memory.NAME} & set(families):  # a new SAM 2 has no memory
        memory.build(options.out, options.logs, options.device)
    if "segmote" in families:
        segmote.build(options.out, options.logs, options.device)
    return OK


def demo_look(options: LookOptions) -> int:
    """Test whether the mini models look at the image: Dice with the same boxes on altered images.

    Each image is replaced by another one, inverted, blurred, or shifted by half the box.
    """
    import pandas as pd

    import adapters
    from bench.miniworld.folders import phantom_data
    from bench.studies import looking

    minis = [name for name in adapters.REGISTRY if name.endswith("/mini")]
    found = looking.targets(phantom_data(options.seed), limit=options.limit)
    models = minis if options.models == ALL else options.models
    tables = [looking.looking(adapters.load(name), found) for name in models]
    print((100 * looking.by_dataset(pd.concat(tables))).to_markdown(floatfmt=".1f"))
    return OK
