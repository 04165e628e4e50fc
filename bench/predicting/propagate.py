"""Volumes by propagation: each object is prompted on one slice, and its masks on all slices are kept."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from adapters.interface import Prompt, SlicePrompt, VolumeSegmenter
from bench import protocols
from bench.clock import Spent
from bench.config import RunConfig
from bench.data.slicing import Sample
from bench.predicting.by_slice import AskedCase
from bench.predicting.rounds import Request, correct, on_native_grid, timed
from bench.predicting.transfer import to_host
from bench.prompting.kinds import KINDS
from bench.prompting.table import prompt_of


def predict_volume(
    network: VolumeSegmenter, case: AskedCase, volume: Sequence[Sample], config: RunConfig, spent: Spent
) -> None:
    """Carry every object of a case through all of its slices; an object that fails is entries with the reason.

    Args:
        network: encodes each slice once for all objects, directions and rounds.
        case: of each object, the row on the protocol's prompted slice is used; gets an entry for every slice, marked as
            `asked` where it was prompted.
        volume: all of its slices, in LPS order.
        config: of the run.
        spent: gets the seconds of encoding, propagating and clicking.
    """
    requests = _requests(case, volume, config)
    try:
        encoded, seconds = timed(network, partial(network.encode, [sample.image for sample in volume]))
    except (MemoryError, KeyboardInterrupt):
        raise
    except Exception as error:  # whatever a model does, the other cases go on
        for request in requests:
            _fail(request, volume, 1, error, config)
        return
    spent.add("encode", seconds)
    for request in requests:
        _through_rounds(network, volume, encoded, request, config, seconds / len(volume), spent)


def _requests(case: AskedCase, volume: Sequence[Sample], config: RunConfig) -> list[Request]:
    """One request per object and prompt kind, on the slice that the protocol prompts."""
    rule = protocols.load(config.protocol).prompted
    samples = {sample.slice: sample for sample in volume}
    objects: dict[tuple[str, str], dict[int, Mapping[str, Any]]] = {}
    for row in case.rows:
        objects.setdefault((row["target"], row["prompt"]), {})[int(row["slice"])] = row
    found = []
    for rows in objects.values():
        index = protocols.prompted_slice({index: int(row["area_px"]) for index, row in rows.items()}, rule)
        found.append(Request(case.item, rows[index], samples[index], prompt_of(rows[index]), case.drawn))
    return found


def _through_rounds(
    network: VolumeSegmenter,
    volume: Sequence[Sample],
    encoded: Sequence[Any],
    request: Request,
    config: RunConfig,
    seconds_encode: float,
    spent: Spent,
) -> None:
    """All rounds of one object: its masks on all slices, then the next click on the prompted one."""
    place, last = volume.index(request.sample), request.rounds(config)
    for number in range(1, last + 1):
        try:
            call = partial(network.propagate, encoded, [_given(request, place)])
            [prediction], seconds = timed(network, call)
            masks = to_host(list(prediction.masks))
        except (MemoryError, KeyboardInterrupt):
            raise
        except Exception as error:  # nor does it stop other objects
            _fail(request, volume, number, error, config)
            return
        spent.add("decode", seconds)
        share = {"seconds_encode": seconds_encode, "seconds_decode": seconds / len(volume)}
        _keep(request, volume, number, masks, status="ok", reason=None, **share)
        if number < last:
            with spent.on("click"):
                correct(request, number, masks[place], prediction.feedback, config)


def _given(request: Request, place: int) -> SlicePrompt:
    if KINDS[request.row["prompt"]].whole_mask:
        return SlicePrompt(place, Prompt(), request.sample.targets[request.row["target"]])
    return SlicePrompt(place, request.prompt)


def _fail(request: Request, volume: Sequence[Sample], first: int, error: Exception, config: RunConfig) -> None:
    """Entries without masks, with the reason, from a round on."""
    reason = f"{type(error).__name__}: {error}"
    for number in range(first, request.rounds(config) + 1):
        _keep(request, volume, number, [None] * len(volume), status="failed", reason=reason)


def _keep(request: Request, volume: Sequence[Sample], number: int, masks: Sequence[Any], **facts: Any) -> None:
    for sample, mask in zip(volume, masks, strict=True):
        here = replace(request, row={**request.row, "slice": sample.slice}, sample=sample)
        native = None if mask is None else on_native_grid(mask, sample)
        here.keep(number, native, score=None, asked=sample is request.sample, **facts)
