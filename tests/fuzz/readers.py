"""Hostile files for every reader: sound tiny data sets, one of whose files is changed."""

import copy
import gzip
import json
import shutil
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from bench.data.check import check
from bench.errors import RunError
from tests.fuzz.outcomes import Tally
from tests.helpers import layouts

Build = Callable[[Path], object]
DATASETS: Mapping[str, tuple[Build, tuple[str, ...]]] = {
    "imis": (layouts.imis, ("dataset.json", "label/*.npz", "image/*.png")),
    "folder": (
        lambda root: (layouts.folder(root, layouts.square()), layouts.write_json(root / "labels.json", {"liver": 1})),
        ("labels.json", "masks/*.png", "images/*.png"),
    ),
    "nnunet": (
        lambda root: layouts.nnunet(root, {"background": 0, "liver": 1}),
        ("dataset.json", "labelsTr/*.nii.gz", "imagesTr/*.nii.gz"),
    ),
    "sam-med2d": (layouts.sam_med2d, ("image2label_train.json", "masks/*.png", "images/*.png")),
    "segthor": (
        lambda root: [
            layouts.write_nifti(root / "train/Patient_01" / name, array)
            for name, array in (("Patient_01.nii.gz", layouts.voxels()), ("GT.nii.gz", layouts.corner()))
        ],
        ("train/*/Patient_01.nii.gz", "train/*/GT.nii.gz"),
    ),
}
WORDS = (0, 1, 127, 128, 255, 32767, 65535, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1)
ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.just("../../etc/passwd"),
    st.just("/dev/zero"), st.just("\ud800"), st.just("\x1b[2J"), st.just("x" * 300),
)  # fmt: skip
VALUES = st.recursive(
    ODD,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def hostile(draw: st.DrawFn) -> tuple[str, int, list[tuple[int, int, int]], Any]:
    """A data set, which of its files is changed, byte changes (what, where, value), and a value for JSON."""
    name = draw(st.sampled_from(sorted(DATASETS)))
    number = draw(st.integers(0, len(DATASETS[name][1]) - 1))
    change = st.tuples(st.integers(0, 4), st.integers(0, 2**16), st.integers(0, len(WORDS) + 255))
    return name, number, draw(st.lists(change, min_size=1, max_size=4)), draw(VALUES)


def attack(folder: Path, tally: Tally, case: tuple[str, int, list[tuple[int, int, int]], Any]) -> None:
    """Build the data set, change the file, read all."""
    name, number, changes, value = case
    shutil.rmtree(folder, ignore_errors=True)
    build, patterns = DATASETS[name]
    build(folder)
    path = sorted(folder.glob(patterns[number]))[0]
    path.write_bytes(_changed(path, changes, value))

    def read() -> bool:
        found = check(name, folder)
        return bool(found.text()) and not found.failed

    tally.add(f"{name}: {path.suffix}", read, (RunError,))


def _changed(path: Path, changes: list[tuple[int, int, int]], value: Any) -> bytes:
    raw = path.read_bytes()
    if path.suffix == ".json" and changes[0][0] < 3:
        return _other_json(json.loads(raw), changes, value)
    inside = path.suffix == ".gz" and changes[0][0] != 4  # the header below the compression, or the compressed bytes
    raw = gzip.decompress(raw) if inside else raw
    for what, where, number in changes:
        raw = _edit(raw, what, where, number)
    if path.suffix == ".png" and changes[0][0] == 1:
        raw = _right_checksums(raw)
    return gzip.compress(raw, 1) if inside else raw


def _edit(raw: bytes, what: int, where: int, number: int) -> bytes:
    place = where % max(1, min(len(raw), 360 if what else len(raw)))
    if what == 3 and where % 3 == 0:
        return raw[:place]
    if number < len(WORDS):
        size = 2 if WORDS[number] < 2**16 else 4 if WORDS[number] < 2**32 else 8
        return raw[:place] + WORDS[number].to_bytes(size, "little") + raw[place + size :]
    byte = bytes([number - len(WORDS)])
    return raw[:place] + byte + raw[place + (what != 2) :]


def _right_checksums(raw: bytes) -> bytes:
    """A PNG whose chunks have the checksums of what they hold, so that a decoder reads on."""
    out, place = raw[:8], 8
    while place + 12 <= len(raw):
        size = int.from_bytes(raw[place : place + 4], "big")
        body = raw[place + 4 : place + 8 + size]
        out += raw[place : place + 4] + body + zlib.crc32(body).to_bytes(4, "big")
        place += 12 + size
    return out


def _other_json(content: Any, changes: list[tuple[int, int, int]], value: Any) -> bytes:
    for _, where, _ in changes:
        holder, key = _places(content)[where % len(_places(content))]
        if holder is None:
            content = copy.deepcopy(value)
        else:
            holder[key] = copy.deepcopy(value)
    return json.dumps(content).encode("utf-8", "surrogatepass")


def _places(content: Any) -> list[tuple[Any, Any]]:
    places, left = [(None, None)], [content]
    while left and len(places) < 200:
        holder = left.pop()
        keys = list(holder) if isinstance(holder, dict) else range(len(holder)) if isinstance(holder, list) else ()
        places += [(holder, key) for key in keys]
        left += [holder[key] for key in keys]
    return places
