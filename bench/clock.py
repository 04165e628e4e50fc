"""Where the time of a run goes."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


class Spent(dict[str, float]):
    """Seconds by what they were spent on, such as "read" or "encode"; nothing is 0.

    Example:
        >>> spent = Spent(read=1.0)
        >>> spent.join({"read": 2.0, "write": 0.5})
        >>> spent
        {'read': 3.0, 'write': 0.5}
    """

    def add(self, name: str, seconds: float) -> None:
        """Add seconds to one of them."""
        self[name] = self.get(name, 0.0) + seconds

    def join(self, other: Mapping[str, float]) -> None:
        """Add all of another one."""
        for name, seconds in other.items():
            self.add(name, seconds)

    @contextmanager
    def on(self, name: str) -> Iterator[None]:
        """Add the seconds that the block takes."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.add(name, time.perf_counter() - started)
