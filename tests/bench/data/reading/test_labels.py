import numpy as np
import pytest

from bench.data.case import DataError
from bench.data.reading.labels import binary, by_grey, by_value, guessed

TABLE = {"liver": (1,), "spleen": (2,), "both": (1, 2), "absent": (9,)}


@pytest.mark.parametrize(
    ("values", "foreground", "warned"),
    [
        ([0, 1, 1], [0, 1, 1], ""),
        ([0, 255, 0], [0, 1, 0], ""),
        ([0, 254, 255], [0, 1, 1], "1 values lie between 0 and 255; cut at 127.5"),
        ([0, 100, 255], [0, 0, 1], "cut at 127.5"),
        ([0, 65535, 0], [0, 1, 0], ""),
        ([0.0, 0.4, 0.6], [0, 0, 1], "cut at 0.5"),
        ([0.0, 0.2, 0.3], [0, 0, 0], "cut at 0.5"),
        ([0, 0, 0], [0, 0, 0], ""),
        ([False, True, False], [0, 1, 0], ""),
    ],
)
def test_binary_cuts_at_half(values: list[float], foreground: list[int], warned: str) -> None:
    mask, warnings = binary(np.array(values), "m.png")
    assert mask.dtype == bool
    np.testing.assert_array_equal(mask, np.array(foreground, bool))
    assert warned in "".join(warnings)
    assert bool(warnings) == bool(warned)


def test_a_label_map_gives_the_classes_that_occur() -> None:
    masks, warnings = by_value(np.array([0, 1, 1, 2]), TABLE, "GT.nii.gz")
    assert {name: mask.tolist() for name, mask in masks.items()} == {
        "liver": [False, True, True, False],
        "spleen": [False, False, False, True],
        "both": [False, True, True, True],
    }
    assert warnings == ()


def test_a_value_without_a_class_is_warned_of() -> None:
    masks, warnings = by_value(np.array([0, 1, 7, -3]), TABLE, "GT.nii.gz")
    assert masks["liver"].sum() == 1
    assert warnings == ("GT.nii.gz: values [-3, 7] have no class; left out",)


def test_values_next_to_whole_numbers_are_rounded() -> None:
    masks, warnings = by_value(np.array([0, 1.0005, 1.9995]), TABLE, "x")
    assert masks["spleen"].tolist() == [False, False, True]
    assert warnings == ()


def test_soft_values_of_one_class_are_cut_and_of_several_refused() -> None:
    soft = np.array([0, 0.3, 0.7, 1])
    masks, warnings = by_value(soft, {"tumour": (1,)}, "x")
    assert masks["tumour"].tolist() == [False, False, True, True]
    assert "cut at 0.5" in warnings[0]
    with pytest.raises(DataError, match=r"x: values are not whole numbers, such as 0\.3"):
        by_value(soft, TABLE, "x")


def test_grey_levels_take_the_nearest_within_eight() -> None:
    values = np.array([[0, 85, 170], [255, 80, 128]], np.uint8)
    masks, warnings = by_grey(values, {"a": (85,), "b": (170,), "c": (255,)}, "x.png")
    assert masks["a"].tolist() == [[False, True, False], [False, True, False]]
    assert masks["c"].sum() == 1
    assert warnings == ("x.png: 1 pixels are more than 8 grey levels from [0, 85, 170, 255]; left out",)


def test_ids_through_the_grey_rule_stay_exact() -> None:
    masks, _ = by_grey(np.array([[0, 1, 2, 3]]), {"a": (1,), "b": (2,), "c": (3,)}, "x.png")
    assert [mask.argmax() for mask in masks.values()] == [1, 2, 3]


def test_without_names_small_values_are_ids() -> None:
    masks, _ = guessed(np.array([0, 2, 3, 3]), "x.png")
    assert {name: int(mask.sum()) for name, mask in masks.items()} == {"label 2": 1, "label 3": 2}


@pytest.mark.parametrize(
    "values", [np.array([0, 255, 254], np.uint8), np.array([False, True, True]), np.array([0, 0.6, 0.9])]
)
def test_without_names_large_soft_and_bit_values_are_foreground(values: np.ndarray) -> None:
    masks, _ = guessed(values, "x.png")
    assert {name: mask.tolist() for name, mask in masks.items()} == {"foreground": [False, True, True]}


def test_soft_8_bit_edges_are_foreground_but_few_grey_levels_are_refused() -> None:
    edges = np.arange(256, dtype=np.uint8)
    assert guessed(edges, "x.png")[0]["foreground"].sum() == 128
    levels = np.repeat(np.array([0, 85, 170, 255], np.uint8), 20)
    with pytest.raises(DataError, match=r"x\.png: grey levels \[85, 170\] beside 255; name them in labels\.json"):
        guessed(levels, "x.png")
