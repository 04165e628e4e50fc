from dataclasses import replace

import pytest

from bench.data import catalogue
from bench.data.case import DataError, FoundRelease
from bench.data.fingerprint import fingerprints, labels_sha256
from bench.data.reading.opening import only_below
from tests.helpers.layouts import corner, totalsegmentator, write_nifti

NAME = "totalsegmentator-mri"


def found(folder, releases=None):
    items, _ = catalogue.index(NAME, folder, None)
    labels = {(item.dataset, item.case): labels_sha256(item) for item in items}
    return fingerprints(items, releases or {}, labels)[NAME]


@pytest.fixture
def subjects(tmp_path):
    for subject in ("s1", "s2"):
        totalsegmentator(tmp_path, subject, "mri", {"liver": corner(), "spleen": corner()})
    return tmp_path


def test_a_changed_label_changes_its_checksum_and_an_image_does_not(subjects):
    before = found(subjects)
    assert found(subjects) == before
    path = subjects / "s2/segmentations/liver.nii.gz"
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1  # same name, same size
    path.write_bytes(bytes(raw))
    after = found(subjects)
    assert after.labels_sha256 != before.labels_sha256
    assert (after.cases_sha256, after.files_sha256) == (before.cases_sha256, before.files_sha256)
    write_nifti(subjects / "s1/mri.nii.gz", corner())
    assert found(subjects).labels_sha256 == after.labels_sha256 and found(subjects).files_sha256 != after.files_sha256


def test_labels_that_change_places_and_cases_that_are_missing_change_the_checksums(subjects):
    before = found(subjects)
    liver, spleen = (subjects / f"s1/segmentations/{name}.nii.gz" for name in ("liver", "spleen"))
    write_nifti(liver, corner(value=1)[::-1])
    moved = found(subjects)
    kept = liver.read_bytes()
    liver.write_bytes(spleen.read_bytes())
    spleen.write_bytes(kept)
    assert len({before.labels_sha256, moved.labels_sha256, found(subjects).labels_sha256}) == 3
    (subjects / "s1/mri.nii.gz").unlink()
    assert found(subjects).cases_sha256 != before.cases_sha256


def test_the_place_of_the_data_does_not_count(tmp_path):
    for place in ("here", "there/deep"):
        totalsegmentator(tmp_path / place, "s1", "mri", {"liver": corner()})
    assert found(tmp_path / "here") == found(tmp_path / "there")


def test_what_a_case_may_not_read_is_not_hashed(subjects):
    items, _ = catalogue.index(NAME, subjects, None)
    with only_below(subjects / "elsewhere"), pytest.raises(DataError, match="leads out of the data folder"):
        labels_sha256(items[0])


def test_a_known_release_is_the_same_whatever_it_was_told_from_and_an_unknown_one_only_with_the_same_labels(subjects):
    two = found(subjects, {NAME: FoundRelease("v2", "616 subjects")})
    other = replace(two, labels_sha256="other")
    assert two.text == "v2" and two.same_release(replace(other, seen="its folder"))
    unknown = replace(other, release="unknown release", seen="3 subjects")
    assert unknown.text == "unknown release (3 subjects)"
    assert not two.same_release(unknown) and not two.same_release(replace(other, release="v3"))
    assert two.same_release(replace(unknown, labels_sha256=two.labels_sha256))
