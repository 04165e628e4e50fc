"""How many processes a run is worth: each costs seconds before it does anything."""

from collections.abc import Iterable

import pandas as pd

import adapters
from bench.config import RunConfig
from bench.data.case import Item
from bench.predicting import predict
from bench.prompting.kinds import KINDS

# Measured on one core of an AMD Zen 4 at 3 GHz: importing torch and a family; SAM's mini and ViT-B at their sizes.
SECONDS_TO_START = 2.5
SECONDS_PER_IMAGE, SECONDS_PER_PROMPT = 0.02, 0.005  # of a network without parameters, as it were
SECONDS_PER_IMAGE_AND_PARAMETER, SECONDS_PER_PROMPT_AND_PARAMETER = 4e-8, 8e-10
BYTES_PER_SECOND = 20e6  # of packed files that are read and sliced


def worth(seconds: float, jobs: int) -> int:
    """The number of processes, at most `jobs`, with which work of so many seconds ends first.

    Example:
        >>> worth(8.0, 4), worth(30.0, 4), worth(3600.0, 4)
        (1, 3, 4)
    """
    # Processes start beside each other, on cores that others of them need: each adds its own start.
    return min(range(1, jobs + 1), key=lambda count: seconds / count + (SECONDS_TO_START * count if count > 1 else 0))


def reading_seconds(items: Iterable[Item]) -> float:
    """About how long the cases take to be read, by the sizes of their files."""
    paths = [path for item in items for path in item.files.values()]
    return sum(path.stat().st_size for path in paths if path.is_file()) / BYTES_PER_SECOND


def predicting_seconds(config: RunConfig, prompts: pd.DataFrame) -> float:
    """About how long all models take for all prompts on one core of a CPU.

    Args:
        config: of the run.
        prompts: `prompts.parquet`.
    """
    together = 0.0
    for model in config.models:
        card = adapters.card(model)
        asked = prompts[prompts["prompt"].isin(predict.kinds(card, config))]
        images = len(asked[["dataset", "case", "slice"]].drop_duplicates())
        rounds = sum(config.clicks if KINDS[kind].rounds else 1 for kind in asked["prompt"])
        together += images * (SECONDS_PER_IMAGE + SECONDS_PER_IMAGE_AND_PARAMETER * card.parameters)
        together += rounds * (SECONDS_PER_PROMPT + SECONDS_PER_PROMPT_AND_PARAMETER * card.parameters)
    return together
