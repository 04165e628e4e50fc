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
from bench.reporting.figures.sizes import sizes
from bench.reporting.figures.speed import speed
from bench.reporting.gallery.outlines import View
from bench.reporting.gallery.sheet import galleries
from bench.reporting.material import Material

BY_PROMPT: tuple[Callable[[Material, str], Iterator[Picture | Absent]], ...] = (bars, ranks, sizes, reliability, speed)
OF_A_RUN: tuple[Callable[[Material], Iterator[Picture | Absent]], ...] = (clicks, jitter)


@dataclass(frozen=True, slots=True)
class Drawn:
    """What was drawn and what was not."""

    pictures: tuple[Saved, ...]
    absent: tuple[Absent, ...]


def draw(material: Material, views: Sequence[View], jobs: int = 1) -> Drawn:
    """Every figure that the run has data for, and for the others the reason why not.

    Args:
        material: of the run.
        views: predictions for the galleries.
        jobs: processes; each draws a family and makes its files, which costs more than the drawing.
    """
    tasks: list[workers.Task] = [(_saved, family, material, kind) for kind in material.kinds for family in BY_PROMPT]
    tasks += [(_saved, family, material) for family in OF_A_RUN]
    tasks += [(_saved, galleries, material, views, kind) for kind in material.kinds]
    made = list(chain.from_iterable(workers.run(tasks, jobs, "local", "figures", "family")))
    pictures = tuple(one for one in made if isinstance(one, Saved))
    return Drawn(pictures, tuple(one for one in made if isinstance(one, Absent)))


def _saved(family: Callable[..., Iterator[Picture | Absent]], *arguments: Any) -> list[Saved | Absent]:
    return [one.saved() if isinstance(one, Picture) else one for one in family(*arguments)]
