"""Many hostile inputs, drawn by hypothesis, in this process with bounded memory: `python -m tests.fuzz.campaign 1000`.

Prints what was tried, and exits with 1 where anything but a right answer or a refusal came of it. A crash of the
interpreter ends the process, which is why the tests run it in a child.
"""

import argparse
import logging
import tempfile
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

from tests.fuzz import models, readers, stored
from tests.fuzz.outcomes import Tally, bound_memory

Attack = tuple[SearchStrategy[Any], Callable[[Any], None]]
SHARES = {"readers": 6, "stored": 2, "models": 2}  # of ten inputs
IN_MEMORY = Path("/dev/shm")  # writing a file on a disk takes longer than reading all of a tiny data set
BATCH = 200  # inputs of one draw of hypothesis, which gets slow in long ones


def drawn(strategy: SearchStrategy[Any], attack: Callable[[Any], None], count: int, number: int, stop: float) -> None:
    """Draw `count` inputs and try each; an escaped error is counted and does not end the draw, `stop` does."""
    chosen = settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )

    @seed(number)
    @chosen
    @given(strategy)
    def one(case: Any) -> None:
        if time.monotonic() < stop:
            attack(case)

    one()


def attacks(folder: Path, tally: Tally, only: str | None) -> dict[str, list[Attack]]:
    """What each kind of target draws from and what it does with a draw, one entry per target."""
    made = {
        "readers": lambda: [
            (readers.CASES, partial(readers.Attacked(*target, folder).attack, tally)) for target in readers.TARGETS
        ],
        "stored": lambda: [
            (stored.CASES, partial(stored.Attacked(name, folder).attack, tally)) for name in stored.FILES
        ],
        "models": lambda: [(models.hostile(family), partial(models.attack, tally)) for family in models.FAMILIES],
    }
    return {name: make() for name, make in made.items() if only in (None, name)}


def main() -> int:
    """Run the campaign that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "count", type=int, help="inputs, of each kind by `SHARES`, the same of each target within a kind"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop drawing after this time")
    parser.add_argument("--only", choices=["readers", "stored", "models"])
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable()  # nibabel tells of every odd header
    torch.set_num_threads(1)
    for family in models.FAMILIES if options.only in (None, "models") else ():
        models.segmenter(family)
    bound_memory()
    tally, stop = Tally(), time.monotonic() + options.seconds
    with tempfile.TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as folder:
        by_kind = attacks(Path(folder), tally, options.only)
        whole = sum(SHARES[kind] for kind in by_kind)
        for kind, targets in by_kind.items():
            share = -(-options.count * SHARES[kind] // (whole * len(targets)))
            for number, (strategy, attack) in enumerate(targets):
                for first in range(0, share, BATCH):
                    drawn(strategy, attack, min(BATCH, share - first), hash((options.seed, number, first)), stop)
                print(f"{kind} {number + 1} of {len(targets)}: {tally.count} inputs so far", flush=True)
    report(tally)
    return 1 if tally.uncaught else 0


def report(tally: Tally) -> None:
    """Print what was tried and what came of it."""
    print(f"{tally.count} inputs: {sum(tally.answered.values())} answered, {sum(tally.refused.values())} refused")
    for target in sorted(tally.answered | tally.refused):
        print(f"  {target}: {tally.answered[target]} answered, {tally.refused[target]} refused")
    for text, times in tally.uncaught.most_common():
        print(f"  ESCAPED {times} times: {text}")


if __name__ == "__main__":
    raise SystemExit(main())
