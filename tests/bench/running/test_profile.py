from dataclasses import replace

import pytest
import torch

from bench.errors import RunError
from bench.running import run
from bench.running.profile import flops, matmul_rate, model_rows, step_rows
from bench.store.run_folder import read_run
from tests.helpers import fakes
from tests.helpers.fakes import config

pytestmark = pytest.mark.usefixtures("registered", "without_figures")


@pytest.fixture
def finished(tmp_path):
    run.run(config(tmp_path / "r", prompts=("clicks", "box")))
    return tmp_path / "r"


def test_all_time_of_the_steps_is_accounted_for(finished):
    facts = read_run(finished)
    rows = step_rows(facts)
    kinds = {(step, what) for step, what, _, _ in rows}
    assert {("predict", what) for what in ("read", "draw", "encode", "decode", "click", "write", "wait")} <= kinds
    assert {("score", "score"), ("score", "wait"), ("report", "report")} <= kinds
    assert sum(share for *_, share in rows) == pytest.approx(100)
    for step in ("predict", "score", "report"):  # one process: what it did and waited for is the time on the wall
        together = sum(seconds for name, _, seconds, _ in rows if name == step)
        assert together == pytest.approx(facts.seconds[step], abs=0.02)


def test_slow_parts_show_where_they_are(tmp_path, monkeypatch):
    decode = fakes.Fake.decode

    def slow(self, *args, **kwargs):
        torch.randn(1).item()
        import time  # noqa: PLC0415

        time.sleep(0.2)
        return decode(self, *args, **kwargs)

    monkeypatch.setattr(fakes.Fake, "decode", slow)
    run.run(config(tmp_path / "r", models=("fake/good",), limit=1))
    spent = read_run(tmp_path / "r").spent
    assert spent["predict:decode"] >= 0.2 > spent["predict:encode"]


def test_a_run_that_was_not_clocked_says_so(finished):
    with pytest.raises(RunError, match="kept no times"):
        step_rows(replace(read_run(finished), spent={}))


def test_models_have_their_images_and_prompts(finished):
    rows = {row[0]: row for row in model_rows(finished, read_run(finished))}
    assert set(rows) == {"baseline/box", "fake/good"}
    assert rows["baseline/box"][1] == 12 and rows["baseline/box"][3] is None  # 4 cases of 3 slices; nothing to count
    assert rows["fake/good"][5] == 12 * 4  # a box and three clicks


def test_operations_of_a_network_are_counted(tmp_path):
    found = flops("sam/mini", config(tmp_path / "r"))
    assert found.image > 10 * found.prompt / 10 > 1e6


def test_the_rate_of_a_matrix_product_is_that_of_a_computer():
    threads = torch.get_num_threads()
    assert 1e8 < matmul_rate(torch.device("cpu"), "fp32", repeats=1) < 1e14
    assert torch.get_num_threads() == threads
