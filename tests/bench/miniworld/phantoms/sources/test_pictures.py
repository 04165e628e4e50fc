"""ISIC and SZ-CXR, read by their readers; ids of ISIC are shared by neighbouring years."""

import hashlib

import numpy as np
import pytest

from bench.data import catalogue
from bench.miniworld.phantoms.sources import pictures

COUNT = 16


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    pictures.write_isic(folder / "isic", 5, COUNT)
    pictures.write_sz_cxr(folder / "sz-cxr", 5, COUNT)
    return folder


@pytest.mark.parametrize("name", ["isic2016", "isic2017", "isic2018", "sz-cxr"])
def test_the_reader_of_the_release_finds_all_pictures(root, name):
    items, defects = catalogue.index(name, root, None)
    assert len(items) == len({item.patient for item in items}) == COUNT and defects == []
    for item in items:
        case = catalogue.read(item)
        assert not case.warnings and case.masks.keys() == {"lungs" if name == "sz-cxr" else "skin lesion"}
        assert case.image.ndim == (2 if name == "sz-cxr" else 3)


def test_an_id_of_two_years_is_one_picture(root):
    years = {
        year: {item.case: item.files["image"] for item in catalogue.index(f"isic{year}", root, None)[0]}
        for year in pictures.ISIC_YEARS
    }
    for year in (2016, 2017):
        shared = years[year].keys() & years[year + 1].keys()
        assert len(shared) == COUNT // pictures.SHARED_PART
        assert all(years[year][case].read_bytes() == years[year + 1][case].read_bytes() for case in shared)
    contents = {hashlib.sha256(path.read_bytes()).digest() for files in years.values() for path in files.values()}
    assert len(contents) == 3 * COUNT - 2 * (COUNT // pictures.SHARED_PART)


def test_lungs_are_dark_and_lesions_are_not_skin(root):
    for name, target in (("sz-cxr", "lungs"), ("isic2016", "skin lesion")):
        cases = [catalogue.read(item) for item in catalogue.index(name, root, None)[0][:6]]
        gaps = [float(case.image[~case.masks[target]].mean() - case.image[case.masks[target]].mean()) for case in cases]
        assert np.mean(gaps) > 10


def test_a_seed_decides_every_byte(root, tmp_path):
    pictures.write_sz_cxr(tmp_path / "same", 5, 2)
    pictures.write_sz_cxr(tmp_path / "other", 6, 2)
    place = "CXR_png/CHNCXR_0001_0.png"
    first, same, other = (folder / place for folder in (root / "sz-cxr", tmp_path / "same", tmp_path / "other"))
    assert first.read_bytes() == same.read_bytes() != other.read_bytes()
