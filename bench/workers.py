"""Running many independent tasks, in this process or in several."""

import contextlib
import ctypes
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sized
from concurrent.futures import CancelledError
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from typing import Any

from joblib import Parallel, delayed, parallel_config
from tqdm import tqdm

from bench.errors import RunError, WorkerLostError

SECONDS_BETWEEN_LOOKS = 2
Task = tuple[Any, ...]  # a function and its arguments


def run(tasks: Iterable[Task], jobs: int, engine: str, label: str, unit: str = "case") -> list[Any]:
    """Results of `function(*arguments)` for each task, in order, with a progress bar on a terminal.

    Args:
        tasks: functions with their arguments; both must be picklable if `jobs` > 1. An iterator is asked for a few
            tasks more than there are processes, so that arguments need not all be in memory.
        jobs: processes. One means this process.
        engine: "local", "dask" or "ray"; the latter two use the cluster that their own settings name, if any.
        label, unit: of the progress bar.

    Raises:
        RunError: the engine's package is not installed.
        WorkerLostError: a process was killed from outside.
    """
    total = len(tasks) if isinstance(tasks, Sized) else None
    bar = tqdm(total=total, desc=label, disable=True if total == 0 else None, unit=unit)
    with parallel_config(backend=_backend(engine), n_jobs=jobs), bar:
        results = []
        calls = (delayed(_one_thread)(os.getpid(), *task) for task in tasks)
        try:
            # Ray's back end gives results only all at once.
            how = "list" if engine == "ray" else "generator"
            for result in Parallel(return_as=how, pre_dispatch="2*n_jobs")(calls):
                results.append(result)
                bar.update()
        except _lost(engine):
            raise WorkerLostError(
                "a worker was killed, perhaps for lack of memory; run the same command again to resume, "
                "with a smaller --jobs if it happens again"
            ) from None
        _give_back_memory()
        return results


def _give_back_memory() -> None:
    """Return to the system what this process has freed, so that a step begins with the memory that it needs itself.

    Networks on the CPU keep what they free for their next pass, see `adapters.allocator`; the steps after them compute
    otherwise. Where the C library has no such call, nothing is done.
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def start(task: Task, jobs: int, engine: str) -> Callable[[], None]:
    """Start this machine's processes with a task each, such as an import, while this one does something else.

    Args:
        task: a function and its arguments.
        jobs, engine: of the `run` that will use the processes; one job and other engines start nothing.

    Returns:
        Waits until all have done the task.
    """
    if jobs == 1 or engine != "local":
        return lambda: None
    with parallel_config(backend=_backend(engine), n_jobs=jobs):
        calls = (delayed(_one_thread)(os.getpid(), *task) for _ in range(jobs))
        done = Parallel(return_as="generator", pre_dispatch="all")(calls)
    return lambda: deque(done, maxlen=0).clear()


@cache
def _end_with(parent: int) -> None:
    """End this process once the one that started it has ended, by whatever signal; once started, it stays so."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(SECONDS_BETWEEN_LOOKS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@cache
def _keep_this_process() -> None:
    """Let this process grow: joblib ends one that holds 300 MB more than after its first task, taking it for a leak.

    A larger network, or a first task that needs none, is no leak, and each new process costs seconds of imports.
    """
    from joblib.externals.loky import process_executor  # noqa: PLC0415 - only in processes that joblib started

    process_executor._MAX_MEMORY_LEAK_SIZE = sys.maxsize


def _one_thread(caller: int, function: Callable[..., Any], *arguments: Any) -> Any:
    if os.getppid() == caller:  # a process of ours, not of a cluster
        _end_with(caller)
        _keep_this_process()
    # One thread always: with more, sums are split otherwise and results depend on the number of workers.
    torch = sys.modules.get("torch")  # a task that computes with it has imported it, all others do without
    if torch is None:
        return function(*arguments)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return function(*arguments)
    finally:
        torch.set_num_threads(threads)


@cache
def _dask_client() -> Any:
    """The cluster that dask's own settings name (DASK_SCHEDULER_ADDRESS), or one started on this machine."""
    from dask.distributed import Client  # noqa: PLC0415 - an optional extra

    return Client()


def _lost(engine: str) -> tuple[type[BaseException], ...]:
    """What the engine raises where a worker was killed from outside."""
    if engine != "dask":
        return (BrokenProcessPool,)
    from dask.distributed import KilledWorker  # noqa: PLC0415 - an optional extra

    return CancelledError, KilledWorker


def _backend(engine: str) -> str:
    try:
        if engine == "dask":
            _dask_client()
        elif engine == "ray":
            from ray.util.joblib import register_ray  # noqa: PLC0415 - an optional extra

            register_ray()
    except ImportError as error:
        raise RunError(f"--engine {engine} needs its package: pip install 'segmote-bench[{engine}]'") from error
    return {"local": "loky"}.get(engine, engine)
