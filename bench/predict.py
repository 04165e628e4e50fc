"""Predict: every model on every case, once, with the frozen prompts."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

import adapters
from adapters.geometry import stretch
from adapters.interface import Card, Prediction, Prompt, Segmenter
from bench import protocols, workers
from bench.config import RunConfig
from bench.data import catalogue
from bench.data.case import DataError, Item, Mask
from bench.data.slicing import Sample, samples
from bench.errors import RunError
from bench.prompting.clicks import Click, next_click, with_clicks
from bench.prompting.kinds import KINDS, applies, on_every_slice
from bench.prompting.table import generator_for, prompt_of
from bench.store.files import write_json
from bench.store.masks import MaskShard
from bench.store.run_folder import candidates_path, predictions_path

SLICES_AT_ONCE = 8


@lru_cache(maxsize=1)
def segmenter(model: str, weights: Path | None, device: str, precision: str, random: bool) -> Segmenter:
    """The model, loaded once a worker; only the last one is kept."""
    source: Path | str | None = "random" if random else weights
    return adapters.load(model, weights=source, device=device, precision=precision)


def load(model: str, config: RunConfig) -> Segmenter:
    """The model of a run. Mini weights come with the package; the weights folder is for the official ones."""
    random = config.allow_random and adapters.card(model).weights is not None
    return segmenter(model, config.weights, config.device, config.precision, random)


def meet(models: Sequence[str]) -> None:
    """Import the families of these models, which takes a worker longer than its first case."""
    for model in models:
        adapters.card(model)


def kinds(card: Card, config: RunConfig) -> list[str]:
    """The prompt kinds of the run that this model may be asked with."""
    return [kind for kind in config.prompts if not applies(card, kind, config.untrained_prompts)]


def predict(config: RunConfig, items: Sequence[Item], table: pd.DataFrame) -> None:
    """Run all models on all cases that have prompts and no predictions yet."""
    rows = {key: group for key, group in table.groupby(["dataset", "case"], sort=False)}
    for model in config.models:
        wanted = kinds(adapters.card(model), config)
        tasks = [
            (_predict_case, model, item, rows[item.dataset, item.case], config)
            for item in items
            if wanted
            and (item.dataset, item.case) in rows
            and not predictions_path(config.out, model, item.dataset, item.case).exists()
        ]
        workers.run(tasks, config.jobs, config.engine, model)


@dataclass(slots=True)
class _Request:
    """One prompt of one target on its way through the rounds."""

    row: Mapping[str, Any]
    sample: Sample
    prompt: Prompt
    clicks: list[Click] = field(default_factory=list)

    @property
    def key(self) -> dict[str, Any]:
        """What the prediction is of."""
        return {name: self.row[name] for name in ("slice", "target", "prompt")}


@dataclass(slots=True)
class _Drawn:
    """What a case's shard will hold, and its timings."""

    index: list[dict[str, Any]] = field(default_factory=list)
    masks: list[Mask | None] = field(default_factory=list)
    seconds: list[dict[str, float]] = field(default_factory=list)
    others: list[tuple[dict[str, Any], Mask]] = field(default_factory=list)  # candidates that were not selected

    def add(self, request: _Request, number: int, mask: Mask | None, **facts: Any) -> None:
        """Keep one mask (None: a failure) and what is known of it."""
        seconds = {name: facts.pop(name, 0.0) for name in ("seconds_encode", "seconds_decode")}
        self.index.append(request.key | {"round": number} | facts)
        self.masks.append(mask)
        self.seconds.append(seconds)

    def join(self, part: "_Drawn") -> None:
        """Add all of another one."""
        self.others += [(facts | {"entry": facts["entry"] + len(self.index)}, mask) for facts, mask in part.others]
        self.index += part.index
        self.masks += part.masks
        self.seconds += part.seconds


def _predict_case(model: str, item: Item, rows: pd.DataFrame, config: RunConfig) -> None:
    """Predict one case and write its shard; a failing slice becomes an entry with its reason."""
    network = load(model, config)
    wanted = kinds(network.card, config)
    by_slice: dict[int, list[Mapping[str, Any]]] = {}
    for row in rows.to_dict("records"):
        if row["prompt"] in wanted:
            by_slice.setdefault(int(row["slice"]), []).append({str(key): value for key, value in row.items()})
    protocol = protocols.load(config.protocol)
    drawn = _Drawn()
    try:
        everything = on_every_slice(row["prompt"] for rows in by_slice.values() for row in rows)
        found = [s for s in samples(catalogue.read(item), protocol, everything) if s.slice in by_slice]
    except DataError as error:  # the data changed since the prompts were drawn
        raise RunError(f"{item.dataset} {item.case} can no longer be read: {error}") from error
    for start in range(0, len(found), SLICES_AT_ONCE):
        chunk = [(s, by_slice[s.slice]) for s in found[start : start + SLICES_AT_ONCE]]
        _predict_slices(network, item, chunk, config, drawn)
    path = predictions_path(config.out, model, item.dataset, item.case)
    # Timings lie beside the masks, so that the masks' file is the same in every run.
    write_json(path.with_suffix(".seconds.json"), drawn.seconds)
    if drawn.others:
        others = MaskShard([facts for facts, _ in drawn.others], [mask for _, mask in drawn.others])
        others.save(candidates_path(config.out, model, item.dataset, item.case))
    MaskShard(drawn.index, drawn.masks).save(path)  # last: a case with this file is done


