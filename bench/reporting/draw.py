"""All figures of a run."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from bench import workers
from bench.reporting.figures.bars import bars
from bench.reporting.figures.clicks import clicks
from bench.reporting.figures.jitter import jitter
from bench.reporting.figures.picture import Absent, Picture, Saved
from bench.reporting.figures.ranks import ranks
from bench.reporting.figures.reliability import reliability
from bench.reporting.figures.retention import retention
from bench.reporting.figures.sizes import sizes
from bench.reporting.figures.speed import speed
from bench.reporting.gallery.contact_sheets import galleries
from bench.reporting.gallery.outlines import OutlinedPrediction
from bench.reporting.scored_run import ScoredRun

BY_PROMPT: tuple[Callable[[ScoredRun, str], Iterator[Picture | Absent]], ...] = (
    bars,
    ranks,
    sizes,
    reliability,
    speed,
    retention,
)
OF_A_RUN: tuple[Callable[[ScoredRun], Iterator[Picture | Absent]], ...] = (clicks, jitter)


@dataclass(frozen=True, slots=True)
class Drawn:
    """What was drawn and what was not."""

    pictures: tuple[Saved, ...]
    absent: tuple[Absent, ...]


def draw(run: ScoredRun, predictions: Sequence[OutlinedPrediction], jobs: int = 1) -> Drawn:
    """Every figure that the run has data for, and for the others the reason why not.

    Args:
        run: the run.
        predictions: for the galleries.
        jobs: processes; each draws a family and makes its files, which costs more than the drawing.
    """
    tasks: list[workers.Task] = [(_saved, family, run, kind) for kind in run.prompts for family in BY_PROMPT]
    tasks += [(_saved, family, run) for family in OF_A_RUN]
    tasks += [(_saved, galleries, run, predictions, kind) for kind in run.prompts]
    made = list(chain.from_iterable(workers.run(tasks, jobs, "local", "figures", "family")))
    pictures = tuple(one for one in made if isinstance(one, Saved))
    return Drawn(pictures, tuple(one for one in made if isinstance(one, Absent)))


def _saved(family: Callable[..., Iterator[Picture | Absent]], *arguments: Any) -> list[Saved | Absent]:
    return [one.saved() if isinstance(one, Picture) else one for one in family(*arguments)]
