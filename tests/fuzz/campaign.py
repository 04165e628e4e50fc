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
from pathlib import Path
from typing import Any

import torch
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

from tests.fuzz import models, readers
from tests.fuzz.outcomes import Tally, bound_memory


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


def main() -> int:
    """Run the campaign that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, help="inputs, half of them for readers, half for models")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop drawing after this time")
    parser.add_argument("--only", choices=["readers", "models"])
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable()  # nibabel tells of every odd header
    torch.set_num_threads(1)
    for family in models.FAMILIES if options.only != "readers" else ():
        models.segmenter(family)
    bound_memory()
    tally, stop, number = Tally(), time.monotonic() + options.seconds, options.seed
    with tempfile.TemporaryDirectory() as folder:
        attacks = {
            "readers": (readers.hostile(), lambda case: readers.attack(Path(folder) / "data", tally, case)),
            "models": (models.hostile(), lambda case: models.attack(tally, case)),
        }
        chosen = [options.only] if options.only else list(attacks)
        while tally.count < options.count and time.monotonic() < stop:
            batch = min(100, -(-(options.count - tally.count) // len(chosen)))
            before = tally.count
            for name in chosen:
                drawn(*attacks[name], batch, number, stop)
            number += 1
            if tally.count == before:
                break
    print(f"{tally.count} inputs: {sum(tally.answered.values())} answered, {sum(tally.refused.values())} refused")
    for target in sorted(tally.answered | tally.refused):
        print(f"  {target}: {tally.answered[target]} answered, {tally.refused[target]} refused")
    for text, times in tally.uncaught.most_common():
        print(f"  ESCAPED {times} times: {text}")
    return 1 if tally.uncaught else 0


if __name__ == "__main__":
    raise SystemExit(main())
