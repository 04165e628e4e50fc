"""Which GPU a process computes on."""

import multiprocessing
import os
from pathlib import Path

import pytest

from bench.predicting import devices


def _claim(folder: str, barrier, queue) -> None:
    queue.put(devices._claimed(3, Path(folder), 1))
    barrier.wait(60)


def test_processes_of_a_run_hold_different_gpus(tmp_path):
    context = multiprocessing.get_context("fork")
    barrier, queue = context.Barrier(3), context.Queue()
    processes = [context.Process(target=_claim, args=(str(tmp_path), barrier, queue)) for _ in range(3)]
    for process in processes:
        process.start()
    assert sorted(queue.get(timeout=60) for _ in processes) == [0, 1, 2]
    for process in processes:
        process.join(60)
    # All have ended, so that the next run of the same parent starts from the first again.
    devices._claimed.cache_clear()
    assert devices._claimed(3, tmp_path, 1) == 0


def test_more_processes_than_gpus_share_them(tmp_path):
    devices._claimed.cache_clear()
    held = [devices.FileLock(tmp_path / f"segmote-bench-7-gpu-{index}.lock") for index in range(2)]
    for lock in held:
        lock.acquire()
    assert devices._claimed(2, tmp_path, 7) == os.getpid() % 2


@pytest.mark.parametrize(
    ("device", "count", "expected"), [("cpu", 0, "cpu"), ("cuda:1", 4, "cuda:1"), ("cuda", 1, "cuda")]
)
def test_there_is_no_choice_to_make(device, count, expected, monkeypatch):
    monkeypatch.setattr("torch.cuda.device_count", lambda: count)
    assert devices.own_device(device) == expected


def test_one_of_several_is_chosen(monkeypatch, tmp_path):
    devices._claimed.cache_clear()
    monkeypatch.setattr("torch.cuda.device_count", lambda: 4)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    assert devices.own_device("cuda") == "cuda:0"
    assert devices.gpu_count("cuda") == 4
