import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from segment_anything.utils.transforms import ResizeLongestSide
from skimage.transform import resize
from torchvision.transforms import v2

from adapters import geometry
from adapters.geometry import Frame

sides = st.integers(1, 3000)


@given(sides, sides)
def test_fit_is_the_official_size(height: int, width: int) -> None:
    official = ResizeLongestSide.get_preprocess_shape(height, width, 1024)
    frame = geometry.fit((height, width), 1024)
    assert frame.content == tuple(max(1, length) for length in official)
    assert max(frame.content) == 1024


def test_fit_keeps_a_pixel_of_a_hairline() -> None:
    assert geometry.fit((1, 3000), 1024).content == (1, 1024)


@given(sides, sides, st.floats(0, 1), st.floats(0, 1))
def test_scale_maps_corners_to_corners(height: int, width: int, across: float, down: float) -> None:
    for frame in (geometry.fit((height, width), 256), geometry.squash((height, width), 256)):
        xy = np.array([[0, 0], [width, height], [across * width, down * height]], np.float32)
        content_height, content_width = frame.content
        expected = [[0, 0], [content_width, content_height], [across * content_width, down * content_height]]
        np.testing.assert_allclose(frame.scale(xy), expected, rtol=1e-5, atol=1e-4)


def test_scale_does_not_round_and_keeps_the_order_x_y() -> None:
    frame = geometry.squash((100, 200), 256)
    np.testing.assert_allclose(frame.scale(np.array([[10.3, 10.3]], np.float32)), [[13.184, 26.368]], rtol=1e-6)


@pytest.mark.parametrize("size", [(31, 47), (300, 90), (700, 1100)])
def test_resize_bilinear_is_the_official_one(size: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    official = ResizeLongestSide(256).apply_image(image)
    np.testing.assert_array_equal(geometry.resize_bilinear(image, official.shape[:2]), official)


@pytest.mark.parametrize("size", [(31, 47), (700, 1100)])
def test_resize_unit_is_the_official_one(size: tuple[int, int]) -> None:
    image = torch.rand(3, *size, generator=torch.Generator().manual_seed(0))
    official = v2.functional.resize(image, [256, 256], antialias=True)
    torch.testing.assert_close(geometry.resize_unit(image, (256, 256)), official, rtol=0, atol=0)


@pytest.mark.parametrize("size", [(31, 47), (700, 1100)])
def test_resize_bilinear_torch_is_the_official_one(size: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    pixels = torch.from_numpy(image).permute(2, 0, 1)
    resized = geometry.resize_bilinear_torch(pixels, (256, 256))
    assert torch.equal(resized, v2.functional.resize(pixels, [256, 256], antialias=True))


def test_resize_cubic_cuts_to_uint8() -> None:
    image = np.full((4, 6, 3), 200, np.uint8)
    image[:, 3:] = 10
    resized = geometry.resize_cubic(image, (16, 16))
    assert resized.dtype == np.uint8
    assert resized.shape == (16, 16, 3)
    assert resized.min() >= 10
    assert resized.max() <= 200


@pytest.mark.parametrize("colours", [1, 3])
@pytest.mark.parametrize("size", [(40, 31), (300, 200)])
def test_resize_cubic_of_noise_is_that_of_all_channels_at_once(size: tuple[int, int], colours: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*size, colours), dtype=np.uint8)
    image[:10] = 100  # where a plain surface is cut, a rounding error would show
    image = np.repeat(image, 3 // colours, 2)
    official = resize(image, (128, 128), order=3, preserve_range=True, anti_aliasing=True).astype(np.uint8)
    np.testing.assert_array_equal(geometry.resize_cubic(image, (128, 128)), official)


def test_resize_cubic_of_plain_colours_is_that_of_all_channels_at_once() -> None:
    image = np.full((60, 80, 3), (220, 160, 140), np.uint8)
    image[20:40, 25:55] = 90, 50, 40  # a lesion on skin: hard edges, and each channel with a range of its own
    official = resize(image, (256, 256), order=3, preserve_range=True, anti_aliasing=True).astype(np.uint8)
    np.testing.assert_array_equal(geometry.resize_cubic(image, (256, 256)), official)


def test_pad_adds_zeros_right_and_below() -> None:
    padded = geometry.pad(torch.ones(3, 2, 4), 4)
    assert padded[:, :2].eq(1).all()
    assert padded[:, 2:].eq(0).all()


@pytest.mark.parametrize("size", [(40, 80), (80, 40), (64, 64), (7, 5)])
@pytest.mark.parametrize("frame", [geometry.fit, geometry.squash])
def test_masks_come_back_where_they_were(frame: object, size: tuple[int, int]) -> None:
    """A box scaled into the input, drawn there at low resolution and brought back, covers itself."""
    height, width = size
    where: Frame = frame(size, 256)
    box = np.array([[0.5 * width, 0.125 * height], [width, 0.5 * height]], np.float32)
    (x0, y0), (x1, y1) = where.scale(box) / 4
    drawn = torch.full((1, 64, 64), -1.0)
    drawn[:, round(y0) : round(y1), round(x0) : round(x1)] = 1
    back = (geometry.to_original_by_input(drawn, where) > 0)[0].numpy()
    target = np.zeros(size, bool)
    target[round(0.125 * height) : round(0.5 * height), round(0.5 * width) :] = True
    assert back.shape == size
    assert (back != target).sum() <= max(height, width)


def test_to_original_goes_in_one_step() -> None:
    values = torch.rand(2, 8, 8, generator=torch.Generator().manual_seed(0))
    frame = geometry.squash((24, 12), 32)
    expected = torch.nn.functional.interpolate(values[None], (24, 12), mode="bilinear")[0]
    torch.testing.assert_close(geometry.to_original(values, frame), expected)


def test_padding_is_cut_off() -> None:
    values = torch.full((1, 8, 8), -1.0)
    values[:, 4:] = 1
    assert (geometry.to_original_by_input(values, geometry.fit((10, 20), 32)) < 0)[:, :9].all()


@pytest.mark.parametrize(("old", "new"), [(512, 320), (300, 256), (90, 1024), (1, 16)])
def test_images_are_resized_by_pillows_nearest(old: int, new: int) -> None:
    ramp = np.arange(old * 3, dtype=np.uint32)
    columns = geometry.resize_nearest_pillow((ramp[None, :old] % 256).astype(np.uint8), (1, new))[0]
    expected, position = [], 0.5 * old / new
    for _ in range(new):
        expected.append(int(position) % 256)
        position += old / new
    assert columns.tolist() == expected


def test_padded_prompts_and_masks_travel_by_the_corner() -> None:
    frame = geometry.centre((155, 225), 256)
    assert frame.scale(np.array([[0, 0], [225, 155]], np.float32)).tolist() == [[15, 50], [240, 205]]
    low = torch.arange(256.0).repeat(1, 256, 1)
    assert torch.equal(geometry.to_original_by_input(low, frame)[0, 0], torch.arange(15.0, 240.0))
    assert torch.equal(geometry.place(torch.ones(1, 155, 225), frame)[0, 50:205, 15:240], torch.ones(155, 225))


def test_nearest_neighbour_takes_the_corner_pixel_as_opencv() -> None:
    row = np.arange(5, dtype=np.uint8)[None]
    assert geometry.resize_nearest_cv2(row, (1, 3)).tolist() == [[0, 1, 3]]
    assert geometry.resize_nearest_cv2(row.T, (8, 1))[:, 0].tolist() == [0, 0, 1, 1, 2, 3, 3, 4]
