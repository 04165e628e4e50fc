"""The switch between the arithmetic as published and our faster one, which gives the same numbers to rounding.

All that this package computes otherwise than the authors' code asks `as_published` first: the proof of equality
(`bench verify-fast`) and the benchmarks run one network both ways.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_PUBLISHED = ContextVar("published", default=False)


def as_published() -> bool:
    """Whether networks compute as their authors' code does."""
    return _PUBLISHED.get()


@contextmanager
def published_arithmetic() -> Iterator[None]:
    """Within it, networks compute as their authors' code does, step by step."""
    token = _PUBLISHED.set(True)
    try:
        yield
    finally:
        _PUBLISHED.reset(token)
