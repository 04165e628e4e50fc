"""Reading weights files: plain tensors only, every key accounted for."""

import pickle
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

State: TypeAlias = dict[str, torch.Tensor]

# Keys under which a file may hold its state dict beside other things (SAM 2; training checkpoints).
WRAPPERS = ("model", "model_state_dict")
# Prefix in a file -> prefix in the network. Multi-GPU training puts "module." before every key.
RENAMES = {"module.": ""}
LISTED_KEYS = 5
# What torch raises, beside refusing to unpickle, when it reads something else than a weights file.
DAMAGED = (RuntimeError, EOFError, LookupError, TypeError, ValueError)


def fill(network: torch.nn.Module, path: Path, fitted: Callable[[State], State] | None = None) -> None:
    """Load a weights file into a network, strictly.

    Args:
        network: filled in place.
        path: a file of `torch.save` or safetensors.
        fitted: gives the file's tensors the network's names, where a family has more to do than `RENAMES`.

    Raises:
        ValueError: the file is damaged or needs unpickling, or keys are missing, unexpected or of another shape.
    """
    state = {_renamed(key): value for key, value in bare_state(_read(path), path).items()}
    state = fitted(state) if fitted else state
    problems = _problems(network.state_dict(), state)
    if problems:
        raise ValueError(f"{path} does not fit this network: {'; '.join(problems)}")
    network.load_state_dict(state, strict=True)


def _read(path: Path) -> Any:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ValueError(
            f"{path} holds more than plain tensors (or is no weights file). Reading it would mean unpickling, which "
            f"can run any code, so it is refused. Where you trust the file, `bench convert {path}` keeps its tensors "
            f"alone. Reason: {first_line(error)}"
        ) from error
    except (SafetensorError, *DAMAGED) as error:
        raise ValueError(f"{path} is damaged or no weights file: {first_line(error)}") from error


def first_line(error: Exception) -> str:
    """What went wrong, without the advice that follows."""
    return str(error).partition("\n")[0] or type(error).__name__


def bare_state(content: Any, path: Path) -> State:
    """The state dict that a file's content is, or holds under one of `WRAPPERS`.

    Raises:
        ValueError: neither.
    """
    for wrapper in WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
            break
    if not isinstance(content, Mapping) or not all(isinstance(v, torch.Tensor) for v in content.values()):
        raise ValueError(f"{path} holds no state dict: expected names with tensors, bare or under {WRAPPERS}")
    return dict(content)


def _renamed(key: str) -> str:
    for old, new in RENAMES.items():
        if key.startswith(old):
            return new + key.removeprefix(old)
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
