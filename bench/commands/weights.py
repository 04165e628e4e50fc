"""How the weights of models stand, and which files `bench download` fetches."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import RunError

if TYPE_CHECKING:
    from adapters.weights.catalogue import Entry


def weights_states(folder: Path | None) -> dict[str, str]:
    """The state of every model's weights, see `weights_state`."""
    import adapters

    return {name: weights_state(name, folder) for name in adapters.REGISTRY}


def weights_state(name: str, folder: Path | None) -> str:
    """Whether a model's weights are there: present, missing, or with another checksum."""
    import adapters
    from adapters.weights.catalogue import CATALOGUE, MINI_FOLDER, status, weights_dir

    entry = adapters.card(name).weights
    if entry is None:
        return "needs none"
    if entry in CATALOGUE:
        return status(CATALOGUE[entry], weights_dir(folder)).value
    shipped = MINI_FOLDER / f"{name.partition('/')[0]}.safetensors"
    return "present (mini)" if shipped.is_file() else "missing"


def downloads(names: Sequence[str]) -> list["Entry"]:
    """The catalogue's entries of models, or, for "all", of every file that a program can fetch.

    Raises:
        ValueError: an unknown model.
        RunError: a model without weights of its own to fetch.
    """
    import adapters
    from adapters.weights.catalogue import CATALOGUE

    if list(names) == ["all"]:
        return [entry for entry in CATALOGUE.values() if entry.url]
    full = [name if name in CATALOGUE else adapters.card(name).weights or name for name in names]
    for name in full:
        if name not in CATALOGUE:
            raise RunError(f"{name} needs no download: its weights, if it has any, come with the package")
    return [CATALOGUE[name] for name in full]
