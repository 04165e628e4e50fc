"""All figures of a run."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bench.figures.bars import bars
from bench.figures.clicks import clicks
from bench.figures.gallery import galleries
from bench.figures.jitter import jitter
from bench.figures.material import Material
from bench.figures.picture import Absent, Picture
from bench.figures.ranks import ranks
from bench.figures.reliability import reliability
from bench.figures.sizes import sizes
from bench.figures.speed import speed
from bench.figures.views import View

BY_PROMPT: tuple[Callable[[Material, str], Iterator[Picture | Absent]], ...] = (bars, ranks, sizes, reliability, speed)
OF_A_RUN: tuple[Callable[[Material], Iterator[Picture | Absent]], ...] = (clicks, jitter)


@dataclass(frozen=True, slots=True)
class Drawn:
    """What was drawn and what was not."""

    pictures: tuple[Picture, ...]
    absent: tuple[Absent, ...]


def draw(material: Material, views: Sequence[View]) -> Drawn:
    """Every figure that the run has data for, and for the others the reason why not.

    Args:
        material: of the run.
        views: predictions for the galleries.
    """
    made = [one for kind in material.kinds for family in BY_PROMPT for one in family(material, kind)]
    made += [one for family in OF_A_RUN for one in family(material)]
    made += [one for kind in material.kinds for one in galleries(material, views, kind)]
    pictures = tuple(one for one in made if isinstance(one, Picture))
    return Drawn(pictures, tuple(one for one in made if isinstance(one, Absent)))
