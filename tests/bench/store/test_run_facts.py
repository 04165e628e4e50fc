"""run.json, written and read."""

import json
from pathlib import Path

import pytest

from bench.errors import RunError
from bench.store.run_facts import RunFacts
from tests.helpers.runs import facts

ASKED = {
    "not_applicable": {("sam/mini", "text"): "never trained on it"},
    "untrained": frozenset({("medsam/mini", "click")}),
    "warnings": {"segthor/c1": ["odd"]},
    "data_defects": [{"stage": "data", "kind": "failed", "reason": "CRC check failed"}],
}


def test_what_is_written_is_read_back(tmp_path):
    ours = facts(ASKED, out=tmp_path)
    assert RunFacts.from_json(json.loads(json.dumps(ours.to_json())), tmp_path) == ours


def test_runs_from_before_reports_were_clocked_are_read(tmp_path):
    stored = json.loads(json.dumps(facts(ASKED, out=tmp_path).to_json()))
    del stored["spent"], stored["finished"]["report"], stored["seconds"]["report"]
    found = RunFacts.from_json(stored, tmp_path)
    assert found.finished == {"predict": True, "score": True, "report": False} and found.spent == {}
    assert found.seconds == {"predict": 1.0, "score": 1.0, "report": 0.0}


def test_choices_that_change_no_result_are_not_written():
    assert not {"out", "jobs", "engine"} & set(facts().to_json()["config"])


@pytest.mark.parametrize("lost", ["config", "models", "finished"])
def test_another_version_is_refused_with_the_remedy(lost):
    plain = facts().to_json()
    del plain[lost]
    with pytest.raises(RunError, match=f"r/run.json does not describe a run of this version .*{lost}.*run it again"):
        RunFacts.from_json(plain, Path("r"))
