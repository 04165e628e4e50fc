"""What a run is about: real data or phantoms, official weights or mini ones, and the sentence that says so."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pooch

import adapters
from adapters import weights
from bench.config import World
from bench.data import catalogue, datasets
from bench.errors import RunError
from bench.phantoms import medseg_hq, zero_shot

BASELINES = ("baseline/box", "baseline/ellipse", "baseline/otsu")
TRAINING_IMAGES = 96  # a data set
ZERO_SHOT = ("isles2022", "segthor", "totalsegmentator-mri")


@dataclass(frozen=True, slots=True)
class Choice:
    """What the command line settled to.

    Attributes:
        note: what was left out on the way and why, for the first lines of a run.
    """

    models: tuple[str, ...]
    datasets: tuple[str, ...]
    data: Path
    world: World
    note: str


def phantom_data(seed: int = 0) -> Path:
    """The folder of the zero-shot phantoms, written on first use; its name follows the code that draws them."""
    return _written("phantoms", partial(zero_shot.write_zero_shot, seed=seed), seed)


def training_data(images: int = TRAINING_IMAGES, seed: int = 0) -> Path:
    """The folder of the mini MedSeg-HQ, written on first use likewise.

    Args:
        images: of each data set, a sixth of the patients to test on.
        seed: decides every byte.
    """
    return _written(f"medseg-hq-{images}", partial(medseg_hq.write_medseg_hq, seed=seed, images=images), seed)


def _written(name: str, write: Callable[[Path], None], seed: int) -> Path:
    source = Path(zero_shot.__file__).parent
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(source.glob("*.py")))).hexdigest()
    folder = Path(pooch.os_cache("segmote-bench")) / f"{name}-{digest[:12]}-{seed}"
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(dir=folder.parent))
        try:
            write(unfinished)
            if not folder.exists():
                os.replace(unfinished, folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def choose(models: Sequence[str], names: Sequence[str], data: Path | None, weights_dir: Path | None) -> Choice:
    """Settle `all` and the defaults.

    Without a data folder the data are the phantoms. `all` means the official models whose weights are
    there if the data are real, and the mini models otherwise. Baselines stand in every table.

    Raises:
        RunError: nothing to run, or official and mini weights in one table.
        ValueError: an unknown name.
    """
    real = data is not None
    folder = data.expanduser().resolve() if data is not None else phantom_data()
    wanted_models, note = _models(models, real, weights_dir)
    kinds = {name.endswith("/mini") for name in wanted_models if _learned(name)}
    if len(kinds) > 1:
        raise RunError(
            "official and mini weights never stand in one table: "
            f"{', '.join(wanted_models)}; run them apart, with two --out folders"
        )
    ordered = [*BASELINES, *(name for name in wanted_models if name not in BASELINES)]
    return Choice(
        tuple(dict.fromkeys(ordered)), _datasets(names, folder, real), folder, "real" if real else "phantom", note
    )


def _models(names: Sequence[str], real: bool, weights_dir: Path | None) -> tuple[list[str], str]:
    if list(names) != ["all"]:
        return [adapters.full_name(name) for name in names], ""
    rules = [name for name in adapters.REGISTRY if not _learned(name)]
    if not real:
        return [*rules, *(name for name in adapters.REGISTRY if name.endswith("/mini"))], ""
    official = [name for name in adapters.REGISTRY if name in weights.CATALOGUE]
    folder = weights.weights_dir(weights_dir)
    there = [name for name in official if weights.find(weights.CATALOGUE[name], folder)]
    if not there:
        raise RunError(
            f"no official weights in {folder}: `bench download` fetches them; "
            "mini weights run on real data only when named, for example --models sam/mini,medsam/mini"
        )
    missing = [name for name in official if name not in there]
    return [*rules, *there], f"Left out, weights missing: {', '.join(missing)}." if missing else ""


def _datasets(names: Sequence[str], data: Path, real: bool) -> tuple[str, ...]:
    if list(names) != ["all"]:
        for name in names:
            catalogue.load(name)
        return tuple(dict.fromkeys(names))
    if not real:
        return ZERO_SHOT
    whole = [name for name in datasets.REGISTRY if name not in datasets.VARIANTS]
    found = tuple(name for name in whole if catalogue.roots(name, data))
    if not found:
        raise RunError(f"no known data set below {data}; `bench ls datasets` tells the layouts")
    return found


def text(models: Sequence[str], world: World, random: bool = False) -> str:
    """The sentence that every caption carries: which weights on which data."""
    learned = [name for name in models if _learned(name)]
    data_text = "real data" if world == "real" else "phantom data"
    if not learned:
        return f"Baselines without weights on {data_text}."
    if random:
        return f"RANDOM, untrained weights on {data_text}: the numbers mean nothing."
    if learned[0].endswith("/mini"):
        return f"Mini weights on {data_text}: the numbers say nothing about the published models."
    return f"Official weights on {data_text}."


def _learned(model: str) -> bool:
    return adapters.card(model).weights is not None
