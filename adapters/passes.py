"""How many items go through a network at once; fewer where the device's memory runs out."""

import warnings
from collections.abc import Callable, Sequence
from typing import TypeVar

import torch

T = TypeVar("T")
R = TypeVar("R")


class Passes:
    """Splits items into passes. When the device runs out of memory, the size of a pass is halved for good.

    Args:
        most: items per pass at first.

    Raises:
        ValueError: `most` is less than one.
    """

    def __init__(self, most: int) -> None:
        if most < 1:
            raise ValueError(f"a pass needs at least one item, got {most}")
        self.most = most

    def through(self, items: Sequence[T], call: Callable[[Sequence[T]], Sequence[R]]) -> list[R]:
        """Results of `call` for all items, in order.

        Args:
            items: any number.
            call: takes at most `most` items and returns one result for each.

        Raises:
            torch.OutOfMemoryError: even one item does not fit.
        """
        results: list[R] = []
        while len(results) < len(items):
            part = items[len(results) : len(results) + self.most]
            done = self._tried(part, call)
            if done is None:
                # Outside of the handler, which would keep the tensors of the failed pass alive.
                self._halve(len(part))
            else:
                results += done
        return results

    def _tried(self, part: Sequence[T], call: Callable[[Sequence[T]], Sequence[R]]) -> Sequence[R] | None:
        try:
            return call(part)
        except torch.OutOfMemoryError:
            if len(part) == 1:
                raise
            return None

    def _halve(self, failed: int) -> None:
        self.most = max(1, failed // 2)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        warnings.warn(f"out of memory with {failed} items in one pass; going on with at most {self.most}", stacklevel=3)
