"""`bench convert`: a pickled checkpoint to safetensors."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from bench.commands.options import OK


@dataclass(frozen=True, kw_only=True)
class ConvertOptions:
    """Options of `bench convert`."""

    file: Annotated[Path, typer.Argument(metavar="FILE", help="An official weights file that is a pickle.")]
    out: Annotated[Path | None, typer.Argument(metavar="OUT", help="Default: the same name with .safetensors.")] = None
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False


def convert_command(options: ConvertOptions) -> int:
    """Convert a pickled checkpoint to safetensors, after listing what the pickle would load."""
    from adapters.weights import convert

    file = options.file
    target = options.out or file.with_suffix(".safetensors")
    print(f"{file} is a pickle that names:", *convert.inspect(file), sep="\n  ")
    print("Torch's restricted unpickler reads it and only the tensors are kept; a file that names more is refused.")
    confirmed = options.yes or typer.confirm(f"Read it and write {target}?")
    print(convert.convert(file, target, confirmed=confirmed))
    return OK
