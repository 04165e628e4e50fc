"""Counted parameters."""

from bench.studies.ablations import size


def test_sizes_are_those_of_table_3():
    found = size.counts()
    assert [found[name] for name in ("SegMoTE (Base)", "(-MoTE)", "(-PPT)")] == [17_563_776, 10_472_064, 7_091_712]
    assert found["IMIS (Base)"] == 29_679_696
    report = size.ablate()
    assert [verdict.outcome for verdict in report.verdicts] == ["shows", "does not show"]
