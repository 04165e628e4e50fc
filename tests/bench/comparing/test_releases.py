import pytest

from bench.comparing.releases import require_same_releases
from bench.data.fingerprint import Fingerprint
from bench.errors import RunError


def fingerprint(release, labels):
    return Fingerprint(release, "12 subjects", "c", "f", labels)


def test_other_releases_are_refused_by_a_sentence_with_both():
    two, three = {"ts": fingerprint("v2", "a")}, {"ts": fingerprint("v3", "b")}
    with pytest.raises(RunError, match="A has ts v2 and B has ts v3: scores on different releases cannot be compared"):
        require_same_releases("A", two, "B", three)
    with pytest.raises(RunError, match=r"A has ts v2 and B has ts unknown release \(12 subjects\)"):
        require_same_releases("A", two, "B", {"ts": fingerprint("unknown release", "b")})
    with pytest.raises(RunError, match="B has ts without a release"):
        require_same_releases("A", two, "B", {"ts": fingerprint("", "b")})


def test_the_same_release_other_sets_and_older_descriptions_pass():
    two = {"ts": fingerprint("v2", "a")}
    require_same_releases("A", two, "B", {"ts": fingerprint("v2", "b")})
    require_same_releases("A", two, "B", {"ts": fingerprint("unknown release", "a")})
    require_same_releases("A", two, "B", {"other": fingerprint("v3", "b")})
    require_same_releases("A", two, "B", {})
