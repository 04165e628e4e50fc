"""What a run is about: real data or phantoms, official weights or mini ones, and the sentence that says so."""

from collections.abc import Sequence

import adapters
from bench.config import World


def text(models: Sequence[str], world: World, random: bool = False, prompted: str = "none") -> str:
    """What every caption carries: which weights on which data, and whose masks were given.

    Args:
        models: of the run.
        world: whether the data are real.
        random: whether the weights are untrained.
        prompted: the prompts that the tools were given whose masks stand among the models.
    """
    given = [adapters.card(name).title for name in models if name.startswith("masks/")]
    sentence = _weights_text(models, world, random)
    if not given:
        return sentence
    return (
        f"{sentence} Masks that were given, not made here (prompt: {prompted}; all slices of a volume count): "
        f"{', '.join(given)}."
    )


def _weights_text(models: Sequence[str], world: World, random: bool) -> str:
    own = [name for name in models if name not in adapters.REGISTRY and not name.startswith("masks/")]
    if own:
        rest = [name for name in models if name not in own]
        return f"{_weights_text(rest, world, random)} Models of other packages: {', '.join(own)}."
    learned = [name for name in models if is_learned(name)]
    data_text = "real data" if world == "real" else "phantom data"
    if not learned:
        return f"Baselines without weights on {data_text}."
    if random:
        return f"RANDOM, untrained weights on {data_text}: the numbers mean nothing."
    if learned[0].endswith("/mini"):
        return f"Mini weights on {data_text}: the numbers say nothing about the published models."
    return f"Official weights on {data_text}."


def is_learned(model: str) -> bool:
    """True unless the model is a rule without weights."""
    return adapters.card(model).weights is not None
