import struct
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
    np.testing.assert_array_equal(read_label_picture(tmp_path / "x.png")[0], deep)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_grey_labels_of_any_mode_keep_their_values(tmp_path: Path, mode: str) -> None:
    path = write_png(tmp_path / "x.png", square(170), mode)
    np.testing.assert_array_equal(read_label_picture(path)[0], square(170))


def test_1_bit_labels_are_bool(tmp_path: Path) -> None:
    label, _ = read_label_picture(write_png(tmp_path / "x.png", square(), "1"))
    assert label.dtype == bool
    np.testing.assert_array_equal(label, square() > 0)


def test_palette_labels_give_their_indices(tmp_path: Path) -> None:
    palette = Image.fromarray(square(2)).convert("P")
    palette.putdata(square(2).ravel().tolist())
    palette.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0])
    palette.save(tmp_path / "x.png")
    np.testing.assert_array_equal(read_label_picture(tmp_path / "x.png")[0], square(2))


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


@pytest.mark.parametrize("read", [read_picture, read_label_picture])
def test_several_pages_fail_with_their_number(tmp_path: Path, read) -> None:
    pages = [Image.fromarray(square(number)) for number in (1, 2, 3)]
    pages[0].save(tmp_path / "x.tif", save_all=True, append_images=pages[1:])
    with pytest.raises(DataError, match=r"x\.tif: 3 pages"):
        read(tmp_path / "x.tif")


@pytest.mark.parametrize("ending", ["jpg", "png", "tif"])
def test_a_picture_is_turned_as_viewers_show_it(tmp_path: Path, ending: str) -> None:
    shown = np.zeros((64, 48), np.uint8)
    shown[8:16, 8:40] = 240
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown after a quarter turn clockwise
    Image.fromarray(np.rot90(shown).copy()).save(tmp_path / f"x.{ending}", exif=exif, **TURNED.get(ending, {}))
    np.testing.assert_allclose(read_picture(tmp_path / f"x.{ending}").astype(int), shown.astype(int), atol=8)


TURNED = {"jpg": {"quality": 95}, "tif": {"compression": "tiff_lzw"}}


def palette(path: Path, indices: np.ndarray, *colours: tuple[int, int, int]) -> Path:
    """A palette picture with the colours of its first indices."""
    made = Image.fromarray(indices, "P")
    made.putpalette([part for colour in colours for part in colour])
    made.save(path)
    return path


WHITE, BLACK, RED, GREEN = (255, 255, 255), (0, 0, 0), (200, 0, 0), (0, 200, 0)


def test_indices_are_ids_only_if_index_0_is_black(tmp_path: Path) -> None:
    read, _ = read_label_picture(palette(tmp_path / "x.png", square(2), BLACK, RED, GREEN))
    np.testing.assert_array_equal(read, square(2))
    with pytest.raises(DataError, match=r"index 0 has the colour \(200, 0, 0\), not black"):
        read_label_picture(palette(tmp_path / "x.png", square(2), RED, BLACK, GREEN))


def test_black_and_white_are_read_by_colour_where_white_comes_first(tmp_path: Path) -> None:
    read, _ = read_label_picture(palette(tmp_path / "x.png", 1 - square(1), WHITE, BLACK))
    np.testing.assert_array_equal(read, square(255))
    read, _ = read_label_picture(palette(tmp_path / "x.png", square(1), BLACK, WHITE))
    np.testing.assert_array_equal(read, square(1))


def test_noise_of_a_jpeg_label_is_black_and_jpeg_ids_fail(tmp_path: Path) -> None:
    Image.fromarray(square(255, (40, 48))).save(tmp_path / "x.jpg")
    values, warnings = read_label_picture(tmp_path / "x.jpg")
    assert values[values > 0].min() > 8
    assert "taken as black" in warnings[0]
    Image.fromarray(square(60, (40, 48))).save(tmp_path / "x.jpg")
    with pytest.raises(DataError, match="compression changes ids"):
        read_label_picture(tmp_path / "x.jpg")


def test_byte_order_is_that_of_the_machine(tmp_path: Path) -> None:
    deep = picture().astype(np.uint16) * 300
    path = tmp_path / "x.tif"
    path.write_bytes(big_endian_tiff(deep))
    read = read_picture(path)
    np.testing.assert_array_equal(read, deep)
    assert read.dtype.isnative


def big_endian_tiff(values: np.ndarray) -> bytes:
    """The least TIFF of 16-bit grey values, most significant byte first."""
    data = values.astype(">u2").tobytes()
    height, width = values.shape
    tags = [(256, width), (257, height), (258, 16), (259, 1), (262, 1), (273, 8), (277, 1), (278, height)]
    entries = [struct.pack(">HHII", tag, 4, 1, value) for tag, value in (*tags, (279, len(data)))]
    directory = struct.pack(">H", len(entries)) + b"".join(entries) + bytes(4)
    return b"MM" + struct.pack(">HI", 42, 8 + len(data)) + data + directory


def transparent(mode: str, value: int | np.ndarray, alpha: np.ndarray) -> Image.Image:
    grey = Image.fromarray(np.broadcast_to(np.uint8(value), alpha.shape).copy())
    found = grey.convert(mode)
    found.putalpha(Image.fromarray(alpha))
    return found


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("value", [0, 255])
def test_a_label_that_is_drawn_in_its_transparency_fails(tmp_path: Path, mode: str, value: int) -> None:
    """One colour everywhere: without the transparency it would be empty, or all of the picture."""
    transparent(mode, value, square()).save(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"74 pixels are transparent, .* save grey values or ids"):
        read_label_picture(tmp_path / "a.png")


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("alpha", [square(), np.full((8, 10), 255, np.uint8)])
def test_transparent_background_is_background(tmp_path: Path, mode: str, alpha: np.ndarray) -> None:
    transparent(mode, square(7), alpha).save(tmp_path / "a.png")
    values, warnings = read_label_picture(tmp_path / "a.png")
    assert np.array_equal(values, square(7)) and not warnings
