"""The held-out patients of a curated set as data sets of their own, on which models are tested."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from bench.errors import RunError
from bench.store.files import read_json, write_json
from bench.studies.curation.curate import MANIFEST

ROLES = ("image", "label")


def held_out(curated: Path, out: Path) -> tuple[str, ...]:
    """Folders of the layout of the curated set with its test lists alone; the files are hard links where possible.

    Args:
        curated: folder of `bench curate`.
        out: made if needed.

    Returns:
        Names of the data sets for `bench run --datasets`.

    Raises:
        RunError: no patient is held out.
    """
    names = []
    for description in sorted(curated.glob("*/dataset.json")):
        content = read_json(description)
        if content["test"]:
            _write(description.parent, content, out / description.parent.name)
            names.append(f"imis:{description.parent.name}")
    if not names:
        raise RunError(f"no patient of {curated} is held out; curate it from sources with more patients")
    return tuple(names)


def _write(source: Path, content: Mapping[str, Any], folder: Path) -> None:
    for item in content["test"]:
        for role in ROLES:
            _link(source / PurePosixPath(item[role]), folder / PurePosixPath(item[role]))
    write_json(folder / "dataset.json", {**content, "training": [], "numTraining": 0})


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        return
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(source, target)


def origins(curated: Path) -> dict[str, str]:
    """Names of the held-out data sets to those of the sources that they come from."""
    manifest = pd.read_parquet(curated / MANIFEST, columns=["folder", "dataset"]).drop_duplicates()
    return {f"imis:{folder}": str(source) for folder, source in manifest.itertuples(index=False, name=None)}
