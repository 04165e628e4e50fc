"""How fast a device is: encoders, decoders, the whole way against the official loop, the embedding cache."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import ndimage
from segment_anything import SamPredictor
from torch.utils.flop_counter import FlopCounterMode

from adapters.decoder_graphs import DecoderGraphs
from adapters.embedding_cache import CachedSegmenter, EmbeddingCache
from adapters.interface import Points, Prompt, Segmenter
from bench import protocols
from bench.prompting.clicks import next_click
from tests.gpu.agreement import seeded
from tests.gpu.inputs import SIDE, box_prompts, objects, picture

MATMUL_SIDE = {"cuda": 8192, "cpu": 1024}
CLICKS = 10


def seconds_of(call: Callable[[], Any], device: torch.device, repeats: int, warm: int = 2) -> float:
    """Median seconds of a call, the device's work included."""
    times = []
    for number in range(warm + repeats):
        _synchronise(device)
        started = time.perf_counter()
        call()
        _synchronise(device)
        if number >= warm:
            times.append(time.perf_counter() - started)
    return float(np.median(times))


def _synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def matmul_rate(device: torch.device, dtype: torch.dtype, repeats: int) -> float:
    """Measured rate of a large matrix product in FLOP/s: what utilisation is a share of."""
    side = MATMUL_SIDE[device.type]
    one, other = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    return 2 * side**3 / seconds_of(lambda: one @ other, device, repeats)


def flops_of(call: Callable[[], Any]) -> int:
    """Floating-point operations of a call, as torch counts them."""
    with FlopCounterMode(display=False) as counter:
        call()
    return counter.get_total_flops()


def encoder(name: str, device: str, precision: str, rate: float, batches: tuple[int, ...], repeats: int) -> list[dict]:
    """One row per batch: images per second of `encode`, preparation included, and the utilisation (G1)."""
    model, place = seeded(name, device, precision), torch.device(device)
    operations = flops_of(lambda: model.encode([picture(0)]))
    rows = []
    for batch in batches:
        images = [picture(seed) for seed in range(batch)]
        seconds = seconds_of(lambda images=images: model.encode(images), place, repeats)
        speed = batch / seconds
        rows.append(
            {
                "model": name,
                "precision": precision,
                "images": batch,
                "images per s": speed,
                "GFLOP per image": operations / 1e9,
                "utilisation": operations * speed / rate,
                "peak GiB": _peak_gib(place),
            }
        )
    return rows


def decoder(name: str, device: str, batches: tuple[int, ...], repeats: int) -> list[dict[str, Any]]:
    """One row per batch: microseconds per box with the mask on the image's grid, requests of eight images (G2), by the
    decoder's CUDA graphs and without them.
    """
    model, place = seeded(name, device), torch.device(device)
    encoded = model.encode([picture(seed) for seed in range(8)])
    rows = [{"model": name, "prompts": batch} for batch in batches]
    graphs: Any = model._graphs
    for column, chosen in (("us per prompt", graphs), ("without graphs", DecoderGraphs(name, None))):
        model._graphs = chosen
        for row in rows:
            boxes = enumerate(box_prompts(0, row["prompts"]))
            requests = [(encoded[number % 8], box) for number, box in boxes]
            seconds = seconds_of(lambda requests=requests: model.decode(requests), place, repeats)
            row[column] = 1e6 * seconds / row["prompts"]
    return [row | {"graphs": len(graphs._graphs)} for row in rows]


def end_to_end(name: str, device: str, precision: str, images: int, official_images: int) -> list[dict[str, Any]]:
    """Seconds per image of eight objects against the official loop, boxes and clicks (G3), and the share that is not
    the network's (G4).
    """
    model, place = seeded(name, device, precision), torch.device(device)
    predictor = SamPredictor(seeded(name, device).network)
    rows = []
    for clicks in (0, CLICKS):
        _ours(model, 1, clicks)
        started = time.perf_counter()
        network = _ours(model, images, clicks)
        _synchronise(place)
        ours = (time.perf_counter() - started) / images
        started = time.perf_counter()
        _official(predictor, official_images, clicks)
        official = (time.perf_counter() - started) / official_images
        rows.append(
            {
                "model": name,
                "precision": precision,
                "prompts": f"{clicks} clicks" if clicks else "box",
                "s per image": ours,
                "official s per image": official,
                "times faster": official / ours,
                "overhead": 1 - network / images / ours,
            }
        )
    return rows


