"""CHAOS in DICOM: both sequences of the same people, read by their readers."""

import sys

import numpy as np
import pytest

from bench.data import catalogue
from bench.miniworld.phantoms.sources import chaos

SETS = ("chaos-t1", "chaos-t1-outphase", "chaos-t2")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chaos")
    chaos.write_chaos(folder, 5, 2, 3)
    return folder


@pytest.fixture(scope="module")
def cases(root):
    found = {}
    for name in SETS:
        items, defects = catalogue.index(name, root, None)
        assert defects == []
        found[name] = [catalogue.read(item) for item in items]
    return found


@pytest.mark.parametrize("name", SETS)
def test_the_reader_of_the_release_finds_all_people(cases, name):
    assert [case.patient for case in cases[name]] == ["chaos_mr_1", "chaos_mr_2"]
    for case in cases[name]:
        assert case.image.shape == (chaos.SCANNER.width, chaos.SCANNER.height, 3) and not case.warnings
        assert case.spacing_mm == pytest.approx(chaos.SCANNER.spacing_mm)
        assert set(case.masks) <= set(chaos.GREYS) and len(case.masks) >= 2


def test_the_organs_are_the_same_in_both_sequences_and_the_pictures_are_not(cases):
    for one, other in zip(cases["chaos-t1"], cases["chaos-t2"], strict=True):
        assert one.masks.keys() == other.masks.keys()
        assert all(np.array_equal(one.masks[name], other.masks[name]) for name in one.masks)
        assert abs(np.corrcoef(one.image.ravel(), other.image.ravel())[0, 1]) < 0.95


def test_the_same_bytes_each_time(root, tmp_path):
    chaos.write_chaos(tmp_path, 5, 1, 3)
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) == 5 * 3
    for path in written:
        assert path.read_bytes() == (root / path.relative_to(tmp_path)).read_bytes()


def test_more_people_than_there_are_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="CHAOS has 20 people in its training part, not 21"):
        chaos.write_chaos(tmp_path, 5, 21, 2)


def test_it_takes_pydicom(monkeypatch):
    assert chaos.can_be_written()
    monkeypatch.setitem(sys.modules, "pydicom", None)
    assert not chaos.can_be_written()
