from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.data.case import DataError
from bench.data.reading.pictures import read_label_picture, read_picture
from tests.helpers.layouts import cut, picture, square, write_png


@pytest.mark.parametrize(
    ("mode", "shape"),
    [("L", (8, 10)), ("1", (8, 10)), ("LA", (8, 10)), ("RGB", (8, 10, 3)), ("RGBA", (8, 10, 3)), ("P", (8, 10, 3))],
)
def test_every_8_bit_mode_becomes_grey_or_rgb(tmp_path: Path, mode: str, shape: tuple[int, ...]) -> None:
    image = read_picture(write_png(tmp_path / "x.png", square(), mode))
    assert (image.shape, image.dtype) == (shape, np.uint8)
    grey = image if image.ndim == 2 else image[..., 0]
    np.testing.assert_array_equal(grey, square())


def test_16_bit_keeps_its_depth(tmp_path: Path) -> None:
    deep = picture().astype(np.uint16) * 300
    np.testing.assert_array_equal(read_picture(write_png(tmp_path / "x.png", deep)), deep)
    np.testing.assert_array_equal(read_label_picture(tmp_path / "x.png"), deep)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_grey_labels_of_any_mode_keep_their_values(tmp_path: Path, mode: str) -> None:
    path = write_png(tmp_path / "x.png", square(170), mode)
    np.testing.assert_array_equal(read_label_picture(path), square(170))


def test_1_bit_labels_are_bool(tmp_path: Path) -> None:
    label = read_label_picture(write_png(tmp_path / "x.png", square(), "1"))
    assert label.dtype == bool
    np.testing.assert_array_equal(label, square() > 0)


def test_palette_labels_give_their_indices(tmp_path: Path) -> None:
    palette = Image.fromarray(square(2)).convert("P")
    palette.putdata(square(2).ravel().tolist())
    palette.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0])
    palette.save(tmp_path / "x.png")
    np.testing.assert_array_equal(read_label_picture(tmp_path / "x.png"), square(2))


def test_coloured_labels_fail(tmp_path: Path) -> None:
    colour = np.stack([square(), square(0), square(0)], axis=-1)
    with pytest.raises(DataError, match=r"x\.png: a RGB label whose channels differ"):
        read_label_picture(write_png(tmp_path / "x.png", colour))


@pytest.mark.parametrize("read", [read_picture, read_label_picture])
@pytest.mark.parametrize("keep", [0, 0.2, 0.7])
def test_a_damaged_picture_fails_with_its_name(tmp_path: Path, read, keep: float) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8)
    cut(write_png(tmp_path / "images" / "x.png", noise), keep)
    with pytest.raises(DataError, match=r"images/x\.png: cannot be read") as caught:
        read(tmp_path / "images" / "x.png")
    assert caught.value.kind == "failed"
