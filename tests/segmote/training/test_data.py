"""What a training reads, and whom it holds out."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import sparse

from adapters import geometry
from adapters.families import imis
from bench.data.reading import labels, layout
from segmote.training import data
from segmote.training.data import (
    TrainingItem,
    check,
    find_items,
    patient_of,
    read_image,
    read_masks,
    read_regions,
    split_patients,
)
from tests.helpers.time_limit import timed
from tests.helpers.training_world import SERVED, SIDE, item, write_set


def test_items_are_the_training_list_by_name(world: Path) -> None:
    items = find_items(world)
    assert [found.code for found in items] == ["many"] * 8 + [SERVED] * 6
    assert items[0].classes == ("liver", "lesion")
    assert {found.patient for found in items if found.code == "many"} == {"P_000", "P_001", "P_002", "P_003"}
    assert len(find_items(world, limit=1)) == 2
    assert {found.code for found in find_items(world, codes=["many"])} == {"many"}


def test_missing_data_is_named(world: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="named lungs; there are many, few"):
        find_items(world, codes=["lungs"])
    with pytest.raises(ValueError, match="no data set of the IMIS layout"):
        find_items(tmp_path)
    (tmp_path / "dataset.json").write_text("{}")
    with pytest.raises(ValueError, match="not of the IMIS layout"):
        find_items(tmp_path)


def test_two_sets_of_one_name_are_refused(tmp_path: Path) -> None:
    write_set(tmp_path / "a" / "SET", 1)
    write_set(tmp_path / "b" / "set", 1)
    with pytest.raises(ValueError, match="two data sets of one name"):
        find_items(tmp_path)


@pytest.mark.parametrize("name", ["ABD_001_100", "ISIC_0000001", "case-12-slice_003", "x", "set2_case_01"])
def test_patients_are_those_of_the_benchmark(name: str) -> None:
    assert patient_of(name) == layout.patient_of(name)


def test_an_explicit_patient_goes_first(tmp_path: Path) -> None:
    write_set(tmp_path / "set", 1)
    path = tmp_path / "set" / "dataset.json"
    content = json.loads(path.read_text())
    content["training"][0]["patient"] = "somebody"
    path.write_text(json.dumps(content))
    assert find_items(tmp_path)[0].patient == "somebody"


def test_images_are_those_of_the_adapter(world: Path) -> None:
    path = find_items(world)[0].image
    pixels = geometry.resize_nearest_pillow(read_rgb(path), (SIDE, SIDE))
    expected = imis.standardised(torch.from_numpy(pixels).permute(2, 0, 1))
    torch.testing.assert_close(read_image(path, SIDE), expected)


def read_rgb(path: Path) -> np.ndarray:
    return np.array(data.Image.open(path).convert("RGB"))


def test_what_cannot_be_read_is_excluded_with_a_reason(tmp_path: Path) -> None:
    write_set(tmp_path / "set", 3)
    items = find_items(tmp_path)
    items[0].image.write_bytes(items[0].image.read_bytes()[:40])
    items[1].label.write_bytes(b"no archive")
    items[2].image.unlink()
    assert items[3].pseudo is not None
    items[3].pseudo.write_bytes(b"no array")
    usable, excluded = check(items, SIDE, pseudo=True)
    assert usable == items[4:]
    np.save(items[4].pseudo, np.full((40, 56, 1), -1))
    assert check(items[4:5], SIDE, pseudo=True)[0][0].pseudo is None
    assert [one.image for one in excluded] == [one.image for one in items[:4]]
    assert all("cannot be read" in one.reason for one in excluded)
    assert len(check(items, SIDE, pseudo=False)[1]) == 3


def test_masks_without_foreground_are_left_out(tmp_path: Path) -> None:
    write_set(tmp_path / "set", 1)
    first = find_items(tmp_path)[0]
    masks = read_masks(first, SIDE)
    assert set(masks) == {"liver", "lesion"} and masks["liver"].shape == (SIDE, SIDE)
    sparse.save_npz(first.label, sparse.csr_matrix(np.zeros((2, 40 * 56), np.int32)))
    usable, excluded = check([first], SIDE, pseudo=False)
    assert not usable and "no foreground at 64 x 64" in excluded[0].reason


def labelled(root: Path, named: dict[str, str], rows: int = 2) -> TrainingItem:
    """A picture whose label has three pixels in each row, with the classes given."""
    write_set(root / "set", 1)
    path = root / "set" / "dataset.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"labels": named}))
    channels = np.zeros((rows, 40, 56), np.int32)
    channels[:, 8:24, 8:24] = 1
    first = find_items(root)[0]
    first = replace(first, label=first.label.with_name(f"x.({rows}, 40, 56, 1).npz"))
    sparse.save_npz(first.label, sparse.csr_matrix(channels.reshape(rows, -1)))
    return first


def test_rows_of_a_label_are_named_by_id_where_ids_have_gaps(tmp_path: Path) -> None:
    first = labelled(tmp_path, {"0": "background", "1": "liver", "2": "void", "3": "heart"}, rows=3)
    assert first.classes == ("liver", "heart")
    assert set(read_masks(first, SIDE)) == {"liver", "heart"}
    with pytest.raises(ValueError, match="class id 2 has 256 pixels and no name"):
        read_masks(replace(first, names={1: "liver", 3: "heart"}), SIDE)


def test_what_is_not_scored_is_the_benchmarks_list() -> None:
    assert data.NOT_SCORED == labels.NOT_SCORED


def test_a_label_with_an_index_outside_is_excluded_before_scipy_reads_it(tmp_path: Path) -> None:
    write_set(tmp_path / "set", 1)
    first = find_items(tmp_path)[0]
    matrix = sparse.csr_matrix(np.eye(2, 40 * 56, dtype=np.int32))
    matrix.indices[:] = 2**30
    sparse.save_npz(first.label, matrix)
    usable, excluded = check([first], SIDE, pseudo=False)
    assert not usable and "index 1073741824 or 1073741824 lies outside of 0 to 2239" in excluded[0].reason


@pytest.mark.parametrize("role", ["image", "label", "imask"])
@pytest.mark.parametrize("listed", ["/etc/hostname", "../other/a.png", "image/../../a.png", "..\\a.png"])
def test_a_list_leads_to_no_file_outside(tmp_path: Path, role: str, listed: str) -> None:
    write_set(tmp_path / "set", 1)
    path = tmp_path / "set" / "dataset.json"
    content = json.loads(path.read_text())
    content["training"][0][role] = listed
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="leads out of the data set"):
        find_items(tmp_path)


def test_a_list_nested_too_deeply_is_named(tmp_path: Path) -> None:
    write_set(tmp_path / "set", 1)
    (tmp_path / "set" / "dataset.json").write_text("[" * 100_000)
    with pytest.raises(ValueError, match="not of the IMIS layout"):
        find_items(tmp_path)


def test_a_pipe_in_the_place_of_a_file_is_excluded(tmp_path: Path) -> None:
    write_set(tmp_path / "set", 3)
    items = find_items(tmp_path)[:3]
    for path in (items[0].image, items[1].label, items[2].pseudo):
        path.unlink()
        os.mkfifo(path)
    with timed():
        usable, excluded = check(items, SIDE, pseudo=True)
    assert not usable and all("not a regular file" in one.reason for one in excluded) and len(excluded) == 3


def test_regions_are_smoothed_and_small_ones_left_out(tmp_path: Path) -> None:
    numbers = np.full((100, 100, 1), -1)
    numbers[10:40, 20:60] = 0
    numbers[20, 30] = 7
    numbers[70:71, 70:90] = 2
    np.save(tmp_path / "r.npy", numbers)
    (region,) = read_regions(tmp_path / "r.npy", 100)
    # The hole is closed; the cross-shaped opening takes the four corners.
    assert region[20, 30] and region.sum() == 30 * 40 - 4


def test_no_patient_is_on_both_sides() -> None:
    items = [item("a", f"p{n}", view) for n in range(30) for view in range(3)]
    items += [item("b", f"p{n}") for n in range(20, 40)]
    learning, held_out = split_patients(items, seed=3)
    sides = [{one.patient for one in side} for side in (learning, held_out)]
    assert not sides[0] & sides[1]
    assert len(learning) + len(held_out) == len(items)
    assert all({one.code for one in side} == {"a", "b"} for side in (learning, held_out))
    assert 3 <= len(sides[1]) <= 5
    assert split_patients(items[::-1], seed=3)[1] == held_out[::-1]
    assert {one.patient for one in split_patients(items, seed=4)[1]} != sides[1]


def test_a_single_patient_is_not_held_out() -> None:
    learning, held_out = split_patients([item("a", "p", 0), item("a", "p", 1)], seed=0)
    assert len(learning) == 2 and not held_out
