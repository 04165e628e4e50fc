"""A limit of time: what hangs without the code under test becomes a failure."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

SECONDS = 60  # on a busy machine


class HangError(Exception):
    """An input took too long."""


@contextmanager
def timed(seconds: int = SECONDS) -> Iterator[None]:
    """Stop what takes too long."""

    def stop(*_: object) -> None:
        raise HangError(f"took more than {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
