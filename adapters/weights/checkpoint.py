"""Reading weights files: plain tensors only, every key accounted for."""

import pickle
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import torch
from safetensors.torch import load_file

State: TypeAlias = dict[str, torch.Tensor]

# Keys under which a file may hold its state dict beside other things, also one in the other.
WRAPPERS = ("state_dict", "model_state_dict", "model")
# Prefixes that training puts before every key, also one after the other -> what stays.
RENAMES = {
    "module.": "",  # training on several GPUs
    "_orig_mod.": "",  # torch.compile
}
LISTED_KEYS = 5


class DamagedWeights(ValueError):  # noqa: N818
    """A file that is cut off, altered, no weights file, or holds values that are not finite."""


def fill(network: torch.nn.Module, path: Path, fitted: Callable[[State], State] | None = None) -> None:
    """Load a weights file into a network, strictly.

    Args:
        network: filled in place.
        path: a file of `torch.save` or safetensors.
        fitted: gives the file's tensors the network's names, where a family has more to do than `RENAMES`.

    Raises:
        ValueError: the file is damaged or needs unpickling, keys are missing, unexpected or of another shape, or a
            tensor holds NaN or infinity.
    """
    state = bare_state(_read(path), path)
    state = fitted(state) if fitted else state
    problems = _problems(network.state_dict(), state)
    if problems:
        raise ValueError(f"{path} does not fit this network: {'; '.join(problems)}")
    require_finite(state, path)
    network.load_state_dict(state, strict=True)


def _read(path: Path) -> Any:
    if path.suffix == ".safetensors":
        return read_safetensors(path)
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ValueError(
            f"{path} holds more than plain tensors (or is no weights file). Reading it would mean unpickling, which "
            f"can run any code, so it is refused. Where you trust the file, `bench convert {path}` keeps its tensors "
            f"alone. Reason: {first_line(error)}"
        ) from error
    except Exception as error:  # whatever torch raises on changed bytes
        raise _damaged(path, error) from error


def read_safetensors(path: Path) -> State:
    """The tensors of a safetensors file.

    Raises:
        DamagedWeights: it is cut off, altered or something else.
    """
    try:
        return load_file(path)
    except Exception as error:  # whatever safetensors raises on changed bytes
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> DamagedWeights:
    size = path.stat().st_size if path.is_file() else 0
    text = f"is cut off, damaged or no weights file: {first_line(error)}; fetch or convert it again"
    return DamagedWeights(f"{path} ({size} bytes) {text}")


def check(path: Path) -> None:
    """Read a whole weights file and look at every value.

    Raises:
        DamagedWeights: it is damaged or holds values that are not finite.
        ValueError: it needs unpickling or holds no state dict.
    """
    require_finite(bare_state(_read(path), path), path)


def require_finite(state: State, path: Path) -> None:
    """Refuse NaN and infinity, which would become empty masks without a word.

    Raises:
        DamagedWeights: names the tensors.
    """
    broken = [key for key, value in state.items() if value.is_floating_point() and not torch.isfinite(value).all()]
    if broken:
        text = _listed("tensors with NaN or infinite values", broken)
        raise DamagedWeights(f"{path} holds {text}; the training that wrote it diverged, or the file was altered")


def first_line(error: Exception) -> str:
    """What went wrong, without the advice that follows."""
    return str(error).partition("\n")[0] or type(error).__name__


def bare_state(content: Any, path: Path) -> State:
    """The state dict that a file's content is, or holds under `WRAPPERS`, its keys without the prefixes of `RENAMES`.

    Raises:
        ValueError: there is none, or two keys become one without their prefixes.
    """
    for _ in WRAPPERS:
        inner = (content[key] for key in WRAPPERS if isinstance(content.get(key), Mapping)) if _is_map(content) else ()
        content = next(iter(inner), content)
    if not _is_map(content) or not all(isinstance(value, torch.Tensor) for value in content.values()):
        raise ValueError(f"{path} holds no state dict: expected names with tensors, bare or under {WRAPPERS}")
    state = {_renamed(key): value for key, value in content.items()}
    if len(state) < len(content):
        raise ValueError(f"{path}: keys with and without the prefixes {tuple(RENAMES)} name the same tensor")
    return state


def _is_map(content: Any) -> bool:
    return isinstance(content, Mapping) and all(isinstance(key, str) for key in content)


def _renamed(key: str) -> str:
    for old, new in RENAMES.items():
        if key.startswith(old):
            return _renamed(new + key.removeprefix(old))
    return key


def _problems(expected: Mapping[str, torch.Tensor], found: State) -> list[str]:
    shapes = (
        f"{key} {tuple(found[key].shape)} for {tuple(value.shape)}"
        for key, value in expected.items()
        if key in found and found[key].shape != value.shape
    )
    groups = {
        "missing": (key for key in expected if key not in found),
        "unexpected": (key for key in found if key not in expected),
        "wrong shape": shapes,
    }
    return [text for kind, keys in groups.items() if (text := _listed(kind, keys))]


def _listed(kind: str, keys: Iterable[str]) -> str:
    names = list(keys)
    if not names:
        return ""
    more = f" and {len(names) - LISTED_KEYS} more" if len(names) > LISTED_KEYS else ""
    return f"{len(names)} {kind}: {', '.join(names[:LISTED_KEYS])}{more}"
