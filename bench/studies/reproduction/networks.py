"""The programme's trainings: SegMoTE on the curated set, and what its ablations share."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from adapters.families.segmote import from_base
from bench.studies.ablations.defaults import AblationData, default_setting
from bench.studies.ablations.setting import NetworkVariant, Setting
from bench.studies.curation.curate import MANIFEST
from bench.studies.reproduction.programme import Programme, zero_shot_names
from segmote.training.files import WEIGHTS
from segmote.training.settings import TrainConfig
from segmote.training.train import train

MODALITIES = 4  # of the smaller subset of the paper's figure 6b
SEED = 0


def ablation_setting(programme: Programme, curated: Path, work: Path, epochs: int | None = None) -> Setting:
    """Data, networks and recipe of all trainings, at the programme's pace.

    Args:
        programme: see there.
        curated: the training set.
        work: folder of trained networks and embeddings.
        epochs: of each training; None for those of an ablation.

    Raises:
        MissingInputError: no weights to start from, or no zero-shot data sets.
    """
    pace, mini = programme.pace, programme.data is None
    few, many = subsets(curated)
    data = AblationData(curated.resolve(), programme.evaluation, few, many, programme.world)
    made = default_setting(data, work, not mini, programme.base(), epochs or pace.ablation_epochs)
    given: Mapping[str, Any] = {"limit": pace.ablation_images, "slices": pace.slices}
    chosen = {name: value for name, value in given.items() if value is not None}
    return replace(made, zero_shot=zero_shot_names(programme), seeds=pace.seeds, most_seeds=pace.seeds, **chosen)


def subsets(curated: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the largest data set of each of the four most common modalities, and of all data sets, in lower case.

    Masks to train on are counted; where there are as many, the first name in the alphabet counts as the larger.
    """
    manifest = pd.read_parquet(curated / MANIFEST, columns=["folder", "modality", "split"])
    learned = manifest[manifest["split"] == "train"]
    common = _largest_first(learned["modality"])[:MODALITIES]
    few = [_largest_first(learned.loc[learned["modality"] == modality, "folder"])[0] for modality in common]
    names = (tuple(sorted({str(name).lower() for name in part})) for part in (few, learned["folder"]))
    return next(names), next(names)


def _largest_first(values: pd.Series) -> list[str]:
    counts = values.value_counts().sort_index().sort_values(ascending=False, kind="stable")
    return [str(name) for name in counts.index]


def train_own(programme: Programme, curated: Path, work: Path, out: Path) -> Path:
    """Train SegMoTE on the curated set by the paper's recipe, or go on where an earlier training was stopped.

    Args:
        programme, curated, work: see `ablation_setting`.
        out: folder of the training.

    Returns:
        The weights file.
    """
    setting = ablation_setting(programme, curated, work, programme.pace.epochs)
    variant = NetworkVariant()
    settings = TrainConfig(
        data=setting.data,
        out=out,
        seed=SEED,
        codes=setting.seven,
        embeddings=setting.embeddings,
        accelerator="cpu" if programme.device == "cpu" else "cuda",
    )
    train(from_base(variant.config(setting), setting.base, SEED), variant.recipe(setting), settings)
    return out / WEIGHTS