def _ours(model: Segmenter, images: int, clicks: int) -> float:
    """All rounds of all objects of eight images at a time; returns the seconds inside the network."""
    protocol, network = protocols.load("segmote"), 0.0
    for start in range(0, images, 8):
        seeds = range(start, min(start + 8, images))
        began = time.perf_counter()
        encoded = model.encode([picture(seed) for seed in seeds])
        network += time.perf_counter() - began
        work = [
            (value, mask, [] if clicks else None, box)
            for value, seed in zip(encoded, seeds, strict=True)
            for mask, box in zip(*objects(seed, 8), strict=True)
        ]
        drawn: list[Any] = [None] * len(work)
        for _ in range(max(1, clicks)):
            requests = []
            for place, (value, target, clicked, box) in enumerate(work):
                if clicked is None:
                    requests.append((value, Prompt(box=box)))
                    continue
                before = np.zeros_like(target) if drawn[place] is None else drawn[place].mask.cpu().numpy()
                click = next_click(target, before, protocol, np.random.default_rng(0), clicked)
                if click is not None:
                    clicked.append(click)
                points = Points([(x, y) for x, y, _ in clicked], [label for _, _, label in clicked])
                previous = None if drawn[place] is None else drawn[place].feedback
                requests.append((value, Prompt(points=points, previous=previous)))
            began = time.perf_counter()
            drawn = model.decode(requests)
            network += time.perf_counter() - began
        for (_, target, _, _), prediction in zip(work, drawn, strict=True):
            _dice(prediction.mask.cpu().numpy(), target)
    return network


def _official(predictor: SamPredictor, images: int, clicks: int) -> None:
    """The published way: one object at a time, the image encoded for each, clicks by full-size distance transforms."""
    for seed in range(images):
        for target, box in zip(*objects(seed, 8), strict=True):
            predictor.set_image(picture(seed))
            if not clicks:
                masks, _, _ = predictor.predict(box=box, multimask_output=False)
                _dice(masks[0], target)
                continue
            mask, logits, xy, labels = np.zeros_like(target), None, [], []
            for _ in range(clicks):
                missed, wrong = (ndimage.distance_transform_edt(np.pad(m, 1)) for m in (target & ~mask, mask & ~target))
                deepest = missed if missed.max() >= wrong.max() else wrong
                y, x = np.unravel_index(deepest.argmax(), deepest.shape)
                xy.append([x - 1, y - 1])
                labels.append(int(deepest is missed))
                masks, _, logits = predictor.predict(
                    np.array(xy, np.float32), np.array(labels), mask_input=logits, multimask_output=False
                )
                mask = masks[0]
            _dice(mask, target)


def _dice(mask: np.ndarray, target: np.ndarray) -> float:
    return 2 * np.count_nonzero(mask & target) / max(1, np.count_nonzero(mask) + np.count_nonzero(target))


def cache(name: str, device: str, precision: str, folder: Path) -> dict[str, Any]:
    """Milliseconds to compute and to read one embedding, and whether the cache was kept in use (G9)."""
    model, place = seeded(name, device, precision), torch.device(device)
    images = [picture(seed) for seed in range(8)]
    computing = seconds_of(lambda: model.encode(images), place, 3) / len(images)
    cached = CachedSegmenter(model, EmbeddingCache(folder, stored="fp16"))
    cached.encode(images)
    reading = seconds_of(lambda: cached.encode(images), place, 3) / len(images)
    return {
        "model": name,
        "precision": precision,
        "compute ms": 1e3 * computing,
        "read ms": 1e3 * reading,
        "in use": cached.useful,
    }


def bytes_moved(name: str, device: str, folder: Path) -> dict[str, Any]:
    """Bytes from and to the host, per image and per prompt, as torch's profiler saw them (G6); nothing on a CPU."""
    model, place = seeded(name, device), torch.device(device)
    images, prompts = [picture(seed) for seed in range(8)], box_prompts(0, 64)
    encoded: list[Any] = []

    def encode() -> None:
        encoded[:] = model.encode(images)

    def decode() -> None:
        model.decode([(encoded[number % 8], prompt) for number, prompt in enumerate(prompts)])

    per_image, per_prompt = _copied(encode, place, folder), _copied(decode, place, folder)
    return {
        "model": name,
        "to device per image": per_image["HtoD"] / len(images),
        "to device per prompt": per_prompt["HtoD"] / len(prompts),
        "from device per prompt": per_prompt["DtoH"] / len(prompts),
        "picture": 3 * SIDE**2,
    }


def _copied(call: Callable[[], None], device: torch.device, folder: Path) -> dict[str, int]:
    """Bytes by direction."""
    call()
    with torch.profiler.profile() as profile:
        call()
        _synchronise(device)
    trace = folder / "trace.json"
    profile.export_chrome_trace(str(trace))
    copied = {"HtoD": 0, "DtoH": 0}
    for event in json.loads(trace.read_text())["traceEvents"]:
        for direction in copied:
            if event.get("cat") == "gpu_memcpy" and direction in event["name"]:
                copied[direction] += int(event["args"]["bytes"])
    return copied


def _peak_gib(device: torch.device) -> float | None:
    return torch.cuda.max_memory_allocated(device) / 2**30 if device.type == "cuda" else None
