"""Questions of a study."""

from bench.studies.questions import all_asked, data_sets
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
