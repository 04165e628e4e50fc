"""Commands of the embedded mini world."""

from pathlib import Path
from typing import Annotated

import typer

from bench.commands.options import OK, Models, split
from bench.miniworld import folders
from bench.miniworld.training import recipes, segmote, train

demo = typer.Typer(help="The embedded mini world: its phantoms and mini weights.", no_args_is_help=True)


@demo.command("data")
def demo_data() -> int:
    """Write the zero-shot phantoms if they are not there yet, and print where they are."""
    print(folders.phantom_data())
    return OK


@demo.command("build")
def demo_build(
    out: Annotated[Path, typer.Option(help="Where the mini weights go.")] = Path("adapters/mini"),
    logs: Annotated[Path, typer.Option(help="Where the training logs go.")] = Path("results/reference/mini"),
    models: Models = "all",
    jobs: Annotated[int, typer.Option(min=1, help="Families trained side by side.")] = 2,
) -> int:
    """Train the mini weights again from their phantoms; about 40 minutes on two cores."""
    families = [*recipes.RECIPES, "segmote"] if models == "all" else list(split(models))
    train.build([name for name in families if name != "segmote"], out, log_dir=logs, jobs=jobs)
    if "segmote" in families:
        segmote.build(out, logs)
    return OK
