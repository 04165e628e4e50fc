"""A short draw of hostile inputs; `tox -e fuzz` draws a hundred thousand. See docs/fuzzing.md."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.fuzz import readers
from tests.fuzz.outcomes import HangError, Tally, timed

ROOT = Path(__file__).parents[2]
COUNT = {"readers": 100, "models": 30}


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="bounds the memory of a Linux process")
@pytest.mark.parametrize("only", COUNT)
def test_hostile_inputs_are_answered_or_refused(only):
    count = os.environ.get("BENCH_FUZZ", str(COUNT[only]))
    command = [sys.executable, "-m", "tests.fuzz.campaign", count, "--only", only]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    print(ended.stdout)
    assert ended.returncode == 0, ended.stdout + ended.stderr[-2000:]


@pytest.mark.parametrize("name", sorted(readers.DATASETS))
def test_the_data_sets_are_sound_before_they_are_changed(tmp_path, name):
    build, patterns = readers.DATASETS[name]
    build(tmp_path)
    assert all(list(tmp_path.glob(pattern)) for pattern in patterns)
    assert readers.check(name, tmp_path).cases


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
