"""Masks that another tool has drawn: found by case id, held against the scan's grid, and never resampled.

For volumes a mask is NIfTI, for pictures PNG or another picture that loses nothing. Below the folder, or below its
sub-folder of the data set's name, which a run of several data sets needs, lie

    CASE.nii.gz                         a label map, or
    CASE/CLASS.nii.gz                   one file per class, or
    CASE/segmentations/CLASS.nii.gz     likewise.

The ids of label maps are named by `labels.json` ({"liver": 1}) or by the `dataset.json` that nnU-Net writes, in the
folder; without either, by the table of the data set itself.
"""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.data import catalogue
from bench.data.case import DataError, Item, Mask, class_name
from bench.data.reading import nifti, pictures
from bench.data.reading.labels import LabelTable, binary, by_grey, by_id, table_of, unnamed
from bench.data.reading.nifti import read_label_volume
from bench.data.reading.opening import is_listed, only_below, place, read_json
from bench.data.reading.pictures import read_label_picture
from bench.data.reading.volumes import Affine, Volume, label_on_grid
from bench.errors import RunError

PREFIX = "masks:"  # of what the command line takes
FAMILY = "masks/"  # of the model's name
UNNAMED = re.compile(r"foreground|label \d+")
BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class GivenMasks:
    """A folder of masks that stands in tables like a model.

    Attributes:
        name: of the tool.
        folder: of its masks.
    """

    name: str
    folder: Path

    @classmethod
    def parse(cls, text: str) -> "GivenMasks":
        """Read "masks:DIR=NAME"; without a name it is that of the folder.

        Raises:
            RunError: no such folder, or a name that no table can hold.
        """
        given = text.removeprefix(PREFIX)
        whole = Path(given).expanduser()
        folder, _, name = (given, "", "") if whole.is_dir() else given.rpartition("=")
        found = Path(folder or given).expanduser().resolve()
        if not found.is_dir():
            raise RunError(f"{text}: there is no folder {found}; write masks:DIR=NAME")
        name = name or found.name
        if not name.strip() or "/" in name or "=" in name or not name.isprintable():
            raise RunError(f"{text}: {name!r} cannot name a row of tables; write masks:DIR=NAME")
        return cls(name, found)

    @property
    def model(self) -> str:
        """Its name among the models of a run."""
        return FAMILY + self.name

    @property
    def text(self) -> str:
        """What `parse` reads, with the whole path."""
        return f"{PREFIX}{self.folder}={self.name}"

    def sha256(self) -> str:
        """A checksum of all masks and tables of ids, by their names and contents."""
        digest = hashlib.sha256()
        endings = (*nifti.ENDINGS, *pictures.ENDINGS, ".json")
        for path in sorted(self.folder.rglob("*")):
            if path.name.lower().endswith(endings) and path.is_file():
                with path.open("rb") as file:
                    parts = hashlib.sha256()
                    while block := file.read(BLOCK_BYTES):
                        parts.update(block)
                digest.update(f"{path.relative_to(self.folder).as_posix()} {parts.hexdigest()}\n".encode())
        return digest.hexdigest()


@dataclass(frozen=True, slots=True, eq=False)
class MaskGrid:
    """The grid on which masks must lie.

    Attributes:
        image: folder and name of the scan's file.
        shape: (I, J, K) in LPS order, or (H, W) of a picture.
        affine: (4, 4) from LPS voxel indices to RAS mm, None for a picture.
        turn: (3, 2) orientation transform of nibabel from the scan's stored axes to LPS order.
    """

    image: str
    shape: tuple[int, ...]
    affine: Affine | None
    turn: NDArray[Any]

    def voxels_of(self, path: Path, trust_arrays: bool) -> NDArray[Any]:
        """The values of a mask file in the order of the grid.

        Raises:
            DataError: it cannot be read, or lies elsewhere; the text names both.
        """
        if self.affine is None:
            values, _ = read_label_picture(path)
            if values.shape != self.shape:
                raise DataError(f"{place(path)}: shape {values.shape} differs from {self.shape} of {self.image}")
            return values
        sides = np.linalg.norm(self.affine[:3, :3], axis=0)
        nothing = np.broadcast_to(np.uint8(0), self.shape)  # the scan as its grid alone knows it
        scan = Volume(Path(self.image), nothing, tuple(sides), self.affine, self.turn, ())
        return label_on_grid(scan, read_label_volume(path), trust_arrays)[0]


