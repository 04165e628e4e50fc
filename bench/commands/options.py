"""Options that several commands share, and their exit codes."""

from pathlib import Path
from typing import Annotated

import typer

OK, SOME_FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130

Models = Annotated[str, typer.Option(help="Comma list of family/variant, or all.")]
Datasets = Annotated[str, typer.Option(help="Comma list, or all.")]
PromptKinds = Annotated[str, typer.Option("--prompt", help="Comma list of prompt kinds.")]
Data = Annotated[Path | None, typer.Option(envvar="BENCH_DATA", help="Folder with data sets; without it, phantoms.")]
Weights = Annotated[Path | None, typer.Option(envvar="BENCH_WEIGHTS", help="Folder with weights files.")]
TrustArrays = Annotated[
    bool, typer.Option("--trust-arrays", help="Take masks to match their images though their affines differ.")
]
FollowLinks = Annotated[
    bool, typer.Option("--follow-links", help="Open what links in the data folder lead to, also outside of it.")
]
Run = Annotated[Path, typer.Argument(help="A run folder.")]


def split(text: str) -> tuple[str, ...]:
    """The names of a comma list, each once."""
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
