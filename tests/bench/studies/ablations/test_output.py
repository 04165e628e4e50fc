"""An ablation's files."""

import pandas as pd
from matplotlib.figure import Figure

from bench.studies.ablations.output import VERDICTS, AblationReport, Panel, bars, long, write
from bench.studies.ablations.summary import AblationVerdict, interval

VALUES = pd.DataFrame({"A": [interval([1.0, 2.0, 3.0]), interval([5.0])]}, index=["x", "y"])


def report(name, *claims):
    verdicts = [AblationVerdict(claim, "shows", "clearly") for claim in claims]
    return AblationReport(name, "50 %_", pd.DataFrame({"a": [1]}), pd.DataFrame({"b": ["2"]}), Figure((1, 1)), verdicts)


def test_verdicts_of_several_ablations_stand_in_one_file(tmp_path):
    write(report("size", "small"), tmp_path)
    write(report("experts", "few", "one"), tmp_path)
    made = write(report("size", "large"), tmp_path)
    assert (tmp_path / VERDICTS).read_text().splitlines() == [
        "experts: few: shows here (clearly)", "experts: one: shows here (clearly)", "size: large: shows here (clearly)",
    ]  # fmt: skip
    assert {path.name for path in made} == {"size.csv", "size.md", "size.tex", "size.png", "size.pdf", VERDICTS}


def test_text_and_latex_have_caption_and_table():
    made = report("size", "small")
    assert "- small: shows here (clearly)" in made.markdown() and "50 %_" in made.markdown()
    assert r"\caption{50 \%\_}" in made.latex() and r"\label{tab:ablation-size}" in made.latex()


def test_intervals_become_rows():
    rows = long(VALUES, suite="zero-shot").to_dict("records")
    assert [(row["variant"], row["dataset"], row["mean"], row["seeds"]) for row in rows] == [
        ("x", "A", 2, 3),
        ("y", "A", 5, 1),
    ]
    assert {row["suite"] for row in rows} == {"zero-shot"}


def test_bars_have_an_error_only_where_there_is_an_interval():
    (axes,) = bars([Panel("p", VALUES)], "t").axes
    assert [bar.get_height() for bar in axes.patches] == [2, 5]
    heights = [segments[0][1, 1] - segments[0][0, 1] for c in axes.collections if len(segments := c.get_segments())]
    assert heights[0] > 1 and heights[1] == 0
