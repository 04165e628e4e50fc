"""Image and masks put together as a case."""

from pathlib import Path

import numpy as np
import pytest

from bench.data.case import DataError, Item
from bench.data.reading.assemble import picture_case, trusts_arrays, volume_case
from bench.data.reading.volumes import Volume

IMAGE = np.arange(12, dtype=np.uint8).reshape(3, 4)


def item(modality="any", **details):
    return Item("d", "p", "c", modality, {"image": Path("x.png")}, details)


def mask(*pixels):
    drawn = np.zeros((3, 4), bool)
    for pixel in pixels:
        drawn[pixel] = True
    return drawn


def test_a_picture_keeps_the_classes_that_are_there():
    case = picture_case(item(), IMAGE, {"mole #2": mask((1, 1)), "hair": mask()}, ("odd",))
    assert list(case.masks) == ["mole ##2"] and case.spacing_mm == (1.0, 1.0)
    assert not case.is_volume and case.warnings == ("odd",)


def test_what_cannot_be_a_case_fails_by_name():
    for masks, text in (
        ({"mole": np.ones((2, 2), bool)}, r"mask of mole has \(2, 2\) pixels"),
        ({"Mole": mask((0, 0)), "mole": mask((0, 1))}, "differ in no more than capitals"),
        ({"Average": mask((0, 0))}, "named 'Average'"),
    ):
        with pytest.raises(DataError, match=text):
            picture_case(item(), IMAGE, masks, ())


def test_a_case_without_foreground_is_skipped():
    with pytest.raises(DataError, match="nothing to evaluate") as caught:
        picture_case(item(), IMAGE, {"mole": mask()}, ())
    assert caught.value.kind == "skipped"


def test_a_deep_picture_that_calls_itself_ct_has_no_hounsfield_units():
    masks = {"mole": mask((1, 1))}
    assert picture_case(item("CT"), IMAGE.astype(np.uint16), masks, ()).modality == "any"
    assert picture_case(item("CT"), IMAGE, masks, ()).modality == "CT"


def test_a_constant_image_is_said():
    case = picture_case(item(), np.full((3, 4), 7, np.uint8), {"mole": mask((1, 1))}, ())
    assert case.warnings == ("all voxels of the image are 7",)


def test_a_volume_keeps_spacing_affine_and_all_warnings():
    voxels = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    drawn = np.zeros(voxels.shape, bool)
    drawn[0, 0, 0] = True
    turn = np.array([[0, 1], [1, 1], [2, 1]])
    image = Volume(Path("x.nii"), voxels, (2.0, 2.0, 5.0), np.diag([2.0, 2, 5, 1]), turn, ("of the image",))
    case = volume_case(item("MR", warnings=("of the index",)), image, {"organ": drawn}, ("of the mask",))
    assert case.is_volume and case.spacing_mm == (2.0, 2.0, 5.0)
    assert case.warnings == ("of the index", "of the image", "of the mask")


def test_trust_is_what_the_user_said():
    assert trusts_arrays(item(trust_arrays=True)) and not trusts_arrays(item())
