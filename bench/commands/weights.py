"""Commands that bring weights here: download, convert."""

from functools import partial
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from tqdm import tqdm

from adapters.weights import catalogue, convert
from bench import inventory
from bench.commands.options import OK, Weights


def download_command(
    names: Annotated[list[str], typer.Argument(help="Models (sam/vit_b, sam2 ...), or all that can be fetched.")],
    weights: Weights = None,
) -> int:
    """Fetch weights: resumes, checks the checksum, then puts the file in place."""
    for entry in inventory.downloads(names):
        with tqdm(desc=entry.name, unit="B", unit_scale=True, unit_divisor=1024) as bar:
            path = catalogue.download(entry, catalogue.weights_dir(weights), partial(_show, bar))
        print(path)
    return OK


def _show(bar: "tqdm[NoReturn]", present: int, total: int | None) -> None:
    bar.total = total
    bar.update(present - bar.n)


def convert_command(
    file: Annotated[Path, typer.Argument(help="An official weights file that needs unpickling.")],
    out: Annotated[Path | None, typer.Argument(help="Default: the same name with .safetensors.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> int:
    """Keep the tensors of a pickled checkpoint as safetensors, after saying what the pickle names."""
    target = out or file.with_suffix(".safetensors")
    print(f"{file} is a pickle that names:", *convert.inspect(file), sep="\n  ")
    print("Tensors are read by torch's restricted unpickler; the rest becomes inert. Anything else is refused.")
    confirmed = yes or typer.confirm(f"Read it and write {target}?")
    print(convert.convert(file, target, confirmed=confirmed))
    return OK
