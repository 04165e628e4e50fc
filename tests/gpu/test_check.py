"""The check for GPUs finds a device that draws otherwise; on a GPU, every network draws what the CPU draws."""

import json
import math

import pytest
import torch

from tests.gpu import agreement, check, speed


def test_a_device_agrees_with_itself():
    rows = agreement.compared("sam/mini", "cpu", math.inf)
    assert [row["precision"] for row in rows] == ["fp32", "bf16"]
    assert all(row["agrees"] for row in rows)
    assert rows[0]["logits"] == 0 < rows[1]["logits"]


def test_a_device_that_draws_otherwise_is_found(monkeypatch):
    seeded, calls = agreement.seeded, []

    def disturbed(*arguments):
        model = seeded(*arguments)
        calls.append(model)
        if len(calls) > 1:
            with torch.no_grad():
                model.network.mask_decoder.output_upscaling[0].weight.mul_(1.05)
        return model

    monkeypatch.setattr(agreement, "seeded", disturbed)
    assert not agreement.compared("sam/mini", "cpu", math.inf)[0]["agrees"]


def test_nothing_is_begun_when_the_time_is_over():
    assert agreement.compared("sam/mini", "cpu", -math.inf) == []


def test_results_are_written_as_data_and_as_tables(tmp_path):
    results = {"about": {"card": "NVIDIA H200"}, "decoder": [{"model": "sam/vit_b", "us per prompt": 31.25}]}
    check._write(tmp_path, results)
    assert json.loads((tmp_path / "nvidia-h200.json").read_text()) == results
    assert "31.25" in (tmp_path / "nvidia-h200.md").read_text()


def test_operations_of_a_product_are_counted():
    one, other = torch.ones(3, 5), torch.ones(5, 7)
    assert speed.flops_of(lambda: one @ other) == 2 * 3 * 5 * 7


@pytest.mark.gpu
@pytest.mark.parametrize("name", agreement.OFFICIAL)
def test_a_gpu_draws_what_the_cpu_draws(name):
    for row in agreement.compared(name, "cuda", math.inf):
        assert row["agrees"], row
