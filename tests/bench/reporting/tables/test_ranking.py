import numpy as np
import pandas as pd
import pytest

from bench.reporting.tables.ranking import HEADS, ranking
from bench.scoring.metrics import METRICS
from bench.statistics.patients import patient_scores
from tests.helpers.records import records

DICE = METRICS["dice"]


def scores(levels, patients=20, metric="dice", seed=0):
    """Models at known levels on patients of unequal difficulty."""
    rng = np.random.default_rng(seed)
    difficulty = rng.normal(0, 0.05, patients)
    rows = [
        {"patient": f"p{n}", "model": model, "metric": metric, "value": level + difficulty[n] + rng.normal(0, 0.01)}
        for model, level in levels.items()
        for n in range(patients)
    ]
    return {"d": patient_scores(records(*rows), "macro_class")}


def test_the_best_comes_first_and_is_the_reference():
    table = ranking("t", "Dice.", scores({"low": 0.5, "high": 0.8, "close": 0.799}), DICE)
    assert [row[1] for row in table.rows] == ["high", "close", "low"]
    by_model = {row[1]: dict(zip(HEADS, row, strict=True)) for row in table.rows}
    assert by_model["high"]["difference"] == "reference" and by_model["high"]["p (Holm)"] == "-"
    assert by_model["low"]["difference"].startswith("-30.") and by_model["low"]["p (Holm)"] == "< 0.001"
    assert (by_model["low"]["wins"], by_model["low"]["ties"], by_model["low"]["patients"]) == ("0 %", "0 %", "20")
    assert [row[4] for row in table.rows] == ["a", "a", "b"]
    assert by_model["low"]["rank"] == "3 [3, 3]" and "[" in by_model["low"]["Average"]
    assert "Reference: the best model of each data set" in table.caption


def test_a_named_reference_holds_on_every_data_set():
    found = scores({"a": 0.5, "b": 0.8})
    table = ranking("t", "Dice.", found | {"e": found["d"]}, DICE, "a")
    assert table.frame["reference"].dropna().unique().tolist() == ["a"]
    assert table.frame.groupby("dataset")["delta"].max().round(1).tolist() == [0.3, 0.3]
    assert [row[0] for row in table.rows] == ["d", "d", "e", "e"]
    with pytest.raises(ValueError, match="no model 'c'"):
        ranking("t", "Dice.", found, DICE, "c")


def test_of_distances_the_smallest_is_the_best_and_wins():
    table = ranking("t", "HD95.", scores({"far": 9.0, "near": 3.0}, metric="hd95"), METRICS["hd95"], "far")
    assert [row[1] for row in table.rows] == ["near", "far"]
    near = dict(zip(HEADS, table.rows[0], strict=True))
    assert (
        float(near["Average"].split()[0]) == pytest.approx(3, abs=0.1)
        and near["difference"].startswith("-6.0")
        and near["wins"] == "100 %"
    )


def test_the_same_numbers_whenever_it_is_asked():
    first, again = (ranking("t", "", scores({"a": 0.5, "b": 0.6}), DICE).frame for _ in range(2))
    pd.testing.assert_frame_equal(first, again)


def test_one_patient_has_neither_intervals_nor_a_test():
    table = ranking("t", "", scores({"a": 0.5, "b": 0.6}, patients=1), DICE)
    assert [row[3] for row in table.rows] == ["1", "2"] and all(row[2].endswith("[-]") for row in table.rows)
    assert "1 patients and 1 differences no p (Holm) can be below 1," in table.notes[0]


def test_a_test_that_cannot_speak_is_told():
    """Of 6 patients all differences of one sign give p = 2 / 2**6, and Holm multiplies it by their number."""
    assert ranking("t", "", scores({"a": 0.5, "b": 0.6}, patients=6), DICE).notes == []
    three = ranking("t", "", scores({"a": 0.5, "b": 0.6, "c": 0.7}, patients=6), DICE)
    assert "with 6 patients and 2 differences no p (Holm) can be below 0.062" in three.notes[0]
    assert three.frame["p_holm"].min() >= 2 * 2 / 2**6
    assert ranking("t", "", scores({"a": 0.5, "b": 0.6, "c": 0.7}, patients=7), DICE).notes == []


def test_a_model_without_values_is_last_and_empty():
    table = ranking("t", "", scores({"a": 0.5, "b": np.nan}), DICE)
    assert table.rows[1][1:3] == ["b", "-"] and set(table.rows[1][3:]) == {"-"}
