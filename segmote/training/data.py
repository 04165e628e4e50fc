"""Images and masks to train on, in the layout of IMIS-Bench.

    <set>/dataset.json                          labels, and the list "training" of {image, label, imask}
    <set>/image/<name>.png
    <set>/label/<any>.(C, H, W, 1).npz          a sparse matrix, one row per class
    <set>/imask/<any>.npy                       regions drawn by a model, numbered; -1 is background

The list "test" is reserved for evaluation and never read. The patient is the entry "patient" of an item, or else what
`patient_of` finds in the image's file name.

Source: uni-medical/IMIS-Bench at f4519c0; InMyDreammer/SegMoTE at 77668f0.
"""

import hashlib
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from scipy import ndimage
from torch import Tensor

from segmote.imis.network import standardised
from segmote.imis.sparse_labels import class_names, read_classes

SLICE = re.compile(r"[_-]+(?:slice|frame|z)?[_-]*\d+$", re.IGNORECASE)
NO_REGION = -1
SMALLEST_REGION = 0.0005  # of the picture
ORIENTATION, QUARTER_TURNS = 0x0112, range(5, 9)  # EXIF
NOT_SCORED = ("background", "ignore", "ignored", "void", "unlabeled", "unlabelled")
DEEP = ("I", "F")  # modes of Pillow with more than 8 bits

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class TrainingItem:
    """One picture of the training set.

    Attributes:
        code: name of its data set, in lower case.
        patient: whose picture it is.
        image, label: files.
        pseudo: file of regions drawn by a model, None if there is none.
        names: classes by id; row r of the label is the class with the id r + 1.
    """

    code: str
    patient: str
    image: Path
    label: Path
    pseudo: Path | None
    names: Mapping[int, str]

    @property
    def classes(self) -> tuple[str, ...]:
        """What is learned from the label, by id."""
        by_id = (name for number, name in sorted(self.names.items()) if number > 0)
        return tuple(dict.fromkeys(name for name in by_id if name.lower() not in NOT_SCORED))


@dataclass(frozen=True, slots=True)
class Excluded:
    """A picture that cannot be used, and why."""

    image: Path
    reason: str


Progress = Callable[[Sequence[TrainingItem]], Iterable[TrainingItem]]


def find_items(root: Path, codes: Sequence[str] = (), limit: int | None = None) -> list[TrainingItem]:
    """All training items of the data sets at or below a folder, by data set and file name.

    Args:
        root: a data set or a folder of data sets.
        codes: names of the sets wanted, in lower case; empty for all.
        limit: items per data set; None for all.

    Raises:
        ValueError: no data set there, one asked for is missing, or a `dataset.json` is not of the layout.
    """
    found: dict[str, Path] = {}
    for path in sorted(root.glob("**/dataset.json")):
        if (first := found.setdefault(path.parent.name.lower(), path)) != path:
            raise ValueError(f"{root}: two data sets of one name, {first.parent} and {path.parent}; rename one")
    missing = [code for code in codes if code not in found]
    if missing or not found:
        there = f"; there are {', '.join(found)}" if found else ""
        wanted = f" named {' or '.join(missing)}" if missing else ""
        raise ValueError(f"{root}: no data set of the IMIS layout (with a dataset.json){wanted}{there}")
    return [item for code in codes or found for item in _listed(code, found[code])[:limit]]


