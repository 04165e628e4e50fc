"""Captions and names of tables: what a reader is told without any other text."""

import pytest

from bench.protocols import PROTOCOLS, asking_text
from bench.reporting import report
from bench.reporting.table_spec import TableSpec, caption
from bench.reporting.tables.table import Table
from bench.scoring.metrics import METRICS
from tests.helpers.runs import scored_run


def told(metric="dice", aggregation="macro_class", protocol="bench"):
    run = scored_run([{}], models=("baseline/box",), datasets=("isles2022",), protocol=protocol)
    return caption(run, TableSpec("box", aggregation, METRICS[metric], 1))


def test_what_is_averaged_is_named_as_it_is_counted():
    assert "mean over a class's masks" in told() and told().endswith("n: masks.")
    stacked = told("volume_hd95")
    assert "mean over a class's volumes" in stacked and stacked.endswith("n: volumes.")
    assert "slices that were not asked for count as empty" in stacked and "not asked for count" not in told("hd95")
    assert told(aggregation="mean_image").endswith("n: masks (the Average counts images).")


def test_the_direction_and_the_scored_mask_are_told():
    assert "; higher is better)" in told() and "; lower is better)" in told("hd95")
    assert "is better" not in told("predicted_iou")
    assert "each model's own choice" in told() and "ORACLE" not in told()
    assert "an ORACLE chose, which knows the target" in told(protocol="huang")


def test_the_rule_for_empty_masks_is_told_where_it_holds():
    assert "1 where target and prediction are both empty" in told(protocol="sam-med2d")
    assert "undefined where target" not in told(protocol="sam-med2d")
    assert "undefined where target and prediction are both empty" in told("hd95", protocol="sam-med2d")
    assert "both empty" not in told("regret", protocol="sam-med2d")


def test_what_is_asked_for_is_told():
    assert asking_text(PROTOCOLS["bench"]) == (
        "all components of a class in a slice are one target, only slices that contain it are asked for"
    )
    assert "every component" in told(protocol="medsam") and "of 100 px or more" in told(protocol="medsam")
    assert asking_text(PROTOCOLS["bench"], every_slice=True).endswith("every slice is asked for")


def test_slices_and_volumes_of_a_metric_have_tables_of_their_own():
    names = {TableSpec("box", aggregation, METRICS[metric], 1).name for metric, aggregation in [
        ("iou", "macro_class"), ("volume_iou", "macro_class"), ("volume_dice", "volume"), ("dice", "macro_class"),
    ]}  # fmt: skip
    assert names == {"iou-box-macro_class", "volume_iou-box-macro_class", "dice-box-volume", "dice-box-macro_class"}


def test_a_table_never_replaces_another(tmp_path):
    twice = [Table("dice-box", "", [], [])] * 2
    with pytest.raises(RuntimeError, match="several tables are named dice-box"):
        report.write_tables(tmp_path, twice)


def test_headings_are_words():
    assert TableSpec("box", "macro_class", METRICS["dice"], 1).heading == "Dice, macro class"
    assert TableSpec("box", "per_case", METRICS["volume_hd95"], 1).heading == "Volume HD95, per case"
