from dataclasses import replace

import pandas as pd
import pytest

from bench.running import run
from bench.running.few_workers import SECONDS_TO_START, predicting_seconds, reading_seconds, worth
from bench.store.run_folder import prompts_path
from tests.helpers.fakes import SQUARES, config
from tests.helpers.run_folders import assert_same

pytestmark = pytest.mark.usefixtures("registered", "without_figures")


def test_short_work_stays_in_this_process_and_long_work_takes_all_that_are_allowed():
    assert worth(0, 16) == worth(3 * SECONDS_TO_START, 16) == 1
    assert worth(1e5, 16) == 16 and worth(1e5, 1) == 1
    counts = [worth(seconds, 16) for seconds in range(0, 3000, 10)]
    assert counts == sorted(counts)


def test_reading_is_estimated_by_the_sizes_of_files(tmp_path):
    (tmp_path / "a.nii.gz").write_bytes(bytes(40_000_000))
    item = SQUARES.index(None)[0]
    found = replace(item, files={"image": tmp_path / "a.nii.gz", "mask": tmp_path / "absent"})
    assert reading_seconds([found, item]) == pytest.approx(2.0)


def test_predicting_is_estimated_by_images_prompts_rounds_and_parameters(tmp_path):
    chosen = config(tmp_path / "r", prompts=("clicks", "box"), models=("sam/vit_b",), clicks=3)
    rows = [("squares", "c0", number, kind) for number in range(10) for kind in ("clicks", "box")]
    table = pd.DataFrame(rows, columns=["dataset", "case", "slice", "prompt"])
    small = predicting_seconds(replace(chosen, models=("sam/mini",)), table)
    assert 10 * 0.02 + 40 * 0.005 < small < 2
    assert predicting_seconds(chosen, table) > 10 * 3  # seconds: a ViT-B at 1024 px takes more than three
    assert predicting_seconds(chosen, table[table["prompt"] == "box"]) < predicting_seconds(chosen, table)


def test_a_small_run_starts_no_workers_unless_told_to(tmp_path, monkeypatch):
    started = []
    monkeypatch.setattr("bench.workers.start", lambda task, jobs, engine: started.append(jobs) or (lambda: None))
    for name, few in (("a", True), ("b", False)):
        run.run(config(tmp_path / name, jobs=1 if not few else 8, fewer_jobs=few))
    assert started == [1, 1]
    assert_same(tmp_path / "a", tmp_path / "b")
    assert prompts_path(tmp_path / "a").exists()
