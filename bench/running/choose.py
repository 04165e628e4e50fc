"""Settle what a run is about: `all`, the defaults, real data or the mini world."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import adapters
from adapters.weights import catalogue as weights_catalogue
from adapters.weights.catalogue import CATALOGUE, find
from bench.config import World
from bench.data import catalogue, datasets
from bench.data.given_masks import PREFIX, GivenMasks
from bench.errors import RunError
from bench.miniworld.folders import ZERO_SHOT, phantom_data
from bench.world import is_learned

BASELINES = ("baseline/box", "baseline/ellipse", "baseline/otsu")


@dataclass(frozen=True, slots=True)
class Choice:
    """What the command line settled to.

    Attributes:
        note: what was left out on the way and why, for the first lines of a run.
        masks: the folders of masks among the models, see `RunConfig.masks`.
    """

    models: tuple[str, ...]
    datasets: tuple[str, ...]
    data: Path
    world: World
    note: str
    masks: tuple[str, ...] = ()


def choose(
    models: Sequence[str], names: Sequence[str], data: Path | None, weights_dir: Path | None, follow_links: bool = False
) -> Choice:
    """Settle `all` and the defaults.

    Without a data folder the data are the phantoms. `all` means the official models whose weights are
    there if the data are real, and the mini models otherwise. Baselines stand in every table, and so do the masks of
    other tools, "masks:DIR=NAME", beside `all` or any models.

    Raises:
        RunError: nothing to run, official and mini weights in one table, no such folder of masks, or two of one name.
        ValueError: an unknown name.
    """
    real = data is not None
    folder = data.expanduser().resolve() if data is not None else phantom_data()
    given = [GivenMasks.parse(name) for name in models if name.startswith(PREFIX)]
    if twice := [name for name, count in Counter(one.model for one in given).items() if count > 1]:
        raise RunError(f"two folders of masks are named {twice[0]!r}; give each a name, masks:DIR=NAME")
    named = [name for name in models if not name.startswith(PREFIX)]
    wanted_models, note = _models(named, real, weights_dir) if named else ([], "")
    kinds = {name.endswith("/mini") for name in wanted_models if is_learned(name)}
    if len(kinds) > 1:
        raise RunError(
            "official and mini weights never stand in one table: "
            f"{', '.join(wanted_models)}; run them apart, with two --out folders"
        )
    ordered = [*BASELINES, *(name for name in wanted_models if name not in BASELINES), *(one.model for one in given)]
    return Choice(
        tuple(dict.fromkeys(ordered)),
        _datasets(names, folder, real, follow_links),
        folder,
        "real" if real else "phantom",
        note,
        tuple(one.text for one in given),
    )


def _models(names: Sequence[str], real: bool, weights_dir: Path | None) -> tuple[list[str], str]:
    if list(names) != ["all"]:
        return [adapters.full_name(name) for name in names], ""
    rules = [name for name in adapters.REGISTRY if not is_learned(name)]
    if not real:
        return [*rules, *(name for name in adapters.REGISTRY if name.endswith("/mini"))], ""
    official = [name for name in adapters.REGISTRY if name in CATALOGUE]
    folder = weights_catalogue.weights_dir(weights_dir)
    there = [name for name in official if find(CATALOGUE[name], folder)]
    if not there:
        raise RunError(
            f"no official weights in {folder}: `bench download` fetches them; "
            "mini weights run on real data only when named, for example --models sam/mini,medsam/mini"
        )
    missing = [name for name in official if name not in there]
    return [*rules, *there], f"Left out, weights missing: {', '.join(missing)}." if missing else ""


def _datasets(names: Sequence[str], data: Path, real: bool, follow_links: bool) -> tuple[str, ...]:
    if list(names) != ["all"]:
        for name in names:
            catalogue.load(name)
        return tuple(dict.fromkeys(names))
    if not real:
        return ZERO_SHOT
    whole = [name for name in datasets.names() if name not in datasets.VARIANTS]
    found = tuple(name for name in whole if catalogue.roots(name, data, follow_links))
    if not found:
        raise RunError(f"no known data set below {data}; `bench ls datasets` tells the layouts")
    return found
