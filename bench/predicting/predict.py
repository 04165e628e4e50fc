"""Predict: every model on every case, once, with the frozen prompts."""

from collections.abc import Container, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

import adapters
from adapters.interface import Card, Segmenter
from bench import protocols, workers
from bench.clock import Spent
from bench.config import RunConfig
from bench.data.case import DataError, Item
from bench.data.given_masks import FAMILY, given_models
from bench.data.slicing import Sample, sample
from bench.errors import RunError
from bench.predicting.devices import own_device
from bench.predicting.propagate import predict_volume
from bench.predicting.rounds import (
    CasePredictions,
    Chunk,
    Request,
    decode_rounds,
    failed_slices,
    timed,
)
from bench.predicting.take_masks import take_masks
from bench.prompting.kinds import applies, on_every_slice
from bench.prompting.table import prompt_of
from bench.store import slice_cache
from bench.store.files import write_json
from bench.store.masks import MaskShard, is_whole
from bench.store.run_folder import beyond_path, candidates_path, predictions_path, seconds_path, timings

# Slices whose prompts are decoded together, round by round. Fixed for each device: sums depend on who shares a batch.
SLICES_AT_ONCE = {"cpu": 8, "cuda": 64}


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


def missing(config: RunConfig, items: Sequence[Item], table: pd.DataFrame) -> dict[str, list[workers.Task]]:
    """For each model the cases that have prompts and no predictions yet, as tasks for `predict`."""
    rows = {key: group for key, group in table.groupby(["dataset", "case"], sort=False)}
    found: dict[str, list[workers.Task]] = {}
    given = dict(given_models(config.masks))
    for model in config.models:
        wanted = kinds(adapters.card(model), config)
        task = (take_masks, given[model]) if model in given else (_predict_case, model)
        found[model] = [
            (*task, item, rows[item.dataset, item.case], config)
            for item in items
            if wanted and (item.dataset, item.case) in rows and not is_predicted(config.out, model, item)
        ]
    return found


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


def _predict_case(model: str, item: Item, rows: pd.DataFrame, config: RunConfig) -> Spent:
    """Predict one case and write its shard; a failing slice becomes an entry with its reason.

    Returns:
        The seconds that it took.
    """
    network: Any = load(model, config)
    wanted = kinds(network.card, config)
    asked = [{str(k): v for k, v in row.items()} for row in rows.to_dict("records") if row["prompt"] in wanted]
    drawn = CasePredictions()
    if network.card.propagates and protocols.load(config.protocol).prompted != "every":
        with drawn.spent.on("read"):
            volume = list(_samples(item, config, asked, None))
        predict_volume(network, item, volume, asked, config, drawn)
    else:
        _predict_by_slice(network, item, asked, config, drawn)
    with drawn.spent.on("write"):
        _write(model, item, drawn, config)
    return drawn.spent


def _predict_by_slice(
    network: Segmenter, item: Item, asked: Sequence[Mapping[str, Any]], config: RunConfig, drawn: CasePredictions
) -> None:
    by_slice: dict[int, list[Mapping[str, Any]]] = {}
    for row in asked:
        by_slice.setdefault(int(row["slice"]), []).append(row)
    found = _samples(item, config, asked, by_slice)
    for samples in _chunks(found, config.device.partition(":")[0], drawn.spent):
        chunk = [(one, by_slice[one.slice]) for one in samples]
        _predict_slices(network, item, chunk, config, drawn)


def _chunks(found: Iterator[Sample], device: str, spent: Spent) -> Iterator[list[Sample]]:
    """Slices that go together; a GPU computes while a thread reads the next ones, a CPU has nothing to spare for it."""
    size = SLICES_AT_ONCE.get(device, SLICES_AT_ONCE["cpu"])

    def following() -> list[Sample]:
        with spent.on("read"):
            return list(islice(found, size))

    if device == "cpu":
        while chunk := following():
            yield chunk
        return
    with ThreadPoolExecutor(1) as reader:
        ahead = reader.submit(following)
        while chunk := ahead.result():
            ahead = reader.submit(following)
            yield chunk


def _write(model: str, item: Item, drawn: CasePredictions, config: RunConfig) -> None:
    path, about = predictions_path(config.out, model, item.dataset, item.case), _about(model, item)
    # Timings lie beside the masks, so that the masks' file is the same in every run.
    write_json(seconds_path(path), drawn.seconds)
    if drawn.others:
        others = MaskShard(drawn.others, drawn.other_masks, about)
        others.save(candidates_path(config.out, model, item.dataset, item.case))
    MaskShard(drawn.index, drawn.masks, about).save(path)  # last: a case with this file is done


def _samples(
    item: Item, config: RunConfig, asked: Sequence[Mapping[str, Any]], wanted: Container[int] | None
) -> Iterator[Sample]:
    """The slices of a case that are wanted (None: all), one after another."""
    protocol = protocols.load(config.protocol)
    everything = protocol.prompted != "every" or on_every_slice(row["prompt"] for row in asked)
    try:
        for one in slice_cache.planes(config.out, item, protocol, everything, wanted, keeping=True):
            yield sample(one, protocol)
    except DataError as error:  # the data changed since the prompts were drawn
        raise RunError(f"{item.dataset} {item.case} can no longer be read: {error}") from error


def _predict_slices(network: Segmenter, item: Item, chunk: Chunk, config: RunConfig, drawn: CasePredictions) -> None:
    """Encode the slices together and decode all their prompts; after an error, slice by slice."""
    part = CasePredictions()
    try:
        encoded, seconds = timed(network, partial(network.encode, [sample.image for sample, _ in chunk]))
        part.spent.add("encode", seconds)
        share = seconds / len(chunk)
        requests = [
            (value, Request(row, sample, prompt_of(row)))
            for value, (sample, rows) in zip(encoded, chunk, strict=True)
            for row in rows
        ]
        decode_rounds(network, item, requests, config, part, share)
    except (MemoryError, KeyboardInterrupt):
        raise
    except Exception as error:  # the one broad net: whatever a model does, the other slices go on
        if len(chunk) > 1:
            for one in chunk:
                _predict_slices(network, item, [one], config, drawn)
            return
        part = failed_slices(chunk, config, f"{type(error).__name__}: {error}")
    drawn.join(part)
