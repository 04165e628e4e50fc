"""The sources of the mini world's MedSeg-HQ, drawn once for a reproduction."""

import os
import shutil
import tempfile
from pathlib import Path

from bench.miniworld.phantoms.sources.twelve import draw_sources

SEED = 17  # other people than those of the zero-shot phantoms


def write_sources(folder: Path, people: int, slices: int) -> None:
    """Draw phantom copies of the twelve sources, see `draw_sources`; nothing if they are there.

    Args:
        folder: appears when all is written.
        people, slices: see `draw_sources`.
    """
    if folder.exists():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(dir=folder.parent))
    try:
        draw_sources(unfinished, SEED, people, slices)
        os.replace(unfinished, folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
