"""What a data set yields: cases with their volumes, and defects with their reasons."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

TARGET = re.compile(r"(?P<of>(?:[^#]|##)*)(?:#\d+)?")


def target_of(name: str) -> str:
    """A class as targets name it: its own "#" is doubled, since a single one numbers the components of a class.

    Example:
        >>> target_of("nodule #1")
        'nodule ##1'
    """
    return name.replace("#", "##")


def class_of(target: str) -> str:
    """The target of a whole class, given that target or one of its components.

    Example:
        >>> class_of("lesion#2"), class_of("nodule ##1#2")
        ('lesion', 'nodule ##1')
    """
    found = TARGET.fullmatch(target)
    return found["of"] if found else target


def class_name(target: str) -> str:
    """The class of a target as its data set writes it.

    Example:
        >>> class_name("nodule ##1#2")
        'nodule #1'
    """
    return class_of(target).replace("##", "#")


class DataError(ValueError):
    """A case that cannot be used, with the reason as its text."""

    def __init__(self, reason: str, kind: Literal["skipped", "failed"] = "failed") -> None:
        super().__init__(reason)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Defect:
    """A case, or a part of one, that is not evaluated, and why.

    Attributes:
        kind: "skipped" if there is nothing to evaluate by nature (no mask, empty masks),
            "failed" if something that should work did not (unreadable file, unequal grids).
        reason: one sentence that names the file and the value.
        target: class name if only one class is concerned.
    """

    dataset: str
    patient: str
    case: str
    kind: Literal["skipped", "failed"]
    reason: str
    target: str | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One case as the index of a data set knows it, before any voxel is read.

    Attributes:
        files: role of a file ("image", "mask", a class name ...) to its path.
        patient: grouping id for splits and statistics.
        case: unique within the data set.
        modality: "CT", "MR", or what the data set says.
        details: what the reader needs besides files (split, label names ...).
    """

    dataset: str
    patient: str
    case: str
    modality: str
    files: Mapping[str, Path]
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ScanHeader:
    """How the file of a scan stores its voxels, so that masks can be written for it; plain values, as JSON holds them.

    Attributes:
        turn: (3, 2) orientation transform of nibabel from the stored axes to LPS order.
        fields: of the NIfTI header, those that say where the voxels lie and in which unit.
    """

    turn: tuple[tuple[int, int], ...]
    fields: Mapping[str, float | tuple[float, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One case with its voxels.

    Attributes:
        image: a volume (I, J, K) of real numbers in LPS order (index i grows to the patient's left,
            j to posterior, k to superior), or a 2-D picture (H, W) or (H, W, 3).
        masks: target (see `target_of`) to bool array of the image's spatial shape; only classes with foreground.
        spacing_mm: voxel size along the axes of `image` (i, j, k), or (row, column) of a picture; 1.0 where unknown.
        affine: (4, 4) from voxel indices of `image` to RAS millimetres, None for a picture.
        modality: decides the intensity rule: "CT" means Hounsfield units.
        warnings: oddities that did not stop the case, each one sentence.
        header: of the file on whose grid image and masks lie, None for a picture.
    """

    dataset: str
    patient: str
    case: str
    modality: str
    image: NDArray[Any]
    masks: Mapping[str, Mask]
    spacing_mm: tuple[float, ...]
    affine: NDArray[np.float64] | None
    warnings: tuple[str, ...] = ()
    header: ScanHeader | None = None

    @property
    def is_volume(self) -> bool:
        """True for an (I, J, K) volume, False for a picture."""
        return self.affine is not None


@dataclass(frozen=True, slots=True)
class FoundRelease:
    """The release of a data set that lies in a folder.

    Attributes:
        name: for example "v2", or "unknown release" where what was seen does not decide.
        seen: the signs by which it was told, or not.
    """

    name: str
    seen: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """A data set: its layout, its classes, its rules, where it comes from.

    Attributes:
        name: as on the command line.
        title: as tables print it.
        modality: "CT", "MR" or "any".
        rows: table row to the target names pooled in it; empty: one row per target, by name.
        licence, source, citation: of the data.
        layout: the folders and files it expects, as text for messages.
        find: roots below a folder (or the folder itself) that have this layout.
        index: items and defects of one root, sorted by case; reads no voxels.
        read: the voxels of an item; raises `DataError`.
        lesions: targets that consist of many separate objects, scored lesion by lesion, too.
        tubes: targets that are long and thin, scored by their centreline, too.
        labels: class name to the ids that it has in the label maps of the set; empty if each case has its own table.
        release: the release that lies in a root, None for a data set whose releases are not told apart.
    """

    name: str
    title: str
    modality: str
    rows: Mapping[str, tuple[str, ...]]
    licence: str
    source: str
    citation: str
    layout: str
    find: Callable[[Path], Sequence[Path]]
    index: Callable[[Path], Sequence[Item | Defect]]
    read: Callable[[Item], Case]
    lesions: tuple[str, ...] = ()
    tubes: tuple[str, ...] = ()
    labels: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    release: Callable[[Path], FoundRelease] | None = None
