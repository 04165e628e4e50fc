"""What a network learns, stage by stage, as data."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bench.miniworld.training.batches import Variation


@dataclass(frozen=True, slots=True)
class Stage:
    """One cosine of the learning rates.

    Attributes:
        name: for the log.
        steps: of the optimisers.
        worlds: keys of `pools.SAMPLERS` that pictures come from.
        muon, adamw: highest learning rates, of the matrices of linear layers and of all else.
        pictures: per step.
        objects: per picture, at most.
        learns: prefixes of the parameters that learn.
        frozen_share: of the steps, at the beginning, in which the image encoder does not learn.
        first: kinds of first prompt and how often each is drawn.
        noisy_share: of the boxes.
        rounds: most rounds of a step.
        rounds_share: of the steps in the stage's first and second half have more rounds than one.
        brightness, membership: weights of the auxiliary losses.
        one_contrast: shares of the steps until which only objects brighter than their surroundings are drawn, and
            from which on all are.
        localises: targets are ellipses of random boxes instead of objects: what a box means is learned before masks.
        variation: of the pictures.
        weight_decay: of both optimisers.
    """

    name: str
    steps: int
    worlds: tuple[str, ...]
    muon: float
    adamw: float
    pictures: int = 8
    objects: int = 6
    learns: tuple[str, ...] = ("",)
    frozen_share: float = 0.0
    first: Mapping[str, float] = field(default_factory=lambda: {"box": 0.5, "click": 0.5})
    noisy_share: float = 0.3
    rounds: int = 1
    rounds_share: tuple[float, float] = (0.0, 0.0)
    brightness: float = 0.0
    membership: float = 0.0
    one_contrast: tuple[float, float] | None = None
    localises: bool = False
    variation: Variation = field(default_factory=Variation)
    weight_decay: float = 0.02
