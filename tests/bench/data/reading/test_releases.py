import pytest

from bench.data.case import FoundRelease
from bench.data.reading.releases import UNKNOWN, FolderSigns, ReleaseSigns, recognise, together

RELEASES = (
    ReleaseSigns("v1", 10, "set_v1", frozenset({"old"}), frozenset({"train", "val"})),
    ReleaseSigns("v2", 20, "set_v2", frozenset({"new"}), frozenset({"train"})),
    ReleaseSigns("v3", 30, "set_v3", frozenset({"new", "newest"}), frozenset({"train"})),
)


def seen(name="data", subjects=5, listed=0, classes=(), splits=()):
    return recognise(FolderSigns(name, subjects, listed, frozenset(classes), frozenset(splits)), RELEASES)


@pytest.mark.parametrize(
    ("signs", "release"),
    [
        ({"subjects": 20}, "v2"),
        ({"listed": 30}, "v3"),
        ({"name": "Set_v300"}, "v3"),
        ({"classes": {"newest", "liver"}}, "v3"),
        ({"classes": {"old"}}, "v1"),
        ({}, UNKNOWN),
        ({"classes": {"new"}}, UNKNOWN),
        ({"subjects": 25}, UNKNOWN),
        ({"subjects": 25, "classes": {"new"}}, UNKNOWN),
        ({"splits": {"val"}}, UNKNOWN),
        ({"classes": {"old", "newest"}}, UNKNOWN),
        ({"name": "set_v3", "subjects": 20}, UNKNOWN),
        ({"subjects": 20, "splits": {"val"}}, UNKNOWN),
        ({"name": "set_v1", "listed": 11}, UNKNOWN),
    ],
)
def test_a_release_is_named_only_if_one_sign_decides_and_none_contradicts(signs, release):
    assert seen(**signs).name == release


def test_what_was_seen_is_said():
    text = seen(subjects=1205, listed=1206, classes={"new", "liver"}).seen
    assert text == "1,205 subjects, 1,206 in meta.csv, new, folder 'data'"
    assert "no meta.csv, no class file that tells releases apart" in seen().seen


def test_folders_of_one_release_are_that_release_and_others_are_named_by_folder():
    two, three = FoundRelease("v2", "x"), FoundRelease("v3", "y")
    assert together({}) is None and together({"a": two}) == two
    assert together({"a": two, "b": two}) == FoundRelease("v2", "a: x; b: x")
    assert together({"a": two, "b": three}).name == "a v2, b v3"
