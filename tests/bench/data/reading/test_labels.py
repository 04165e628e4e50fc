import numpy as np
import pytest

from bench.data.case import DataError
from bench.data.reading.labels import binary, by_grey, by_id, by_name, table_of, unnamed

TABLE = {"liver": (1,), "spleen": (2,), "both": (1, 2), "absent": (9,)}
EDGE = np.linspace(10, 240, 24).astype(np.uint8)  # soft edges between black and white


@pytest.mark.parametrize(
    ("values", "foreground", "warned"),
    [
        ([0, 1, 1], [0, 1, 1], ""),
        ([0, 255, 0], [0, 1, 0], ""),
        ([0, 254, 255], [0, 1, 1], "1 values lie between 0 and 255, taken as grey levels; cut at 127.5"),
        ([0, 65535, 0], [0, 1, 0], ""),
        ([0.0, 0.4, 0.6], [0, 0, 1], "cut at 0.5"),
        ([0, 0, 0], [0, 0, 0], ""),
        ([False, True, False], [0, 1, 0], ""),
    ],
)
def test_a_mask_of_one_class_is_0_and_1_or_black_and_white(values: list, foreground: list[int], warned: str) -> None:
    mask, warnings = binary(np.array(values), "m.png")
    assert mask.dtype == bool
    np.testing.assert_array_equal(mask, np.array(foreground, bool))
    assert warned in "".join(warnings)
    assert bool(warnings) == bool(warned)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ([0, 1, 2, 3], r"2 \(1\), 3 \(1\)"),  # numbered lesions, or a map of three classes
        ([0, 1, 255], r"255 \(1\)"),  # a void value
        ([0, 1, 2, 255], r"2 \(1\), 255 \(1\)"),
        ([0, 100, 255], r"100 \(1\), 255 \(1\)"),
        ([0, 200], r"200 \(1\)"),
        ([0, -1, -1], r"-1 \(2\)"),
        ([0.0, 1 / 255], "from 0 to 0.00392157"),
        ([0.0, 0.0004], "such as 0.0004"),
        ([0.0, 0.2, 0.3], "from 0 to 0.3"),
        ([0, 1.5, 3], "such as 1.5"),
        ([0, 300, 4095], r"300 \(1\), 4095 \(1\)"),
    ],
)
def test_other_masks_of_one_class_fail_with_their_values(values: list[float], named: str) -> None:
    with pytest.raises(DataError, match=rf"m\.png: values.*{named}.*save the mask with 0 and 1") as caught:
        binary(np.array(values), "m.png")
    assert caught.value.kind == "failed"


def test_soft_edges_are_cut_and_numbered_cells_are_not() -> None:
    soft = np.concatenate([np.zeros(50), EDGE, np.full(60, 255)]).astype(np.uint8)
    mask, warnings = binary(soft, "x.png")
    assert mask.sum() == 60 + (EDGE > 127.5).sum()
    assert "24 values lie between 0 and 255" in warnings[0]
    for cells in (np.arange(301, dtype=np.uint16), np.arange(256, dtype=np.uint8), np.arange(121, dtype=np.uint16)):
        with pytest.raises(DataError, match=r"2 \(1\), 3 \(1\)"):
            binary(cells, "x.png")


def test_a_label_map_gives_the_classes_that_occur() -> None:
    masks, warnings = by_id(np.array([0, 1, 1, 2]), TABLE, "GT.nii.gz")
    assert {name: mask.tolist() for name, mask in masks.items()} == {
        "liver": [False, True, True, False],
        "spleen": [False, False, False, True],
        "both": [False, True, True, True],
    }
    assert warnings == ()


def test_an_id_without_a_name_fails_with_its_count_and_the_remedy() -> None:
    with pytest.raises(DataError, match=r"counts\): -3 \(1\), 7 \(2\); name them in the table.*\"ignore\""):
        by_id(np.array([0, 1, 7, 7, -3]), TABLE, "GT.nii.gz")


def test_ids_that_are_named_as_not_scored_are_said_and_left_out() -> None:
    masks, warnings = by_id(np.array([0, 1, 2, 255, 255]), table_of({"a": 1, "b": 2, "void": 255}), "x")
    assert masks.keys() == {"a", "b"}
    assert warnings == ("x: 2 values are named as not scored; they count as background",)
    masks, _ = by_id(np.array([0, 1, 255]), table_of({"background": 0, "a": 1, "ignore": 255}), "x")
    assert masks["a"].tolist() == [False, True, False]


@pytest.mark.parametrize("scale", [0.999, 1.0005])
def test_stored_floats_next_to_ids_are_ids(scale: float) -> None:
    values = (np.array([0, 1, 2, 9]) * scale).astype(np.float32)
    masks, warnings = by_id(values, TABLE, "x")
    assert {name: int(mask.sum()) for name, mask in masks.items()} == {"liver": 1, "spleen": 1, "both": 2, "absent": 1}
    assert warnings == ()