class CaseMasks:
    """The masks that a tool drew on one case, read class by class as they are asked for.

    Args:
        given: the folder.
        item: the case.
        grid: on which the masks must lie.
        alone: whether the run has no other data set, so that masks may lie in the folder itself.
    """

    def __init__(self, given: GivenMasks, item: Item, grid: MaskGrid, alone: bool) -> None:
        self._given, self._item, self._grid = given, item, grid
        self._endings = nifti.ENDINGS if grid.affine is not None else pictures.ENDINGS
        below = given.folder / item.dataset
        self._folder = below if below.is_dir() or not alone else given.folder
        self._map: Callable[[str], Mask] | None = None

    def of(self, target: str) -> Mask:
        """The mask of a class, empty where the tool found nothing.

        Args:
            target: of the whole class, as targets name it.

        Returns:
            (I, J, K) bool in LPS order, or (H, W) of a picture.

        Raises:
            DataError: there is no file of the case or the class, the file lies on another grid, or its values are not
                those of its table.
        """
        with only_below(self._given.folder, bool(self._item.details.get("follow_links"))):
            name = class_name(target)
            whole = self._one(self._folder, self._item.case)
            if whole:
                self._map = self._map or self._label_map(whole)
                return self._map(name)
            path = self._of_class(name)
            return binary(self._voxels(path), place(path))[0]

    def _of_class(self, name: str) -> Path:
        """The file of a class."""
        case = self._folder / self._item.case
        for folder in (case, case / "segmentations"):
            if folder.is_dir() and (path := self._one(folder, name)):
                return path
        endings = ", ".join(self._endings[:2])
        if case.is_dir():
            raise DataError(f"{self._given.name} has no mask of {name!r} in {place(case)} ({endings})")
        raise DataError(
            f"{self._given.name} has no mask of this case: neither {place(case)}{self._endings[0]} ({endings}) nor a "
            "folder of that name with a file per class"
        )

    def _one(self, folder: Path, name: str) -> Path | None:
        """The only file of a name, whichever its ending and however its letters are composed."""
        forms = dict.fromkeys((name, *(unicodedata.normalize(form, name) for form in ("NFC", "NFD"))))
        paths = [path for form in forms for end in self._endings if is_listed(path := folder / f"{form}{end}")]
        if len(paths) > 1:
            raise DataError(f"more than one file of one name: {', '.join(map(place, paths))}; keep one of them")
        return paths[0] if paths else None

    def _voxels(self, path: Path) -> NDArray[Any]:
        return self._grid.voxels_of(path, bool(self._item.details.get("trust_arrays")))

    def _label_map(self, path: Path) -> Callable[[str], Mask]:
        """The masks of a label map by class."""
        values, where = self._voxels(path), place(path)
        masks, knows = _split(values, where, self._table(), self._item)

        def of(name: str) -> Mask:
            if name not in masks and not knows(name):
                raise DataError(
                    f"{where}: no id of it is named {name!r}; name its ids in {self._given.folder.name}/labels.json "
                    f'({{"{name}": 1, ...}})'
                )
            return masks[name] if name in masks else np.zeros(values.shape, bool)

        return of

    def _table(self) -> LabelTable:
        """The names of the ids, as the folder gives them; empty if it does not."""
        for folder in dict.fromkeys((self._folder, self._given.folder)):
            for name in ("labels.json", "dataset.json"):
                path = folder / name
                if is_listed(path):
                    content = read_json(path)
                    try:
                        return table_of(content["labels"] if name == "dataset.json" else content)
                    except (KeyError, TypeError, ValueError, AttributeError) as error:
                        raise DataError(f"{place(path)}: not a table of label ids ({error!r})") from error
        return {}


def _split(
    values: NDArray[Any], where: str, table: LabelTable, item: Item
) -> tuple[Mapping[str, Mask], Callable[[str], bool]]:
    """The masks of a label map that have foreground, and whether a class that has none is known to it."""
    dataset = catalogue.load(item.dataset)
    own = item.details.get("table") or dataset.labels
    if not table and item.details.get("grey"):
        return by_grey(values, own, where)[0], own.__contains__
    table = table or own
    if table:
        return by_id(values, table, where)[0], table.__contains__
    classes = [name for names in dataset.rows.values() for name in names]
    if len(classes) == 1:
        return {classes[0]: binary(values, where)[0]}, classes.__contains__
    return unnamed(values, where)[0], lambda name: UNNAMED.fullmatch(name) is not None


def given_models(texts: Iterable[str]) -> Iterator[tuple[str, GivenMasks]]:
    """The names of models and the folders that stand for them, from what `GivenMasks.text` gave."""
    for text in texts:
        folder, _, name = text.removeprefix(PREFIX).rpartition("=")
        yield FAMILY + name, GivenMasks(name, Path(folder))
