"""The mini world on disk: its phantoms, written on first use and found again afterwards."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

import pooch

TRAINING_IMAGES = 96  # per data set
ZERO_SHOT = ("isles2022", "segthor", "totalsegmentator-mri")


def phantom_data(seed: int = 0) -> Path:
    """The folder of the zero-shot phantoms, written on first use; its name follows the code that draws them."""
    return _written("phantoms", lambda drawing, folder: drawing.zero_shot.write_zero_shot(folder, seed=seed), seed)


def training_data(images: int = TRAINING_IMAGES, seed: int = 0) -> Path:
    """The folder of the mini MedSeg-HQ, written on first use likewise.

    Args:
        images: of each data set, a sixth of the patients to test on.
        seed: decides every byte.
    """

    def write(drawing: ModuleType, folder: Path) -> None:
        drawing.medseg_hq.write_medseg_hq(folder, seed=seed, images=images)

    return _written(f"medseg-hq-{images}", write, seed)


def varied_training_data(images: int = TRAINING_IMAGES, seed: int = 0) -> Path:
    """The folder of the mini MedSeg-HQ with its pictures scaled, moved and recoloured, written on first use likewise.

    Networks that learn from few of them find more on pictures of other kinds than those that learn from the pictures as
    they are drawn, and differ less from each other.

    Args:
        images, seed: see `training_data`.
    """
    from bench.miniworld.training import batches, recolouring, varied_samples  # noqa: PLC0415 - loads torch

    def write(drawing: ModuleType, folder: Path) -> None:
        drawing.medseg_hq.write_medseg_hq(folder, seed=seed, images=images, vary=varied_samples.varied)

    code = [Path(str(module.__file__)) for module in (batches, recolouring, varied_samples)]
    return _written(f"medseg-hq-varied-{images}", write, seed, code)


def _written(name: str, write: Callable[[ModuleType, Path], None], seed: int, code: Sequence[Path] = ()) -> Path:
    source = Path(__file__).parent / "phantoms"
    parts = [path.read_bytes() for path in (*sorted(source.glob("*.py")), *code)]
    digest = hashlib.sha256(b"".join(parts)).hexdigest()
    folder = Path(pooch.os_cache("segmote-bench")) / f"{name}-{digest[:12]}-{seed}"
    if not folder.exists():
        from bench.miniworld import phantoms  # noqa: PLC0415 - drawing them loads SciPy, finding them does not

        folder.parent.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(dir=folder.parent))
        try:
            write(phantoms, unfinished)
            if not folder.exists():
                os.replace(unfinished, folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return folder
