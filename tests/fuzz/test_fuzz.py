"""A short draw of hostile inputs; `tox -e fuzz` draws a hundred thousand. See docs/fuzzing.md."""

import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from bench.data import datasets
from tests.fuzz import campaign, models, readers, stored
from tests.fuzz.outcomes import Tally
from tests.helpers.time_limit import HangError, timed

ROOT = Path(__file__).parents[2]
COUNT = {"readers": 150, "stored": 100, "models": 35}
# As others' of the same module.
SAME_READER = {"isles2022-adc", "totalsegmentator-ct", "isic2016", "isic2018", "amos-ct", "btcv", "word"}
SAME_READER |= {"chaos-t1", "chaos-t1-outphase", "chaos-ct", "isles2015-siss-dwi"}


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="bounds the memory of a Linux process")
@pytest.mark.slow
@pytest.mark.parametrize("only", COUNT)
def test_hostile_inputs_are_answered_or_refused(only):
    count = os.environ.get("BENCH_FUZZ", str(COUNT[only]))
    command = [sys.executable, "-m", "tests.fuzz.campaign", count, "--only", only]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    print(ended.stdout)
    assert ended.returncode == 0, ended.stdout + ended.stderr[-2000:]


@pytest.mark.parametrize(("name", "number"), readers.TARGETS)
def test_the_data_sets_are_sound_before_they_are_changed(tmp_path, name, number):
    assert readers.Attacked(name, number, tmp_path).read()


@pytest.mark.parametrize("name", stored.FILES)
def test_the_stored_files_are_sound_before_they_are_changed(tmp_path, name):
    attacked = stored.Attacked(name, tmp_path)
    attacked.read(attacked.path)


def test_every_reader_is_attacked():
    assert {name for name, _, _ in readers.DATASETS.values()} >= set(datasets.names()) - SAME_READER


@pytest.mark.parametrize("family", models.FAMILIES)
def test_half_of_the_prompts_reach_every_family(family):
    tally = Tally()
    campaign.drawn(models.hostile(family), partial(models.attack, tally), 20, 0, float("inf"))
    assert tally.count >= 20
    assert tally.answered[family] >= 4


def test_what_escapes_is_counted_with_its_place():
    tally = Tally()

    def crash():
        raise KeyError("x")

    tally.add("a", crash, (ValueError,))
    tally.add("a", lambda: int("x") > 0, (ValueError,))
    tally.add("a", lambda: True, (ValueError,))
    assert (tally.answered["a"], tally.refused["a"], tally.count) == (1, 1, 3)
    (text,) = tally.uncaught
    assert text.startswith("a: KeyError: 'x' (test_fuzz.py:")


def test_a_hang_is_an_error():
    with pytest.raises(HangError), timed(1):
        time.sleep(20)
