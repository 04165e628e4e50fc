"""The trained networks of an ablation, each in a folder of its own; finished ones are reused."""

import contextlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pandas as pd
import torch
from joblib import Parallel, delayed
from tqdm import tqdm

import adapters
from adapters.families.segmote import SegmoteSegmenter, from_base, trained
from bench.reporting.tables.safe_text import csv_name, csv_text
from bench.store.files import write_bytes
from bench.studies.ablations.setting import NetworkVariant, Setting
from bench.studies.ablations.summary import MEAN, by_seed, trainings_needed
from bench.studies.ablations.testing import Suite, averages, encode, measured, tests
from bench.studies.answers import pieces
from segmote.training.data import find_items
from segmote.training.embeddings import encode_missing, open_store
from segmote.training.files import WEIGHTS
from segmote.training.settings import TrainConfig
from segmote.training.train import train

LOG = "training.log"
TEXTS = dict.fromkeys(("dataset", "patient", "case", "target"), csv_name)


def records(setting: Setting, variants: Sequence[NetworkVariant], suites: Sequence[Suite], jobs: int) -> pd.DataFrame:
    """Dice of every variant, seed and suite; trains and tests what is missing.

    Variants whose trainings differ so much that the interval of their mean is wide are trained more often.

    Args:
        setting: where and how.
        variants: different from each other.
        suites: to be tested on.
        jobs: worker processes, of one thread each.

    Returns:
        Rows of `bench.studies.ablations.testing.measured`, with `variant` (index into `variants`), `seed` and `suite`.
    """
    counts = [setting.seeds] * len(variants)
    while True:
        _complete(
            setting, [(one, seed) for one, n in zip(variants, counts, strict=True) for seed in range(n)], suites, jobs
        )
        found = _read(setting, variants, counts, suites)
        needed = _needed(setting, found, suites)
        if needed == counts:
            return found
        counts = needed


def _complete(
    setting: Setting, tasks: Sequence[tuple[NetworkVariant, int]], suites: Sequence[Suite], jobs: int
) -> None:
    open_tasks = [task for task in tasks if not all(_result(setting, *task, suite).exists() for suite in suites)]
    if open_tasks:
        prepare(setting, suites)
        done = Parallel(jobs, return_as="generator_unordered")(delayed(_one)(setting, *t, suites) for t in open_tasks)
        bar = tqdm(done, "networks", len(tasks), initial=len(tasks) - len(open_tasks), unit="network")
        for name in bar:
            bar.set_postfix_str(name)


def _read(
    setting: Setting, variants: Sequence[NetworkVariant], counts: Sequence[int], suites: Sequence[Suite]
) -> pd.DataFrame:
    parts = [
        pd.read_csv(_result(setting, variant, seed, suite), converters=TEXTS).assign(
            variant=index, seed=seed, suite=suite
        )
        for index, variant in enumerate(variants)
        for seed in range(counts[index])
        for suite in suites
    ]
    return pd.concat(parts, ignore_index=True)


def _needed(setting: Setting, found: pd.DataFrame, suites: Sequence[Suite]) -> list[int]:
    """How many trainings each variant needs, by the suite on which they differ most."""
    counts = found.groupby("variant")["seed"].nunique()
    for suite in suites:
        means = by_seed(found[found["suite"] == suite], partial(averages, setting=setting, suite=suite))[MEAN]
        needed = means.groupby(level="variant").agg(lambda part: trainings_needed(part.to_list(), setting.most_seeds))
        counts = counts.combine(needed, max)
    return [int(count) for count in counts]


def prepare(setting: Setting, suites: Sequence[Suite]) -> None:
    """Encode all images of trainings and tests, so that the workers find every embedding on disk."""
    network = from_base(setting.network, setting.base)
    store = open_store(network, setting.embeddings, False)
    files = {item.image: store.path(item.image) for item in find_items(setting.data, setting.seven, setting.limit)}
    encode_missing(network, store, files, lambda pairs: tqdm(pairs, "embeddings to learn from", unit="image"))
    segmenter = SegmoteSegmenter(adapters.card(setting.card), network, torch.device("cpu"), "fp32")
    for suite in suites:
        for piece in tqdm(list(pieces(tests(setting, suite).slices, 16)), f"embeddings, {suite}", unit="16 images"):
            encode(segmenter, store, piece)


def _one(setting: Setting, variant: NetworkVariant, seed: int, suites: Sequence[Suite]) -> str:
    """Train if necessary and test on the missing suites; returns the folder's name."""
    torch.set_num_threads(1)
    folder = variant.folder(setting, seed)
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / WEIGHTS).exists():
        _train(setting, variant, seed, folder)
    segmenter = trained(variant.config(setting), folder / WEIGHTS, adapters.card(setting.card))
    for suite in suites:
        path = _result(setting, variant, seed, suite)
        if not path.exists():
            write_bytes(path, csv_text(measured(segmenter, setting, suite)).encode())
    return folder.name


def _train(setting: Setting, variant: NetworkVariant, seed: int, folder: Path) -> None:
    """Train one network; the output of parallel trainings goes into a log file each."""
    settings = TrainConfig(
        data=setting.data,
        out=folder,
        seed=seed,
        codes=setting.codes(variant.subset),
        limit=setting.limit,
        embeddings=setting.embeddings,
        accelerator="cpu",
    )
    with (folder / LOG).open("a") as log, contextlib.redirect_stderr(log), contextlib.redirect_stdout(log):
        train(from_base(variant.config(setting), setting.base, seed), variant.recipe(setting), settings)


def _result(setting: Setting, variant: NetworkVariant, seed: int, suite: Suite) -> Path:
    return variant.folder(setting, seed) / f"dice-{suite}.csv"
