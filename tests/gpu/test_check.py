"""The check for GPUs finds a device that draws otherwise; on a GPU, every network draws what the CPU draws."""

import json
import math
import warnings
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from adapters.image_attention import LeanBlock
from tests.gpu import agreement, check, speed
from tests.gpu.inputs import box_prompts, picture


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


@pytest.mark.parametrize(("device", "only_found"), [("cpu", True), ("cuda", False)])
def test_marked_tests_run_on_a_gpu_and_are_found_on_a_cpu(monkeypatch, device, only_found):
    commands = []

    def run(command, **_):
        commands.append(command)
        return SimpleNamespace(returncode=1, stdout="1 failed", stderr="")

    monkeypatch.setattr(check.subprocess, "run", run)
    assert check.marked_tests(device) == {"failed": True, "end": "1 failed"}
    assert ("--collect-only" in commands[0]) == only_found
    assert all((check.ROOT / path).exists() for path in check.TESTS)


def test_operations_of_a_product_are_counted():
    one, other = torch.ones(3, 5), torch.ones(5, 7)
    assert speed.flops_of(lambda: one @ other) == 2 * 3 * 5 * 7


def test_there_are_no_graphs_on_a_cpu():
    (row,) = agreement.replayed("sam/mini", "cpu", math.inf)
    assert row == {"model": "sam/mini", "graphs": 0, "logits": 0, "pixels": 0, "agrees": True}
    assert agreement.replayed("sam/mini", "cpu", -math.inf) == []


def test_a_graph_that_draws_otherwise_is_found(monkeypatch):
    seeded = agreement.seeded

    def disturbed(*arguments):
        model = seeded(*arguments)
        plain = model._graphs
        model._graphs = lambda *given: tuple(1.01 * part for part in plain(*given))
        model._graphs.__dict__["_graphs"] = {}
        return model

    monkeypatch.setattr(agreement, "seeded", disturbed)
    assert not agreement.replayed("sam/mini", "cpu", math.inf)[0]["agrees"]


def test_decoders_are_timed_with_graphs_and_without():
    rows = speed.decoder("sam/mini", "cpu", (1, 2), 1)
    assert [row["prompts"] for row in rows] == [1, 2]
    assert all(row["us per prompt"] > 0 < row["without graphs"] and row["graphs"] == 0 for row in rows)


@pytest.mark.gpu
@pytest.mark.parametrize("name", agreement.MINIS)
def test_cuda_graphs_draw_what_their_kernels_draw(name):
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*without CUDA graphs")
        (row,) = agreement.replayed(name, "cuda", math.inf)
    assert row["agrees"], row
    assert row["graphs"] > 0


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_fused_attention_is_exact_on_a_gpu(precision):
    blocks = [m for m in agreement.seeded("sam/vit_b", "cuda", precision).network.modules() if isinstance(m, LeanBlock)]
    assert len(blocks) == 12
    assert all(block.fused for block in blocks)


@pytest.mark.gpu
@pytest.mark.parametrize("name", agreement.MINIS)
def test_prompts_do_not_wait_for_the_gpu_one_by_one(name):
    model = agreement.seeded(name, "cuda")
    (encoded,) = model.encode([picture(0)])
    assert waits(lambda: model.encode([picture(0), picture(1)])) == 0
    counts = []
    for prompts in (8, 64):
        requests = [(encoded, prompt) for prompt in box_prompts(0, prompts)]
        drawn = [model.decode(requests) for _ in range(3)][-1]
        if "mask" in model.card.accepts:
            requests = [(e, replace(p, previous=d.feedback)) for (e, p), d in zip(requests, drawn, strict=True)]
            for _ in range(3):
                model.decode(requests)
        counts.append(waits(lambda requests=requests: model.decode(requests)))
    assert counts[0] == counts[1] <= 3, "masks are checked, scores and ranks are fetched"


def waits(call):
    """How often a call waits for the GPU, as PyTorch's own watch counts it."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            call()
        finally:
            torch.cuda.set_sync_debug_mode("default")
    return sum("called a synchronizing CUDA operation" in str(one.message) for one in found)


@pytest.mark.gpu
@pytest.mark.parametrize("name", agreement.OFFICIAL)
def test_a_gpu_draws_what_the_cpu_draws(name):
    for row in agreement.compared(name, "cuda", math.inf):
        assert row["agrees"], row
