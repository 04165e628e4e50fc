"""Questions of a study."""

from bench.studies.questions import data_sets


def test_each_folder_is_a_data_set_of_its_test_list(two_data_sets):
    sets = data_sets(["imis"], two_data_sets)
    assert [one.title for one in sets] == ["PHANTOM_DERMOSCOPY", "PHANTOM_XRAY"]
    assert {item.details["split"] for one in sets for item in one.items} == {"test"}
    assert [len(one.items) for one in data_sets(["imis"], two_data_sets, limit=1)] == [1, 1]
