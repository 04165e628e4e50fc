"""How the weights of models stand, and which files `bench download` fetches."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import RunError

if TYPE_CHECKING:
    from adapters.weights.entries import Entry


def weights_states(folder: Path | None) -> dict[str, str]:
    """The state of every model's weights, see `weights_state`, and of every other weights file of the folder.

    A file that no checksum is known of is read whole, so that damage shows.
    """
    import adapters
    from adapters.weights.catalogue import CATALOGUE, ENDINGS, Status, find, locate, weights_dir

    given = weights_dir(folder)
    settled = ("needs none", Status.MISSING.value, Status.PRESENT.value, Status.DIFFERS.value)
    states = {name: weights_state(name, folder) for name in adapters.REGISTRY}
    for name, state in states.items():
        entry = adapters.card(name).weights
        if entry and state not in settled:
            states[name] = damage(locate(entry, given)) or state
    known = {find(entry, given) for entry in CATALOGUE.values()}
    files = [given] if given.is_file() else sorted(given.glob("*"))
    rest = [path for path in files if path.suffix in ENDINGS and path.is_file() and path not in known]
    return states | {path.name: damage(path) or _readable(path) for path in rest}


def damage(path: Path) -> str:
    """What is wrong with a weights file; empty if it can be read, or if only `bench convert` could tell."""
    from adapters.weights import convert
    from adapters.weights.checkpoint import DamagedWeights, check

    try:
        check(path)
    except DamagedWeights as error:
        return f"damaged: {error}"
    except ValueError as error:
        try:
            return "" if convert.inspect(path) else f"damaged: {error}"
        except ValueError as worse:
            return f"damaged: {worse}"
    return ""


def _readable(path: Path) -> str:
    """How a file that is not damaged can be read."""
    from adapters.weights.checkpoint import check

    try:
        check(path)
    except ValueError:
        return f"a pickle, not in the catalogue; `bench convert {path}` keeps its tensors"
    return "readable, not in the catalogue"


def weights_state(name: str, folder: Path | None) -> str:
    """Whether a model's weights are there: present, missing, or with another checksum."""
    import adapters
    from adapters.weights.catalogue import CATALOGUE, MINI_FOLDER, Status, status, weights_dir

    entry = adapters.card(name).weights
    if entry is None:
        return "needs none"
    if entry in CATALOGUE:
        return status(CATALOGUE[entry], weights_dir(folder)).value
    if not name.endswith("/mini"):
        return "present (of another package)" if Path(entry).is_file() else Status.MISSING.value
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
