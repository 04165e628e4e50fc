"""The report of what there is, and of what there is not."""

from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure

from bench.studies.reproduction import parts
from bench.studies.reproduction.programme import Programme
from bench.studies.reproduction.report import write_report
from bench.studies.reproduction.steps import STEPS, StepOutcome
from tests.helpers.scored import write_scored

MINIS = ("sam/mini", "sam2/mini", "segmote/mini")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tables 1 and 3 are done, everything else lacks the data."""
    out = tmp_path_factory.mktemp("reproduction")
    write_scored(out / parts.ZERO_SHOT_ALL.folder, MINIS, patients=3, world="phantom")
    (out / parts.ABLATIONS).mkdir()
    size = {"method": ["SegMoTE (Base)", "(-PPT)"], "paper (M)": [17, 7], "counted": [17563776, 7091712]}
    pd.DataFrame(size).to_csv(out / parts.ABLATIONS / "size.csv")
    Figure(figsize=(1, 1)).savefig(out / parts.ABLATIONS / "size.png")
    done = {"table-1": 60.0, "table-3": float("nan")}
    outcomes = [
        StepOutcome(step, "done", "", done[step.name])
        if step.name in done
        else StepOutcome(step, "missing", "data: no liver", float("nan"))
        for step in STEPS
    ]
    files = write_report(Programme(out, quick=True), outcomes)
    assert [path.name for path in files] == ["report.md", "report.html", "numbers.csv"]
    return out


def test_world_pace_and_missing_steps_are_told(report: Path) -> None:
    for suffix in ("md", "html"):
        text = (report / f"report.{suffix}").read_text()
        assert "THIS WAS QUICK" in text and "MINI WORLD" in text and "Mini weights on phantom data" in text
        assert text.count("data: no liver") == len(STEPS) - 2
        assert "Not done: sources, curated-set, training" in text
    assert "| table-1 | Table 1 | all models on the zero-shot sets, boxes | done |  | 1.0 |" in text_of(report)


def text_of(report: Path) -> str:
    return (report / "report.md").read_text()


def test_published_recomputed_and_ours_stand_below_each_other(report: Path) -> None:
    lines = [line for line in text_of(report).splitlines() if line.startswith("| SegThor | Average |")]
    assert [line.split("|")[3].strip() for line in lines[:3]] == [
        "published",
        "recomputed",
        "ours (mini world)",
    ]
    assert "83.39" in lines[0] and "81.07" in lines[1] and "[" in lines[2]
    assert "| (-PPT) | 7 | 7.09 |" in text_of(report)
    assert "does not follow from the printed rows" in text_of(report)


def test_every_item_is_there_in_order_also_without_numbers(report: Path) -> None:
    heads = [line[4:].partition(":")[0] for line in text_of(report).splitlines() if line.startswith("### ")]
    wanted = ["Section 3.6", "Table 1", "Figure 5", "Table 2", "Table 3", "Table 4", "Figure 6", "Figure 7", "Figure 4"]
    assert [head for head in heads if head in wanted] == wanted
    assert "![size](ablations/size.png)" in text_of(report) and "Not made here." in text_of(report)


def test_every_number_says_where_it_comes_from(report: Path) -> None:
    found = pd.read_csv(report / "numbers.csv")
    ours = found[found["ours"].notna()]
    assert len(ours) and ours["source"].str.contains("Mini weights on phantom data").all()
    assert set(found["item"]) == {"Table 1", "Table 2", "Table 3", "Table 4"}
    assert (found.loc[found["item"] == "Table 3", "recomputed"] > 0).all()
    assert "| runs/zero-shot | sam/mini | none |" in text_of(report)
    assert "is not comparable with the paper: mini weights" in text_of(report)
