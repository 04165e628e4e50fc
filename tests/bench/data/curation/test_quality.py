import numpy as np
import pytest
from scipy import ndimage

from bench.data.curation.quality import LONGEST_SIDE, ImageQuality, MaskQuality, clarity, image_quality, mask_quality
from tests.helpers.curation import picture


def test_a_constant_image_has_nothing() -> None:
    assert image_quality(np.full((8, 9), 200, np.uint8)) == ImageQuality(0.0, 0.0, 0.0)
    assert image_quality(np.zeros((8, 9, 3), np.uint8)) == ImageQuality(0.0, 0.0, 0.0)


def test_clarity_by_hand() -> None:
    grey = np.zeros((5, 5), np.float32)
    grey[2, 2] = 1
    laplacian = np.zeros((5, 5))
    laplacian[2, 1:4] = laplacian[1:4, 2] = 1
    laplacian[2, 2] = -4
    assert clarity(grey) == pytest.approx(laplacian.var())


def test_halves_have_one_bit_and_half_the_range() -> None:
    image = np.repeat(np.array([[0, 255]], np.uint8), 6, axis=0).repeat(4, axis=1)
    image[0, 0] = 255  # else the box around what is above zero would be white alone
    image = np.pad(image, ((0, 0), (0, 0)))
    quality = image_quality(image)
    assert quality.contrast == pytest.approx(0.5, abs=0.01)
    assert quality.entropy == pytest.approx(1.0, abs=0.01)


def test_black_padding_changes_nothing() -> None:
    image = np.maximum(picture(1)[0], 1)
    assert image_quality(np.pad(image, 20)) == image_quality(image)


def test_a_blurred_image_is_less_clear_and_a_flat_one_has_less_contrast() -> None:
    image, _ = picture(2)
    sound, blurred = image_quality(image), image_quality(ndimage.gaussian_filter(image, 3))
    flat = image_quality((100 + image // 16).astype(np.uint8))
    assert blurred.clarity < 0.05 * sound.clarity
    assert flat.contrast < 0.1 * sound.contrast
    assert flat.entropy < sound.entropy - 3


def test_colours_are_judged_by_their_luma() -> None:
    image, _ = picture(3)
    grey, coloured = image_quality(image), image_quality(np.repeat(image[..., None], 3, axis=2))
    assert coloured.clarity == pytest.approx(grey.clarity, rel=1e-4)
    assert coloured.entropy == pytest.approx(grey.entropy, rel=1e-3)


def test_large_images_are_judged_at_the_common_size() -> None:
    image, _ = picture(4)
    factor = 3 * LONGEST_SIDE // len(image)
    larger = image.repeat(factor, axis=0).repeat(factor, axis=1)
    reduced = larger.astype(float).reshape(LONGEST_SIDE, 3, LONGEST_SIDE, 3).mean(axis=(1, 3))
    assert image_quality(larger).clarity == pytest.approx(clarity((reduced / 255).astype(np.float32)), rel=1e-3)


def test_masks_by_hand() -> None:
    mask = np.zeros((4, 5), bool)
    mask[0, 0] = mask[1, 1] = mask[2, 1] = True  # touch at a corner
    mask[3, 4] = True
    assert mask_quality(mask) == MaskQuality(0.2, 2, 0.75, 1)
    assert mask_quality(np.zeros((4, 5), bool)) == MaskQuality(0.0, 0, 0.0, 0)
