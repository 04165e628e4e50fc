"""Tasks in this process and in several."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import torch

from bench import workers
from bench.errors import WorkerLostError

ROOT = Path(__file__).parents[2]


def process_and_threads(number):
    return number, os.getpid(), torch.get_num_threads()


def leave(folder):
    (folder / str(os.getpid())).touch()


def test_results_come_in_order_and_each_task_has_one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    found = workers.run([(process_and_threads, number) for number in range(5)], 1, "local", "numbers")
    assert found == [(number, os.getpid(), 1) for number in range(5)]
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)


def test_started_processes_are_those_that_run(tmp_path):
    workers.start((leave, tmp_path), 2, "local")()
    started = {int(path.name) for path in tmp_path.iterdir()}
    found = workers.run([(process_and_threads, number) for number in range(6)], 2, "local", "numbers")
    assert [number for number, _, _ in found] == list(range(6))
    assert {process for _, process, _ in found} & started and os.getpid() not in started


GROWN = []


def grow(megabytes):
    GROWN.append(bytearray(os.urandom(1) * (megabytes << 20)))
    time.sleep(1.1)  # joblib looks once a second
    return os.getpid()


def test_a_process_that_grows_is_kept():
    """Its first task is small, the next one takes up 400 MB, and so it would be ended before the third one."""
    found = workers.run([(grow, size) for size in (0, 0, 400, 400, 0, 0)], 2, "local", "growing")
    assert len(set(found)) == 2


@pytest.mark.slow
@pytest.mark.parametrize(("engine", "package"), [("dask", "distributed"), ("ray", "ray")])
def test_other_engines_run_in_processes_of_their_own(engine, package):
    module = pytest.importorskip(package, reason=f"needs pip install 'segmote-bench[{engine}]'")
    try:
        found = workers.run([(process_and_threads, number) for number in range(5)], 2, engine, "numbers")
    finally:
        if engine == "dask":
            workers._dask_client().close()
            workers._dask_client.cache_clear()
        else:
            module.shutdown()
    assert [(number, threads) for number, _, threads in found] == [(number, 1) for number in range(5)]
    assert os.getpid() not in {process for _, process, _ in found}


def be_killed(number):
    if number == 2:
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_worker_is_said_in_a_sentence():
    with pytest.raises(WorkerLostError, match="run the same command again to resume"):
        workers.run([(be_killed, number) for number in range(6)], 2, "local", "numbers")


def test_tasks_of_an_iterator_are_made_one_after_another():
    """The arguments of a task are there no earlier than the one before it is done, and gone after it."""
    made = []

    def tasks():
        for number in range(4):
            made.append(number)
            yield (lambda one: (one, len(made)), number)

    assert workers.run(tasks(), 1, "local", "numbers") == [(number, number + 1) for number in range(4)]


def test_one_job_starts_nothing(tmp_path):
    workers.start((leave, tmp_path), 1, "local")()
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("blow", [signal.SIGTERM, signal.SIGKILL])
def test_workers_end_with_the_process_that_started_them(tmp_path, blow):
    code = (
        "import pathlib, sys, time; from bench import workers; from tests.bench.test_workers import stay\n"
        "workers.run([(stay, pathlib.Path(sys.argv[1]))] * 2, 2, 'local', 'x')"
    )
    started = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, stderr=subprocess.DEVNULL)
    wait_until(lambda: len(list(tmp_path.iterdir())) == 2)
    children = psutil.Process(started.pid).children(recursive=True)
    assert len(children) >= 2
    started.send_signal(blow)
    started.wait()
    _, alive = psutil.wait_procs(children, timeout=30)
    assert not alive


def stay(folder):
    leave(folder)
    time.sleep(120)


def wait_until(true):
    for _ in range(600):
        if true():
            return
        time.sleep(0.2)
    raise AssertionError("not within 120 s")


FREED = """
import os, psutil, sys
from adapters.allocator import keep_memory
from bench import workers
import numpy as np

assert keep_memory()
def fill():
    return sum(int(one.sum()) for one in [np.ones(2**20, np.uint8) for _ in range(200)])

def rss():
    return psutil.Process().memory_info().rss

before = rss()
fill()
kept = rss()
workers.run([(fill,)], 1, "local", "memory")
print((kept - before) >> 20, (rss() - before) >> 20)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the memory of glibc")
def test_a_step_gives_back_the_memory_that_it_freed():
    done = subprocess.run([sys.executable, "-c", FREED], cwd=ROOT, capture_output=True, text=True, check=True)
    kept, after = map(int, done.stdout.split())
    assert kept > 150 and after < 50  # MiB
