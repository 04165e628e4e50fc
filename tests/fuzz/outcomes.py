"""What may happen to a hostile input: a right answer or a refusal with its reason, in bounded time and memory."""

import resource
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.helpers.time_limit import timed

GIB = 2**30
MEMORY_GIB = 3  # of addresses beyond what the libraries hold at the start


@dataclass(slots=True)
class Tally:
    """What was tried.

    Attributes:
        answered, refused: by target.
        uncaught: the last lines of the traceback of each kind of escaped error, and how often.
    """

    answered: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    uncaught: Counter[str] = field(default_factory=Counter)

    @property
    def count(self) -> int:
        """Of all inputs."""
        return sum(self.answered.values()) + sum(self.refused.values()) + sum(self.uncaught.values())

    def add(self, target: str, call: Callable[[], bool], refusals: tuple[type[Exception], ...]) -> None:
        """Try one input: `call` returns whether it was answered; only `refusals` may be raised."""
        try:
            with timed():
                answered = call()
        except refusals:
            answered = False
        except Exception as error:
            self.uncaught[f"{target}: {type(error).__name__}: {str(error)[:120]} {_where(error)}"] += 1
            return
        (self.answered if answered else self.refused)[target] += 1


def _where(error: Exception) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"({Path(frame.filename).name}:{frame.lineno})"


def bound_memory() -> None:
    """Let this process address some GiB more than it does now; what asks for more gets a `MemoryError`."""
    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY_GIB * GIB,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
