"""Where the voxels of a case lie: kept beside its targets, so that masks are read and written on the scan's grid."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.data.case import Mask, ScanHeader
from bench.data.slicing import plane
from bench.errors import RunError
from bench.store.files import read_json, write_json


@dataclass(frozen=True, slots=True)
class CaseGrid:
    """The grid of a case.

    Attributes:
        image: folder and name of the scan's file, for messages.
        shape: (I, J, K) in LPS order, or (H, W) of a picture.
        affine: (4, 4) from voxel indices in LPS order to RAS millimetres, None for a picture.
        axis: the array axis across which the volume is cut into slices, None for a picture.
        header: how the scan's file stores its voxels, None where that is not known.
    """

    image: str
    shape: tuple[int, ...]
    affine: tuple[tuple[float, ...], ...] | None
    axis: int | None
    header: ScanHeader | None

    def plane(self, mask: Mask, index: int) -> Mask:
        """A slice of a mask as the run's masks are stored.

        Args:
            mask: (I, J, K) in LPS order, or (H, W) of a picture, whose only slice is 0.
            index: of the slice.

        Returns:
            (rows, columns), a view.
        """
        return mask if self.axis is None else plane(mask, self.axis, index)

    @property
    def slices(self) -> int:
        """How many slices there are."""
        return 1 if self.axis is None else self.shape[self.axis]

    @property
    def affine_mm(self) -> NDArray[np.float64]:
        """The affine as an array; that of a picture has pixels of 1 mm."""
        return np.eye(4) if self.affine is None else np.asarray(self.affine, float)


def write_grid(grid: CaseGrid, path: Path) -> None:
    """Write the grid of a case; equal grids give equal bytes."""
    write_json(path, asdict(grid))


def read_grid(path: Path) -> CaseGrid:
    """Read what `write_grid` wrote.

    Raises:
        RunError: the file is missing, as in runs of older versions, or damaged.
    """
    try:
        return _parsed(read_json(path))
    except (OSError, RunError, KeyError, TypeError, ValueError) as error:
        raise RunError(f"{path} cannot be read ({error}); resume the run, which writes it again") from None


def has_grid(path: Path) -> bool:
    """True if the grid of a case is kept and can be read."""
    try:
        read_grid(path)
    except RunError:
        return False
    return True


def _parsed(content: Any) -> CaseGrid:
    affine, header = content["affine"], content["header"]
    return CaseGrid(
        image=str(content["image"]),
        shape=tuple(map(int, content["shape"])),
        affine=None if affine is None else tuple(tuple(map(float, row)) for row in affine),
        axis=None if content["axis"] is None else int(content["axis"]),
        header=None if header is None else _header(header),
    )


def _header(content: Any) -> ScanHeader:
    turn = tuple((int(axis), int(flip)) for axis, flip in content["turn"])
    fields = {
        str(name): tuple(value) if isinstance(value, list) else value for name, value in content["fields"].items()
    }
    return ScanHeader(turn, fields)