def _listed(code: str, description: Path) -> list[TrainingItem]:
    folder = description.parent
    try:
        content = json.loads(_content(description).decode("utf-8-sig"))
        names = class_names(content["labels"])
        items = [_item(code, folder, entry, names) for entry in content["training"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{description}: not of the IMIS layout ({error!r})") from error
    return sorted(items, key=lambda item: item.image)


def _item(code: str, folder: Path, entry: Mapping[str, str], names: Mapping[int, str]) -> TrainingItem:
    image, label = (_listed_path(folder, entry[role]) for role in ("image", "label"))
    pseudo = entry.get("imask") or entry.get("pseudo")
    patient = str(entry.get("patient") or patient_of(image.stem))
    return TrainingItem(code, patient, image, label, _listed_path(folder, pseudo) if pseudo else None, names)


def _listed_path(folder: Path, listed: str) -> Path:
    parts = PurePosixPath(listed.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts:
        raise ValueError(f"{listed!r} leads out of the data set")
    return folder / parts


def patient_of(name: str) -> str:
    """The patient in a picture's name: the part before the last number, if that part contains a number too.

    >>> patient_of("ABD_001_100"), patient_of("ISIC_0000001")
    ('ABD_001', 'ISIC_0000001')
    """
    before = SLICE.sub("", name)
    return before if any(letter.isdigit() for letter in before) else name


def split_patients(
    items: Sequence[TrainingItem], seed: int, share: float = 0.1
) -> tuple[list[TrainingItem], list[TrainingItem]]:
    """Items to learn from and items held out, 9:1 of the patients of each data set.

    A patient is on one side in all data sets, as some pictures are in several (ISIC) and some patients were scanned for
    several (CHAOS). From a set of one patient nobody is held out.

    Args:
        items: of all data sets.
        seed: of the choice, which otherwise depends on the patients' names alone.
        share: to hold out.
    """
    held_out: set[str] = set()
    for code in {item.code for item in items}:
        patients = sorted({item.patient for item in items if item.code == code}, key=partial(_place, seed))
        held_out.update(patients[: max(1, round(share * len(patients))) if len(patients) > 1 else 0])
    learning = [item for item in items if item.patient not in held_out]
    return learning, [item for item in items if item.patient in held_out]


def _place(seed: int, patient: str) -> bytes:
    return hashlib.sha256(f"{seed}|{patient}".encode()).digest()


def check(
    items: Sequence[TrainingItem], side: int, pseudo: bool, progress: Progress = iter
) -> tuple[list[TrainingItem], list[Excluded]]:
    """The items that can be used, and the others with a reason.

    Args:
        items: to be read once.
        side: of the network's input: a mask can vanish at that size.
        pseudo: whether model-drawn regions are wanted; an item without any at that size loses its file.
        progress: wraps the items, for a bar.
    """
    checked = [_checked(item, side, pseudo) for item in progress(items)]
    usable = [item for item in checked if isinstance(item, TrainingItem)]
    return usable, [item for item in checked if isinstance(item, Excluded)]


def _checked(item: TrainingItem, side: int, pseudo: bool) -> TrainingItem | Excluded:
    try:
        read_image(item.image, side)
        masks = read_masks(item, side)
        regions = read_regions(item.pseudo, side) if pseudo and item.pseudo else []
    except Exception as error:  # whatever a damaged file makes its reader raise; other pictures go on
        reason = str(error).partition("\n")[0]
        return Excluded(item.image, f"cannot be read ({type(error).__name__}: {reason})")
    if not masks:
        return Excluded(item.image, f"{item.label.name}: no foreground at {side} x {side}")
    return item if regions else replace(item, pseudo=None)


def read_image(path: Path, side: int) -> Tensor:
    """The network's input (3, side, side): squashed by nearest neighbour, standardised.

    Turned as its EXIF orientation says; of more than 8 bits, its range is mapped to 0..255, as the protocol `segmote`
    does when it evaluates.

    Raises:
        ValueError: several pages, or pixels that are no finite numbers.
        OSError: an unreadable file.
    """
    with _opened(path) as picture:
        turned = ImageOps.exif_transpose(picture)
        if turned.mode.startswith(DEEP):
            turned = Image.fromarray(_to_uint8(path, np.asarray(turned)))
        pixels = np.array(turned.convert("RGB").resize((side, side), Image.Resampling.NEAREST))
    return standardised(torch.from_numpy(pixels).permute(2, 0, 1).float())


def _opened(path: Path) -> Image.Image:
    picture = Image.open(io.BytesIO(_content(path)))
    if (pages := getattr(picture, "n_frames", 1)) > 1:
        raise ValueError(f"{path.name}: {pages} pages; save each as a picture")
    return picture


def _content(path: Path) -> bytes:
    if not path.is_file():
        raise OSError(f"{path.name}: not there, or not a regular file")
    return path.read_bytes()


def _to_uint8(path: Path, values: NDArray[Any]) -> NDArray[np.uint8]:
    values = values.astype(np.float32)
    if not np.isfinite(values).all():
        raise ValueError(f"{path.name}: {np.count_nonzero(~np.isfinite(values))} pixels are not finite")
    low, high = values.min(), values.max()
    if high <= low:
        raise ValueError(f"{path.name}: all pixels are {low:g}: no intensities to map to 0..255")
    mapped: NDArray[np.uint8] = np.round((values - low) * (255.0 / (high - low))).astype(np.uint8)
    return mapped


def _size(path: Path) -> tuple[int, int]:
    """Height and width of a picture as it is shown."""
    with _opened(path) as picture:
        width, height = picture.size
        lies = picture.format != "TIFF" and picture.getexif().get(ORIENTATION, 1) in QUARTER_TURNS
    return (width, height) if lies else (height, width)  # Pillow turns TIFF by itself


def read_masks(item: TrainingItem, side: int) -> dict[str, Mask]:
    """Masks (side, side) by class name; only those with foreground, and none of a class named as not scored.

    Raises:
        ValueError: see `read_classes`.
        OSError: an unreadable file.
    """
    try:
        whole = read_classes(_content(item.label), item.label.name, item.names, _size(item.image))
    except ValueError as error:
        raise ValueError(f"{item.label.name}: {error}") from error
    masks = ((name, _resized(mask, side)) for name, mask in whole.items() if name in item.classes)
    return {name: mask for name, mask in masks if mask.any()}


def _resized(mask: Mask, side: int) -> Mask:
    return np.array(Image.fromarray(mask).resize((side, side), Image.Resampling.NEAREST))


def read_regions(path: Path, side: int) -> list[Mask]:
    """The regions (side, side) drawn by a model, smoothed, without the small ones.

    Raises:
        ValueError, OSError: an unreadable file.
    """
    stored = np.load(io.BytesIO(_content(path)), allow_pickle=False)
    numbers = np.array(
        Image.fromarray(stored.reshape(stored.shape[:2]).astype(np.float32)).resize(
            (side, side), Image.Resampling.NEAREST
        )
    )
    least = SMALLEST_REGION * side * side
    regions = [numbers == number for number in np.unique(numbers) if number != NO_REGION]
    smoothed = [_smoothed(region, least) for region in regions if region.sum() >= least]
    return [region for region in smoothed if region.any()]


def _smoothed(region: Mask, least: float) -> Mask:
    closed = ndimage.binary_closing(ndimage.binary_opening(region))
    parts, _ = ndimage.label(closed)
    large = np.bincount(parts.ravel()) >= least
    large[0] = False
    return np.asarray(large[parts])