Chunk = Sequence[tuple[Sample, Sequence[Mapping[str, Any]]]]


def _predict_slices(network: Segmenter, item: Item, chunk: Chunk, config: RunConfig, drawn: _Drawn) -> None:
    """Encode the slices together and decode all their prompts; after an error, slice by slice."""
    part = _Drawn()
    try:
        encoded, seconds = _timed(network, partial(network.encode, [sample.image for sample, _ in chunk]))
        share = seconds / len(chunk)
        requests = [
            (value, _Request(row, sample, prompt_of(row)))
            for value, (sample, rows) in zip(encoded, chunk, strict=True)
            for row in rows
        ]
        _rounds(network, item, requests, config, part, share)
    except (MemoryError, KeyboardInterrupt):
        raise
    except Exception as error:  # the one broad net: whatever a model does, the other slices go on
        if len(chunk) > 1:
            for one in chunk:
                _predict_slices(network, item, [one], config, drawn)
            return
        part = _failed(chunk, config, f"{type(error).__name__}: {error}")
    drawn.join(part)


def _failed(chunk: Chunk, config: RunConfig, reason: str) -> _Drawn:
    part = _Drawn()
    for sample, rows in chunk:
        for row in rows:
            request = _Request(row, sample, Prompt())
            for number in range(1, _last_round(row["prompt"], config) + 1):
                part.add(request, number, None, status="failed", reason=reason, score=None)
    return part


def _last_round(kind: str, config: RunConfig) -> int:
    return config.clicks if KINDS[kind].rounds else 1


def _rounds(
    network: Segmenter,
    item: Item,
    requests: Sequence[tuple[Any, _Request]],
    config: RunConfig,
    part: _Drawn,
    seconds_encode: float,
) -> None:
    """Decode the first prompts of all targets together, then the corrections, round by round."""
    active, number = list(requests), 1
    multimask = protocols.load(config.protocol).multimask
    while active:
        pairs = [(value, request.prompt) for value, request in active]
        predictions, seconds = _timed(network, partial(network.decode, pairs, multimask=multimask))
        for (value, request), prediction in zip(active, predictions, strict=True):
            mask = prediction.mask.cpu().numpy()
            _keep(part, request, number, prediction, mask, seconds_encode, seconds / len(active))
            _keep_others(part, request, prediction, network, value)
            if number < _last_round(request.row["prompt"], config):
                _correct(request, item, number, mask, prediction, config)
        number += 1
        active = [pair for pair in active if number <= _last_round(pair[1].row["prompt"], config)]


def _keep(
    part: _Drawn,
    request: _Request,
    number: int,
    prediction: Prediction,
    mask: Mask,
    seconds_encode: float,
    seconds_decode: float,
) -> None:
    part.add(
        request,
        number,
        _on_native_grid(mask, request),
        status="ok",
        reason=None,
        score=_finite(prediction.score),
        seconds_encode=seconds_encode,
        seconds_decode=seconds_decode,
    )


def _keep_others(part: _Drawn, request: _Request, prediction: Prediction, network: Segmenter, encoded: Any) -> None:
    """Keep the candidates that were not selected, for the last entry: regret and the oracle are scored from them."""
    if len(prediction.candidate_scores) < 2:
        return
    masks = network.masks(encoded, prediction.candidate_logits).cpu().numpy()
    scores = prediction.candidate_scores.tolist()
    for number, (mask, score) in enumerate(zip(masks, scores, strict=True)):
        if number != prediction.selected:
            facts = {"entry": len(part.index) - 1, "candidate": number, "score": _finite(score)}
            part.others.append((facts, _on_native_grid(mask, request)))


def _on_native_grid(mask: Mask, request: _Request) -> Mask:
    native = next(iter(request.sample.native.values())).shape
    return mask if mask.shape == native else stretch(mask, native)  # from a working resolution to the grid of scoring


def _finite(score: float) -> float | None:
    return float(score) if np.isfinite(score) else None


def _correct(request: _Request, item: Item, number: int, mask: Mask, prediction: Prediction, config: RunConfig) -> None:
    """Add the next click; where nothing is wrong the last prompt is repeated, so that every round has a mask."""
    row, target = request.row, request.sample.targets[request.row["target"]]
    if not request.clicks and not pd.isna(row["point_x"]):
        request.clicks.append((row["point_x"], row["point_y"], int(row["point_label"])))
    rng = generator_for(
        config.seed, item.dataset, item.case, request.sample.slice, row["target"], row["prompt"], number + 1
    )
    click = next_click(target, mask, protocols.load(config.protocol), rng, request.clicks)
    if click is None:
        return
    request.clicks.append(click)
    request.prompt = with_clicks(request.prompt, request.clicks, prediction.feedback)


def _timed(network: Segmenter, call: Callable[[], Any]) -> tuple[Any, float]:
    device = next((parameter.device for parameter in network.network.parameters()), torch.device("cpu"))
    start = time.perf_counter()
    result = call()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return result, time.perf_counter() - start
