"""Hearts in short axis: chambers where they belong, a wall that is whole, two frames of one beat."""

import numpy as np
import pytest
from scipy import ndimage

from bench.miniworld.phantoms.sources.heart import CHAMBERS, cine_frames


@pytest.fixture(scope="module")
def beats():
    return [cine_frames(np.random.default_rng(seed), 80, 3) for seed in range(4)]


def test_the_wall_encloses_the_left_chamber(beats):
    for volume in (one for frames in beats for one in frames):
        assert set(volume.masks) == set(CHAMBERS)
        left, wall = volume.masks["left_ventricle"], volume.masks["myocardium"]
        for number in range(3):
            filled = ndimage.binary_fill_holes(wall[..., number])
            assert left[..., number].sum() > 8 and filled[left[..., number]].mean() > 0.97


def test_the_right_chamber_lies_to_the_patients_right(beats):
    for volume in (one for frames in beats for one in frames):
        columns = {name: np.argwhere(mask)[:, 1].mean() for name, mask in volume.masks.items()}
        assert columns["right_ventricle"] < columns["myocardium"] - 10
        assert abs(columns["left_ventricle"] - columns["myocardium"]) < 4


def test_chambers_are_smaller_in_systole_and_towards_the_apex(beats):
    for diastole, systole in beats:
        for name in ("left_ventricle", "right_ventricle"):
            assert 0.25 < systole.masks[name].sum() / diastole.masks[name].sum() < 0.85
        areas = diastole.masks["left_ventricle"].sum((0, 1))
        assert areas[0] < areas[1] and areas[0] < areas[2]


def test_blood_is_bright_and_the_wall_dark(beats):
    for volume in (one for frames in beats for one in frames):
        blood, wall = (volume.image[volume.masks[name]].mean() for name in ("left_ventricle", "myocardium"))
        assert blood > 1.5 * wall


def test_outlines_are_ragged(beats):
    ratios = []
    for diastole, _ in beats:
        mask = diastole.masks["right_ventricle"][..., 1]
        rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
        ratios.append(mask.sum() / (np.ptp(rows) + 1) / (np.ptp(columns) + 1))
    assert np.mean(ratios) < 0.75, "an ellipse fills 0.785 of its box"
