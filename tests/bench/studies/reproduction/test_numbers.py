"""Published, recomputed and ours, each in its place."""

from pathlib import Path

import numpy as np
import pandas as pd

from bench.statistics.patients import AVERAGE
from bench.studies.reproduction import numbers
from bench.studies.reproduction.numbers import OURS, OWN_TITLE, ReportNumber
from bench.studies.reproduction.programme import title_of
from bench.studies.reproduction.runs import OWN, RunNumber

NAMES = ("isles2022", "segthor", "totalsegmentator-mri", "imis:X-1")
TITLES = {name: title_of(name) for name in NAMES} | {"imis:X-1": "AMOS (CT)"}


def measured(dataset: str, row: str, model: str, value: float, prompt: str = "box") -> RunNumber:
    return RunNumber(dataset, row, model, prompt, value, value - 1, value + 1, f"run of {model}")


def one(found: list[ReportNumber], dataset: str, row: str, model: str) -> ReportNumber:
    (number,) = [one for one in found if (one.dataset, one.row, one.model) == (dataset, row, model)]
    return number


def test_table_1_has_all_three_numbers() -> None:
    runs = [
        measured("segthor", AVERAGE, "segmote/mini", 70.0),
        measured("segthor", "Heart", "sam2/mini", 71.0),
        measured("isles2022", "Ischemic Stroke Lesion", OWN, 72.0),
        measured("segthor", "Heart", "baseline/box", 1.0),
    ]
    found = numbers.table_1(runs, TITLES)
    average = one(found, "SegThor", AVERAGE, OURS)
    assert (average.published, round(average.recomputed, 2), average.ours) == (83.39, 81.07, 70.0)
    assert (average.low, average.high, average.source) == (69.0, 71.0, "run of segmote/mini")
    heart = one(found, "SegThor", "Heart", "SAM 2")
    assert (heart.published, heart.ours) == (81.73, 71.0) and np.isnan(heart.recomputed)
    own = one(found, "ISLES", "Ischemic Stroke Lesion", OWN_TITLE)
    assert own.ours == 72.0 and np.isnan(own.published)
    assert len(found) == 19 * 7 + 1 and sum(not np.isnan(number.ours) for number in found) == 3


def test_table_2_has_nine_printed_rows_and_ours_is_the_tuned_decoder(tmp_path: Path) -> None:
    rows = [
        {"suite": "in-domain", "variant": name, "dataset": "X-1", "mean": value, "low": 1.0, "high": 2.0}
        for name, value in (("frozen", 10.0), ("tuned", 20.0))
    ]
    rows += [{"suite": "zero-shot", "variant": "tuned", "dataset": "Mean", "mean": 5.0, "low": 1.0, "high": 2.0}]
    pd.DataFrame(rows).to_csv(tmp_path / "decoder.csv")
    tuned = numbers.tuned_decoder(tmp_path / "decoder.csv", {"X-1": "AMOS (CT)"}, "here")
    runs = [
        measured("imis:X-1", AVERAGE, "imis/mini", 30.0),
        measured("imis:X-1", AVERAGE, "imis/mini", 31.0, "click"),
        measured("imis:X-1", AVERAGE, "segmote/mini", 32.0),
        measured("isles2022", AVERAGE, "sam/mini", 33.0),
        measured("imis:Y-1", AVERAGE, "sam/mini", 34.0),
    ]
    found = numbers.table_2(runs, TITLES | {"imis:Y-1": "PHANTOM_Y"}, tuned)
    ours = one(found, "AMOS (CT)", AVERAGE, OURS)
    assert (ours.published, ours.ours, ours.source) == (85.16, 20.0, "here")
    imis = one(found, "AMOS (CT)", AVERAGE, "IMIS")
    assert (imis.published, imis.ours) == (83.56, 30.0)
    sam = one(found, "ISLES", AVERAGE, "SAM")
    assert (sam.published, sam.ours) == (55.0, 33.0)
    assert one(found, "PHANTOM_Y", AVERAGE, "SAM").ours == 34.0
    assert len(found) == 9 * 5 + 1


def test_table_3_is_in_millions(tmp_path: Path) -> None:
    pd.DataFrame({"method": ["(-PPT)"], "paper (M)": [7], "counted": [7091712]}).to_csv(tmp_path / "size.csv")
    (number,) = numbers.table_3(tmp_path / "size.csv")
    assert (number.model, number.published, round(number.recomputed, 3)) == ("(-PPT)", 7, 7.092)


def test_table_4_keeps_what_nobody_measured(tmp_path: Path) -> None:
    rows = {"variant": ["Q=2", "Q=2"], "dataset": ["ISLES 2022", "SKIN-1"], "mean": [50.0, 60.0]}
    pd.DataFrame(rows | {"low": np.nan, "high": np.nan}).to_csv(tmp_path / "queries.csv")
    found = numbers.table_4(tmp_path / "queries.csv", {"ISLES 2022": "ISLES", "SKIN-1": "skin"}, "here")
    isles = one(found, "ISLES", "Q=2", OURS)
    assert (isles.published, isles.ours) == (65.28, 50.0)
    assert one(found, "skin", "Q=2", OURS).ours == 60.0
    assert len(found) == 17 and numbers.table_4(None, {}, "") == [
        number if np.isnan(number.ours) else one(numbers.table_4(None, {}, ""), "ISLES", "Q=2", OURS)
        for number in found[:16]
    ]


def test_a_wide_table_has_a_line_for_each_kind_of_number() -> None:
    found = [
        ReportNumber("Table 1", "SegThor", AVERAGE, "SAM", 76.55, 76.555, 70.0, 69.0, 71.0),
        ReportNumber("Table 1", "SegThor", AVERAGE, OURS, 83.39),
        ReportNumber("Table 1", "SegThor", "Heart", "SAM", 80.28),
    ]
    head, *lines = numbers.wide(found, ("SAM", OURS))
    assert head == ["data set", "row", "number", "SAM", OURS]
    assert lines == [
        ["SegThor", AVERAGE, "published", "76.55", "83.39"],
        ["SegThor", AVERAGE, "recomputed", "76.56", ""],
        ["SegThor", AVERAGE, "ours", "70.00 [69.00, 71.00]", ""],
        ["SegThor", "Heart", "published", "80.28", ""],
    ]
    assert list(numbers.frame(found)["published"]) == [76.55, 83.39, 80.28]
