import os
from types import SimpleNamespace

import psutil
import pytest
import torch

from bench.commands.machine import GIB_PER_WORKER, available_device, worker_count
from bench.errors import RunError


@pytest.mark.parametrize(("there", "device"), [(True, "cuda"), (False, "cpu")])
def test_auto_is_the_gpu_if_there_is_one(monkeypatch, there, device):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert available_device("auto") == device


def test_what_is_not_here_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert available_device("cpu") == "cpu"
    for name in ("cuda", "cuda:1", "tpu"):
        with pytest.raises(RunError, match=f"device '{name}' is not available here"):
            available_device(name)


@pytest.mark.parametrize(
    ("wanted", "device", "gib", "count"),
    [(5, "cpu", 1, 5), (None, "cuda", 99, 1), (None, "cpu", 1, 1), (None, "cpu", 99, 8)],
)
def test_workers_follow_cores_and_memory(monkeypatch, wanted, device, gib, count):
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=gib * 2**30))
    assert worker_count(wanted, device) == count


def test_memory_limits_the_workers(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=3 * GIB_PER_WORKER * 2**30))
    assert worker_count(None, "cpu") == 3
