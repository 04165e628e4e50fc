"""What a run is about: `all`, the defaults, and baselines beside everything."""

import shutil

import pytest

from bench.errors import RunError
from bench.miniworld import folders
from bench.running.choose import BASELINES, choose

pytestmark = pytest.mark.usefixtures("registered")


def test_baselines_stand_beside_every_choice():
    assert choose(["fake/good", "sam/mini"], ["all"], None, None).models == (*BASELINES, "fake/good", "sam/mini")
    assert choose(["baseline/otsu"], ["all"], None, None).models == BASELINES


def test_without_a_data_folder_all_means_the_minis_on_phantoms():
    found = choose(["all"], ["all"], None, None)
    learned = [name for name in found.models if name not in BASELINES and not name.startswith("fake/")]
    assert learned and all(name.endswith("/mini") for name in learned)
    assert found.world == "phantom" and found.datasets == folders.ZERO_SHOT and found.data == folders.phantom_data()


def test_official_and_mini_weights_never_stand_in_one_table(tmp_path):
    with pytest.raises(RunError, match="never stand in one table"):
        choose(["sam/mini", "sam/vit_b"], ["squares"], tmp_path, None)


def test_what_lacks_weights_is_named(tmp_path):
    with pytest.raises(RunError, match="no official weights in"):
        choose(["all"], ["squares"], tmp_path, tmp_path)
    (tmp_path / "sam_vit_b_01ec64.pth").touch()
    found = choose(["all"], ["squares"], tmp_path, tmp_path)
    assert "sam/vit_b" in found.models and "sam/vit_l" in found.note and " sam/vit_b," not in found.note


def test_all_data_sets_are_those_found_each_once(tmp_path):
    shutil.copytree(folders.phantom_data(), tmp_path / "sets")
    found = choose(["baseline/box"], ["all"], tmp_path / "sets", None)
    assert found.datasets == ("isles2022", "segthor", "totalsegmentator-mri", "squares")
