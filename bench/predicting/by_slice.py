"""Slices on their way through a model: those of several cases share its passes and its rounds of clicks."""

from collections.abc import Container, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any

from adapters.interface import Card, Segmenter
from bench import protocols
from bench.clock import Spent
from bench.config import RunConfig
from bench.data.case import DataError, Item
from bench.data.slicing import Sample, sample
from bench.errors import RunError
from bench.predicting.rounds import CasePredictions, Request, decode_rounds, timed
from bench.prompting.kinds import on_every_slice
from bench.prompting.prompt import SimulatedPrompt
from bench.prompting.table import prompt_of
from bench.store import slice_cache

# Slices whose prompts are decoded together, round by round. Fixed for each device: sums depend on who shares a batch.
SLICES_AT_ONCE = {"cpu": 8, "cuda": 64}

# On a CPU, small networks take 1.2 to 1.4 times as long for eight images one by one, large ones as long as together.
SMALL_PARAMETERS = 10_000_000

Row = Mapping[str, Any]


def slices_at_once(device: str) -> int:
    """How many slices share a pass on a device, as torch names it."""
    return SLICES_AT_ONCE.get(device.partition(":")[0], SLICES_AT_ONCE["cpu"])


def room(card: Card, device: str) -> int:
    """How many slices of several cases share a pass; 1 where cases may as well be spread over processes."""
    return 1 if device == "cpu" and card.parameters > SMALL_PARAMETERS else slices_at_once(device)


@dataclass(frozen=True, slots=True, eq=False)
class AskedCase:
    """A case and what is asked of it.

    Attributes:
        item: the case.
        rows: of `prompts.parquet`, those that the model may be asked.
        drawn: gets the predictions.
    """

    item: Item
    rows: Sequence[Row]
    drawn: CasePredictions = field(default_factory=CasePredictions)


@dataclass(frozen=True, slots=True, eq=False)
class _AskedSlice:
    case: AskedCase
    sample: Sample
    rows: Sequence[Row]


def predict_by_slice(network: Segmenter, cases: Sequence[AskedCase], config: RunConfig, spent: Spent) -> None:
    """Predict all slices of the cases that are asked for, in chunks that go on from one case to the next.

    Args:
        network: the model.
        cases: get their predictions.
        config: of the run.
        spent: gets the seconds of reading, encoding, decoding and clicking.

    Raises:
        RunError: a case can no longer be read.
    """
    found = (one for case in cases for one in _asked_slices(case, config))
    for chunk in _chunks(found, config.device, spent):
        _predict_slices(network, chunk, config, spent)


def _asked_slices(case: AskedCase, config: RunConfig) -> Iterator[_AskedSlice]:
    by_slice: dict[int, list[Row]] = {}
    for row in case.rows:
        by_slice.setdefault(int(row["slice"]), []).append(row)
    for one in samples(case, config, by_slice):
        yield _AskedSlice(case, one, by_slice[one.slice])


def samples(case: AskedCase, config: RunConfig, wanted: Container[int] | None) -> Iterator[Sample]:
    """The slices of a case that are wanted (None: all), one after another.

    Raises:
        RunError: the case can no longer be read.
    """
    item, protocol = case.item, protocols.load(config.protocol)
    everything = protocol.prompted != "every" or on_every_slice(row["prompt"] for row in case.rows)
    try:
        for one in slice_cache.planes(config.out, item, protocol, everything, wanted, keeping=True):
            yield sample(one, protocol)
    except DataError as error:  # the data changed since the prompts were drawn
        raise RunError(f"{item.dataset} {item.case} can no longer be read: {error}") from error


def _chunks(found: Iterator[Any], device: str, spent: Spent) -> Iterator[list[Any]]:
    """Slices that go together; a GPU computes while a thread reads the next ones, a CPU has nothing to spare for it."""
    size = slices_at_once(device)

    def following() -> list[Any]:
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


def _predict_slices(network: Segmenter, chunk: Sequence[_AskedSlice], config: RunConfig, spent: Spent) -> None:
    """Encode the slices together and decode all their prompts; after an error, slice by slice."""
    parts = {id(one.case): CasePredictions() for one in chunk}
    try:
        encoded, seconds = timed(network, partial(network.encode, [one.sample.image for one in chunk]))
        spent.add("encode", seconds)
        requests = [
            (value, Request(one.case.item, row, one.sample, prompt_of(row), parts[id(one.case)]))
            for value, one in zip(encoded, chunk, strict=True)
            for row in one.rows
        ]
        decode_rounds(network, requests, config, seconds / len(chunk), spent)
    except (MemoryError, KeyboardInterrupt):
        raise
    except Exception as error:  # the one broad net: whatever a model does, the other slices go on
        if len(chunk) > 1:
            for one in chunk:
                _predict_slices(network, [one], config, spent)
            return
        parts = {id(one.case): _failed(one, config, f"{type(error).__name__}: {error}") for one in chunk}
    for case in {id(one.case): one.case for one in chunk}.values():
        case.drawn.join(parts[id(case)])


def _failed(one: _AskedSlice, config: RunConfig, reason: str) -> CasePredictions:
    """Entries without masks, with the reason, for every prompt and round of a slice."""
    part = CasePredictions()
    for row in one.rows:
        Request(one.case.item, row, one.sample, SimulatedPrompt(), part).fail(1, reason, config)
    return part
