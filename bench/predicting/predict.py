"""Predict: every model on every case, once, with the frozen prompts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import pandas as pd

import adapters
from adapters.interface import Card, Segmenter
from bench import protocols, workers
from bench.clock import Spent
from bench.config import RunConfig
from bench.data.case import Item
from bench.data.given_masks import FAMILY, given_models
from bench.errors import RunError
from bench.predicting.by_slice import AskedCase, predict_by_slice, room, samples
from bench.predicting.devices import own_device
from bench.predicting.propagate import predict_volume
from bench.predicting.rounds import CasePredictions
from bench.predicting.take_masks import take_masks
from bench.prompting.kinds import applies
from bench.store.files import write_json
from bench.store.masks import MaskShard, is_whole
from bench.store.run_folder import beyond_path, candidates_path, predictions_path, seconds_path, timings


@lru_cache(maxsize=1)
def load(model: str, config: RunConfig) -> Segmenter:
    """The model of a run, loaded once per worker; only the last one is kept.

    Mini weights come with the package; the weights folder is for the official ones.
    """
    has_network = adapters.card(model).weights is not None
    weights = "random" if config.allow_random and has_network else config.weights
    segmenter = adapters.load(model, weights, own_device(config.device), config.precision)
    if config.cache is None or not has_network:
        return segmenter
    from adapters.embedding_cache import CachedSegmenter, EmbeddingCache  # noqa: PLC0415 - only where it is asked for

    return CachedSegmenter(segmenter, EmbeddingCache(config.cache))


def import_families(models: Sequence[str]) -> None:
    """Import the families of these models, which takes a worker longer than its first case."""
    for model in models:
        if not model.startswith(FAMILY):
            adapters.family(model)


def kinds(card: Card, config: RunConfig) -> list[str]:
    """The prompt kinds of the run that this model may be asked with."""
    return [kind for kind in config.prompts if not applies(card, kind, config.untrained_prompts)]


Asked = tuple[Item, pd.DataFrame]  # a case and its rows of `prompts.parquet`


def missing(config: RunConfig, items: Sequence[Item], table: pd.DataFrame) -> dict[str, list[workers.Task]]:
    """For each model what has prompts and no predictions yet, as tasks for `predict`."""
    rows = {key: group for key, group in table.groupby(["dataset", "case"], sort=False)}
    asked = [(item, rows[item.dataset, item.case]) for item in items if (item.dataset, item.case) in rows]
    given = dict(given_models(config.masks))
    found: dict[str, list[workers.Task]] = {}
    for model in config.models:
        done = partial(is_predicted, config.out, model)
        if model in given:
            found[model] = [(take_masks, given[model], *one, config) for one in asked if not done(one[0])]
            continue
        card = adapters.card(model)
        wanted = kinds(card, config)
        cases = [(item, part[part["prompt"].isin(wanted)]) for item, part in asked] if wanted else []
        found[model] = [
            (_predict_batch, model, batch, config)
            for batch in batches(cases, 1 if _propagates(card, config) else room(card, config.device))
            if not all(done(item) for item, _ in batch)
        ]
    return found


def batches(cases: Iterable[Asked], slices_at_once: int) -> Iterator[list[Asked]]:
    """Cases whose slices share a model's passes.

    They follow from the prompts alone: a resumed run predicts with the same companions, and so draws the same masks.

    Args:
        cases: in the order of the run.
        slices_at_once: slices of a pass; a case with as many or more is a batch of its own.
    """
    batch: list[Asked] = []
    filled = 0
    for item, rows in cases:
        slices = rows["slice"].nunique()
        if batch and filled + slices > slices_at_once:
            yield batch
            batch, filled = [], 0
        batch.append((item, rows))
        filled += slices
    if batch:
        yield batch


def _propagates(card: Card, config: RunConfig) -> bool:
    return card.propagates and protocols.load(config.protocol).prompted != "every"


def predict(config: RunConfig, tasks: Mapping[str, Sequence[workers.Task]]) -> Spent:
    """Run the models on what is missing; the seconds that this took."""
    spent = Spent()
    for model, its in tasks.items():
        for one in workers.run(its, config.jobs, config.engine, model):
            spent.join(one)
    return spent


def is_predicted(run: Path, model: str, item: Item) -> bool:
    """True if all that a model's prediction of a case consists of can be read; it is predicted again otherwise."""
    path, others = (find(run, model, item.dataset, item.case) for find in (predictions_path, candidates_path))
    try:
        timings(path, len(MaskShard.load(path, _about(model, item)).index))
    except RunError:
        return False
    if model.startswith(FAMILY):
        others = beyond_path(run, model, item.dataset, item.case)
        return is_whole(others, _about(model, item))
    return not others.exists() or is_whole(others, _about(model, item))


def _about(model: str, item: Item) -> dict[str, str]:
    return {"model": model, "dataset": item.dataset, "case": item.case}


def _predict_batch(model: str, batch: Sequence[Asked], config: RunConfig) -> Spent:
    """Predict cases and write their shards; a failing slice becomes an entry with its reason.

    Returns:
        The seconds that it took.
    """
    network: Any = load(model, config)
    spent = Spent()
    cases = [AskedCase(item, _plain(rows)) for item, rows in batch]
    if _propagates(network.card, config):
        for case in cases:
            with spent.on("read"):
                volume = list(samples(case, config, None))
            predict_volume(network, case, volume, config, spent)
    else:
        predict_by_slice(network, cases, config, spent)
    with spent.on("write"):
        for case in cases:
            _write(model, case.item, case.drawn, config)
    return spent


def _plain(rows: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in rows.to_dict("records")]


def _write(model: str, item: Item, drawn: CasePredictions, config: RunConfig) -> None:
    path, about = predictions_path(config.out, model, item.dataset, item.case), _about(model, item)
    # Timings lie beside the masks, so that the masks' file is the same in every run.
    write_json(seconds_path(path), drawn.seconds)
    if drawn.others:
        others = MaskShard(drawn.others, drawn.other_masks, about)
        others.save(candidates_path(config.out, model, item.dataset, item.case))
    MaskShard(drawn.index, drawn.masks, about).save(path)  # last: a case with this file is done
