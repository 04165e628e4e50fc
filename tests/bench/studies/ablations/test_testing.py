"""What the suites ask."""

from bench.studies.ablations import testing


def test_suites_ask_what_they_are_named_after(setting):
    asked = {suite: testing.tests(setting, suite) for suite in testing.KINDS}
    titles = {suite: [one.title for one in found.sets] for suite, found in asked.items()}
    assert titles["in-domain"] == ["DERMOSCOPY", "XRAY"]
    assert titles["unprompted"] == titles["one-click"] == ["DERMOSCOPY"]
    kinds = {suite: {q.prompt.kinds for one in found.slices for q in one.questions} for suite, found in asked.items()}
    assert kinds["zero-shot"] == {frozenset({"box"})}
    assert kinds["unprompted"] == {frozenset({"auto"})}
    assert kinds["one-click"] == {frozenset({"points"})}
