"""Official checkpoints that hold more than plain tensors, turned once into bare state dicts.

SAM-Med2D's file has a whole optimiser object beside the weights, training checkpoints have counters and scores.
Nothing of that is rebuilt: torch's restricted unpickler reads the file, and the few classes listed here are replaced
by empty stand-ins. A file that names anything else is refused, whoever vouches for it.
"""

import os
import pickletools
import secrets
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import torch
from safetensors.torch import save_file

from adapters.weights.categories import read_categories
from adapters.weights.checkpoint import bare_state, first_line, read_safetensors, require_finite


class Placeholder:
    """Stands where an object was that is not wanted; takes any arguments and forgets them."""

    def __init__(self, *values: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass


def _plain_dict(factory: object = None) -> dict[Any, Any]:
    return {}


DISCARDED = (
    "torch.optim.adam.Adam",
    "torch.optim.adamw.AdamW",
    "torch.optim.sgd.SGD",
    "numpy.dtype",
    "numpy.ndarray",
    "numpy.core.multiarray._reconstruct",
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray._reconstruct",
    "numpy._core.multiarray.scalar",
)


def _stand_in(name: str) -> Any:
    """A class under another one's name, for torch's list of harmless names."""
    module, _, leaf = name.rpartition(".")
    return type(leaf, (Placeholder,), {"__module__": module})


_plain_dict.__module__, _plain_dict.__name__, _plain_dict.__qualname__ = "collections", "defaultdict", "defaultdict"
STAND_INS: list[Any] = [*map(_stand_in, DISCARDED), _plain_dict, dict]
UNKNOWN = "?"
PUTS = ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE")
GETS = ("GET", "BINGET", "LONG_BINGET")


def inspect(path: Path) -> list[str]:
    """What unpickling a file would import and may call, by name, sorted; the file is only read, nothing is run.

    Args:
        path: a checkpoint of `torch.save` (either format) or a plain pickle.

    Returns:
        For example "torch.optim.adam.Adam"; "?" stands for a name that is put together while unpickling. A file that
        is neither zip nor pickle has none.

    Raises:
        ValueError: a damaged archive.
    """
    return sorted({name for stream in _pickles(Path(path)) for name in _imports(stream)})


def convert(path: Path, out: Path, *, confirmed: bool) -> Path:
    """Write the weights of a checkpoint that `adapters.load` refuses as a bare state dict.

    Args:
        path: the official file; one that ends in .pkl is IMIS-Net's table of categories.
        out: the file to write, ending in .safetensors; its folder is made.
        confirmed: True once a person has seen what `inspect` finds and trusts where the file comes from.

    Raises:
        ValueError: not confirmed, `out` has another ending or is the file itself, the file names anything that is not
            known to be harmless, it is damaged, or it holds no state dict or values that are not finite.
    """
    path, out = Path(path), Path(out)
    if not confirmed:
        raise ValueError(f"{path} needs unpickling ({_summary(path)}); confirm that you trust where it comes from")
    if out.suffix != ".safetensors":
        raise ValueError(f"{out} must end in .safetensors")
    if out.exists() and out.samefile(path):
        raise ValueError(f"{out} is the file to be converted; name another to write")
    state, texts = read_categories(path) if path.suffix == ".pkl" else (bare_state(_read(path), path), {})
    require_finite(state, path)
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(f".segmote-bench-{os.getpid()}-{secrets.token_hex(8)}.part")
    try:
        # Cloned, because safetensors refuses tensors that share memory.
        save_file({key: value.detach().clone().contiguous() for key, value in state.items()}, part, texts)
        os.replace(part, out)
    finally:
        part.unlink(missing_ok=True)
    return out


def _read(path: Path) -> Any:
    if path.suffix == ".safetensors":
        return read_safetensors(path)
    try:
        with torch.serialization.safe_globals(STAND_INS):
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever torch raises on changed bytes
        raise ValueError(
            f"{path} is refused: it is damaged, or names what is not known to be harmless (it {_summary(path)}). "
            f"Reason: {first_line(error)}"
        ) from error


def _summary(path: Path) -> str:
    return f"imports {', '.join(inspect(path)) or 'nothing'}"


def _pickles(path: Path) -> Iterator[IO[bytes]]:
    if not zipfile.is_zipfile(path):
        with path.open("rb") as file:
            yield file
        return
    try:
        with zipfile.ZipFile(path) as archive:
            yield from (archive.open(name) for name in archive.namelist() if name.endswith(".pkl"))
    except (zipfile.BadZipFile, RuntimeError) as error:
        raise ValueError(f"{path} is damaged: {error}") from error


def _imports(stream: IO[bytes]) -> Iterator[str]:
    """Names in one pickle after the other, up to where the data are no pickle any more."""
    with suppress(Exception):  # whatever pickletools raises on bytes that are no pickle
        while True:
            yield from _imports_of_one(stream)


def _imports_of_one(stream: IO[bytes]) -> Iterator[str]:
    memo: dict[Any, str] = {}
    pushed = [UNKNOWN, UNKNOWN]
    for opcode, value, _ in pickletools.genops(stream):
        if opcode.name in ("GLOBAL", "INST"):
            yield str(value).replace(" ", ".")
        elif opcode.name == "STACK_GLOBAL":
            yield ".".join(pushed[-2:])
        elif opcode.name.startswith("EXT"):
            yield f"copyreg extension {value}"
        if opcode.name in PUTS:
            memo[len(memo) if value is None else value] = pushed[-1]
        elif opcode.name in GETS:
            pushed.append(memo.get(value, UNKNOWN))
        else:
            pushed.append(value if isinstance(value, str) else UNKNOWN)
