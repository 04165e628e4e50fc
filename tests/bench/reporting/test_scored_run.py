"""A scored run as tables and figures read it."""

import pytest

from bench.errors import RunError
from bench.reporting.scored_run import read_scored_run
from tests.helpers.runs import everything, level, scored_run
from tests.helpers.scored import write_scored


def test_scores_are_of_the_last_round_unless_another_is_asked_for():
    rows = [{"prompt": "clicks", "round": number, "value": number / 10} for number in (1, 2, 3)]
    run = scored_run([*rows, {"prompt": "clicks", "metric": "iou", "round": 4}], prompts=("clicks",))
    assert run.scores("clicks")["value"].tolist() == [0.3]
    assert run.scores("clicks", prompt_round=1)["value"].tolist() == [0.1]
    assert run.scores("box").empty


def test_data_sets_without_a_value_have_no_sums():
    run = everything(level)
    assert list(run.by_patient("box")) == ["segthor", "isles2022"]
    emptied = run.records.assign(value=run.records["value"].where(run.records["dataset"] == "segthor"))
    assert list(run.by_patient("box", records=emptied.assign(row="r"))) == ["segthor"]


def test_comparisons_are_made_once():
    run = everything(level)
    assert run.comparisons("box") is run.comparisons("box")


def test_a_note_names_prompt_protocol_counts_and_who_was_not_asked():
    run = everything(level)
    object.__setattr__(run.facts, "not_applicable", {("sam/mini", "box"): "-"})
    object.__setattr__(run.facts, "untrained", frozenset({("medsam/mini", "box")}))
    assert run.note(["box"], "Bars.") == (
        "Bars. Prompt box; protocol bench. n, masks (patients): segthor 6 (3), isles2022 6 (3). "
        "Not trained on such prompts and not asked: sam/mini. "
        "Asked though never trained on such prompts: medsam/mini. Mini weights on phantom data."
    )


def test_a_run_is_read_and_one_without_records_refused(tmp_path):
    folder = write_scored(tmp_path / "r", ("sam/vit_b",), ("segthor",), 2)
    assert read_scored_run(folder).models == ("sam/vit_b",)
    (folder / "records.parquet").unlink()
    with pytest.raises(RunError):
        read_scored_run(folder)
