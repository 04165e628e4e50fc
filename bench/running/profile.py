"""Where the time of a run went: what its processes did, and how much of the device its models used."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch.utils.flop_counter import FlopCounterMode

import adapters
from adapters.interface import Points, Prompt, Segmenter
from bench.config import RunConfig
from bench.errors import RunError
from bench.predicting import predict
from bench.store.records import read_records
from bench.store.run_facts import STEPS, RunFacts

SIDE = 512  # of the picture that operations are counted on; networks bring every picture to their own size
MATRIX = {"cpu": 2048, "cuda": 8192}
COLUMNS = ("model", "dataset", "case", "slice", "metric", "status", "seconds_encode", "seconds_decode")


def step_rows(facts: RunFacts) -> list[tuple[str, str, float, float]]:
    """Rows of step, what its processes did, seconds and percent of all steps.

    Raises:
        RunError: the run kept no such times.
    """
    if not facts.spent:
        raise RunError(
            f"{facts.config.out} kept no times of its steps; run the same command with --no-resume to measure it"
        )
    total = sum(facts.spent.values())
    parts = ((name.partition(":"), seconds) for name, seconds in facts.spent.items())
    rows = [(step, what, seconds, 100 * seconds / total) for (step, _, what), seconds in parts]
    return sorted(rows, key=lambda row: (STEPS.index(row[0]), -row[2]))


def model_rows(run: Path, facts: RunFacts) -> Iterator[tuple[Any, ...]]:
    """Rows of model, images and their milliseconds, GFLOP and MFU in percent each, then the same of prompts."""
    records = read_records(run, COLUMNS).query("metric == 'dice' and status != 'failed'")
    rate = matmul_rate(torch.device(facts.config.device), facts.config.precision)
    for model, part in records.groupby("model", sort=False):
        images = part.drop_duplicates(["dataset", "case", "slice"])
        counted = flops(str(model), facts.config) if facts.models[str(model)].parameters else None
        yield (
            model,
            *_shares(len(images), images["seconds_encode"], counted.image if counted else None, rate),
            *_shares(len(part), part["seconds_decode"], counted.prompt if counted else None, rate),
        )


def _shares(count: int, seconds: pd.Series, each: float | None, rate: float) -> tuple[Any, ...]:
    together = float(seconds.sum())
    if each is None or not together:
        return count, 1000 * together / max(count, 1), None, None
    return count, 1000 * together / count, each / 1e9, 100 * each * count / together / rate


@dataclass(frozen=True, slots=True)
class Flops:
    """Floating-point operations of a model, a multiplication and an addition counted as two.

    Attributes:
        image, prompt: of encoding one picture, and of decoding one prompt.
    """

    image: float
    prompt: float


def flops(model: str, config: RunConfig) -> Flops | None:
    """The operations of a model, counted while it runs once; None if its weights are not here."""
    try:
        network = predict.load(model, config)
    except adapters.MissingWeights:
        return None
    network.network.requires_grad_(False)  # the counter hooks into gradients where there could be some
    picture = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE), np.uint8)
    with FlopCounterMode(display=False) as image:
        encoded = network.encode([picture])
    with FlopCounterMode(display=False) as prompt:
        network.decode([(encoded[0], _prompt(network))])
    return Flops(image.get_total_flops(), prompt.get_total_flops())


def _prompt(network: Segmenter) -> Prompt:
    """The prompt that a model is asked with: a box if it takes one."""
    kinds: Mapping[str, Prompt] = {
        "box": Prompt(box=np.array([100, 100, 300, 300], np.float32)),
        "points": Prompt(points=Points(np.array([[200, 200]], np.float32), np.array([1]))),
        "text": Prompt(text="liver"),
    }
    return next((prompt for kind, prompt in kinds.items() if kind in network.card.accepts), Prompt())


def matmul_rate(device: torch.device, precision: str, repeats: int = 5) -> float:
    """Floating-point operations per second of a large matrix product; with one thread on a CPU, as workers compute."""
    kind = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]
    side = MATRIX.get(device.type, MATRIX["cpu"])
    one = torch.ones(side, side, dtype=kind, device=device)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return 2 * side**3 / min(_seconds(one) for _ in range(repeats))
    finally:
        torch.set_num_threads(threads)


def _seconds(one: torch.Tensor) -> float:
    started = time.perf_counter()
    torch.mm(one, one)
    if one.is_cuda:
        torch.cuda.synchronize(one.device)
    return time.perf_counter() - started