def test_values_between_ids_fail() -> None:
    with pytest.raises(DataError, match=r"x: values are not whole numbers, such as 0\.3"):
        by_id(np.array([0, 0.3, 0.7, 1]), TABLE, "x")


def test_one_named_class_of_a_map_of_several_fails() -> None:
    with pytest.raises(DataError, match=r"2 \(1\), 3 \(1\); save the mask with 0 and 1, or name every id"):
        by_id(np.array([0, 1, 2, 3]), {"liver": (1,)}, "x")


@pytest.mark.parametrize("ids", [(1,), (255,)])
def test_white_for_the_one_named_class_is_said_in_the_record(ids: tuple[int, ...]) -> None:
    masks, warnings = by_id(np.array([0, 254, 0], np.uint8), {"vessel": ids}, "x")
    assert masks["vessel"].tolist() == [False, True, False]
    assert warnings == ("x: 0 and 254 are the values; cut at 127",)
    with pytest.raises(DataError, match=r"255 \(1\)"):
        by_id(np.array([0, 255], np.uint8), {"vessel": (5,)}, "x")


def test_every_id_is_the_one_class_that_says_so() -> None:
    masks, _ = by_id(np.arange(121), table_of({"cell": "all"}), "x")
    assert masks["cell"].sum() == 120
    with pytest.raises(DataError, match=r"-1 \(1\)"):
        by_id(np.array([0, -1, 3]), table_of({"cell": "all"}), "x")


def test_ids_in_tables_may_be_text_and_lists() -> None:
    content = {"background": "0", "a": "10", "b": [1, "2"], "c": 3.0}
    assert table_of(content) == {"background": (0,), "a": (10,), "b": (1, 2), "c": (3,)}


@pytest.mark.parametrize("ids", ["one", 1.5, True, None, {"id": 1}, float("inf"), 10**400, [0, 1], 0])
def test_tables_with_other_ids_fail(ids: object) -> None:
    with pytest.raises(ValueError, match=r"class 'a'|invalid literal"):
        table_of({"a": ids})


def test_ids_of_one_name_are_one_class() -> None:
    assert by_name([(1, "kidney"), (2, "liver"), (3, "kidney")]) == {"kidney": (1, 3), "liver": (2,)}


def test_grey_levels_take_the_nearest_within_eight() -> None:
    values = np.repeat(np.array([0, 85, 170, 255, 80, 171], np.uint8), 40)
    values[0] = 128
    masks, warnings = by_grey(values, {"a": (85,), "b": (170,), "c": (255,)}, "x.png")
    assert {name: int(mask.sum()) for name, mask in masks.items()} == {"a": 80, "b": 80, "c": 40}
    assert warnings == ("x.png: 1 pixels are more than 8 grey levels from [0, 85, 170, 255]; left out",)


def test_a_grey_level_without_a_name_fails() -> None:
    with pytest.raises(DataError, match=r"40 pixels.*such as 255; name all levels"):
        by_grey(np.repeat(np.array([0, 85, 255], np.uint8), 40), {"a": (85,), "b": (170,)}, "x.png")
    values = np.repeat(np.array([0, 85, 255], np.uint8), [40, 400, 20])
    with pytest.raises(DataError, match=r"20 pixels of 255, which is none of \[0, 85, 170\]"):
        by_grey(values, {"a": (85,), "b": (170,)}, "x.png")


@pytest.mark.parametrize(("values", "counts"), [([0, 2, 3, 3], {"label 2": 1, "label 3": 2}), ([0, 1, 5, 63], None)])
def test_without_names_small_values_are_ids(values: list[int], counts: dict[str, int] | None) -> None:
    masks, warnings = unnamed(np.array(values), "x.png")
    found = {name: int(mask.sum()) for name, mask in masks.items()}
    assert found == (counts or {"label 1": 1, "label 5": 1, "label 63": 1})
    assert warnings == ()


@pytest.mark.parametrize(
    "values", [np.array([0, 255, 254], np.uint8), np.array([False, True, True]), np.array([0, 0.6, 0.9])]
)
def test_without_names_large_soft_and_bit_values_are_foreground(values: np.ndarray) -> None:
    masks, _ = unnamed(values, "x.png")
    assert {name: mask.tolist() for name, mask in masks.items()} == {"foreground": [False, True, True]}


@pytest.mark.parametrize("values", [[0, 85, 170, 255], range(121), [0, -1], [0, 1, 255], [0, 200]])
def test_without_names_other_values_fail(values: list[int]) -> None:
    with pytest.raises(DataError, match=r'name the ids in labels\.json.*{"cell": "all"} for numbered objects'):
        unnamed(np.array(values), "x.png")
