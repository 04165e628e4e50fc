"""Questions of a study."""

import pytest

from bench.data.case import Defect
from bench.errors import RunError
from bench.studies.questions import PromptedSlice, all_asked, data_sets, with_targets
from tests.helpers import layouts


def test_each_folder_is_a_data_set_of_its_test_list(two_data_sets):
    sets = data_sets(["imis"], two_data_sets)
    assert [one.title for one in sets] == ["PHANTOM_DERMOSCOPY", "PHANTOM_XRAY"]
    assert {item.details["split"] for one in sets for item in one.items} == {"test"}
    assert [len(one.items) for one in data_sets(["imis"], two_data_sets, limit=1)] == [1, 1]


def test_what_the_index_leaves_out_is_said_and_links_are_followed_only_if_asked(tmp_path):
    layouts.folder(tmp_path / "data/own", layouts.square())
    layouts.write_png(tmp_path / "data/own/images/b.png", layouts.picture())
    layouts.folder(tmp_path / "other", layouts.square())
    (tmp_path / "data/linked").symlink_to(tmp_path / "other")
    (own,) = data_sets(["folder"], tmp_path / "data")
    defects = []
    assert len(list(all_asked([own], "box", "bench", 0, defects))) == 1
    assert sorted(defect.case for defect in defects) == ["b", "linked"]
    both = data_sets(["folder"], tmp_path / "data", follow_links=True)
    assert [one.title for one in both] == ["linked", "own"]
    assert len(list(all_asked(both, "box", "bench", 0, []))) == 2


def test_slices_without_a_target_are_passed_over_and_none_at_all_is_refused(slices):
    first, (one, found) = slices[0], slices[0]
    bare = one, PromptedSlice(found.sample, [])
    assert list(with_targets([bare, first], [])) == [first]
    defects = [Defect("d", "p", "c", "failed", "CRC check failed")]
    with pytest.raises(RunError, match=r"no target to ask for .* the first of 1 defects: CRC check failed"):
        list(with_targets([bare], defects))
