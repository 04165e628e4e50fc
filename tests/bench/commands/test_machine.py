import os
import sys
from types import SimpleNamespace

import psutil
import pytest
import torch

from bench.commands import machine
from bench.commands.machine import available_device, worker_count, worker_gib
from bench.errors import RunError


@pytest.mark.parametrize(("there", "device"), [(True, "cuda"), (False, "cpu")])
def test_auto_is_the_gpu_if_there_is_one(monkeypatch, there, device):
    monkeypatch.setattr(machine, "no_gpu_driver", lambda: False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert available_device("auto") == device


@pytest.mark.parametrize(
    ("platform", "devices", "none"), [("linux", (), True), ("linux", ("nvidiactl",), False), ("win32", (), False)]
)
def test_a_system_without_the_device_of_a_driver_has_no_gpu(monkeypatch, tmp_path, platform, devices, none):
    for name in devices:
        (tmp_path / name).touch()
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(machine, "GPU_DEVICES", (str(tmp_path / "nvidiactl"), str(tmp_path / "kfd")))
    assert machine.no_gpu_driver() is none


def test_what_is_not_here_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert available_device("cpu") == "cpu"
    for name in ("cuda", "cuda:1", "tpu"):
        with pytest.raises(RunError, match=f"device '{name}' is not available here"):
            available_device(name)


@pytest.mark.parametrize(
    ("wanted", "device", "gib", "count"),
    [(5, "cpu", 1, 5), (None, "cuda", 99, 1), (None, "cpu", 0.5, 1), (None, "cpu", 99, 8)],
)
def test_workers_follow_cores_and_memory(monkeypatch, wanted, device, gib, count):
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=gib * 2**30))
    assert worker_count(wanted, device, [1_000_000, 2_000_000]) == count


def test_each_gpu_gets_a_worker(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    assert worker_count(None, "cuda", [1]) == 3
    assert worker_count(None, "cuda:1", [1]) == 1


@pytest.mark.parametrize(("parameters", "count"), [([], 8), ([94_000_000], 3), ([1_000_000, 640_000_000], 1)])
def test_the_largest_network_limits_the_workers(monkeypatch, parameters, count):
    """Ten GiB hold three processes with a ViT-B, one with a ViT-H, and as many with a mini as there are cores."""
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=10 * 2**30))
    assert worker_count(None, "cpu", parameters) == count
    assert worker_gib(640_000_000) > 4 * worker_gib(94_000_000)
