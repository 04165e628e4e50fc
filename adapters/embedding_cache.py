"""A folder of image embeddings, so that an image is encoded once for all runs.

An entry's name is a digest of all that its values depend on: the weights, the family's own preparation of images, the
image, the precision, the device's kind, the version of torch and the source code of this package and of `segmote`. An
entry that cannot be read, or whose checksum is wrong, counts as missing and is written again.
"""

import os
import time
import warnings
from collections.abc import Sequence
from dataclasses import fields
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import numpy as np
import torch
import xxhash
from safetensors import SafetensorError
from safetensors.torch import load, save

from adapters.geometry import Frame
from adapters.interface import (
    Card,
    Image,
    Prediction,
    Prompt,
    Segmenter,
    SlicePrompt,
    VolumePrediction,
    check_image,
)

ENDING, PARTIAL = ".embedding", ".embedding-partial"
CHECKSUM_BYTES = 16
GIB = 2**30
LARGEST_HALF = 6e4  # float16 ends at 65504
FRAME, SECONDS = "frame", "seconds"  # entries beside the tensors of an encoded image
WRITES_BETWEEN_TRIMS = 64
TRIMMED_SHARE = 0.9  # of the largest size, so that not every write has to delete
READS_TO_JUDGE = 8
DAY_SECONDS = 86_400
Stored = Literal["fp16", "fp32"]


class EmbeddingCache:
    """Entries of a folder, which several processes may share.

    Args:
        folder: made if missing. Only files with the ending of this class are ever deleted from it.
        largest_gib: the entries read longest ago are deleted when the folder holds more.
        stored: "fp32" keeps values exactly; "fp16" takes half the room, but tensors with larger values than float16
            can hold stay float32.

    Raises:
        ValueError: `largest_gib` is not positive.
    """

    def __init__(self, folder: Path, largest_gib: float = 50.0, stored: Stored = "fp32") -> None:
        if not largest_gib > 0:
            raise ValueError(f"the largest size of a cache must be positive, got {largest_gib} GiB")
        self.folder, self.stored, self.largest = folder, stored, int(largest_gib * GIB)
        self._writes = 0

    def read(self, key: str) -> dict[str, torch.Tensor] | None:
        """The tensors of an entry on the CPU, None if there is none that is whole."""
        path = self._path(key)
        try:
            content = path.read_bytes()
            checksum, payload = content[:CHECKSUM_BYTES], content[CHECKSUM_BYTES:]
            if xxhash.xxh3_128_digest(payload) != checksum:
                return None
            os.utime(path)
            return load(payload)
        except (OSError, SafetensorError):
            return None

    def write(self, key: str, tensors: dict[str, torch.Tensor]) -> None:
        """Keep an entry; a reader sees all of it or nothing."""
        payload = save(tensors)
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{path.stem}-{uuid4().hex}{PARTIAL}")
        partial.write_bytes(xxhash.xxh3_128_digest(payload) + payload)
        os.replace(partial, path)
        self._writes += 1
        if self._writes % WRITES_BETWEEN_TRIMS == 1:
            self.trim()

    def trim(self) -> None:
        """Delete the entries that were read longest ago while the folder holds more than its largest size.

        What killed processes left half written is deleted too, after a day.
        """
        for path in self.folder.glob(f"*/*{PARTIAL}"):
            if (status := _status(path)) and time.time() - status.st_mtime > DAY_SECONDS:
                path.unlink(missing_ok=True)
        found = [(status, path) for path in self.folder.glob(f"*/*{ENDING}") if (status := _status(path))]
        total = sum(status.st_size for status, _ in found)
        if total <= self.largest:
            return
        for status, path in sorted(found, key=lambda entry: entry[0].st_mtime_ns):
            path.unlink(missing_ok=True)
            total -= status.st_size
            if total <= TRIMMED_SHARE * self.largest:
                return

    def rounded(self, value: torch.Tensor) -> torch.Tensor:
        """A tensor as it is kept: float16 if asked for and if its values fit."""
        fits = self.stored == "fp16" and bool((value.abs() < LARGEST_HALF).all())
        return value.half() if fits else value

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}{ENDING}"


class CachedSegmenter:
    """A model that looks into a cache before it encodes an image.

    The cache is given up for the process, with a warning, as soon as reading an entry turns out to take longer than
    computing it.

    Args:
        segmenter: a model with an encoder.
        cache: where its embeddings are kept.
    """

    def __init__(self, segmenter: Segmenter, cache: EmbeddingCache) -> None:
        self.card: Card = segmenter.card
        self.network = segmenter.network
        self.useful = True
        self._segmenter, self._cache = segmenter, cache
        self._type = segmenter.encoded  # type: ignore[attr-defined]
        self._device = next(self.network.parameters()).device
        self._model = _digest_of_model(segmenter)
        self._saved: list[float] = []  # seconds that reading was faster by

    def encode(self, images: Sequence[Image]) -> list[Any]:
        """Image embeddings, see `Segmenter.encode`."""
        if not self.useful:
            return self._segmenter.encode(images)
        keys = [self._key(check_image(image)) for image in images]
        found = {key: value for key in dict.fromkeys(keys) if (value := self._read(key)) is not None}
        missing = {key: image for key, image in zip(keys, images, strict=True) if key not in found}
        if missing:
            found |= self._computed(missing)
        return [found[key] for key in keys]

    def decode(self, requests: Sequence[tuple[Any, Prompt]], *, multimask: bool | None = None) -> list[Prediction]:
        """One prediction per request, see `Segmenter.decode`."""
        return self._segmenter.decode(requests, multimask=multimask)

    def propagate(self, volume: Sequence[Any], prompts: Sequence[SlicePrompt]) -> list[VolumePrediction]:
        """Masks on all slices of a volume, see `VolumeSegmenter.propagate`; only for models that propagate."""
        predictions: list[VolumePrediction] = self._segmenter.propagate(volume, prompts)  # type: ignore[attr-defined]
        return predictions

    def masks(self, encoded: Any, logits: torch.Tensor) -> torch.Tensor:
        """Logits as masks on the original grid, see `Segmenter.masks`."""
        return self._segmenter.masks(encoded, logits)

    def _key(self, image: Image) -> str:
        digest = xxhash.xxh3_128(self._model)
        digest.update(f"{image.shape} {self._cache.stored}".encode())
        digest.update(image.data)
        return digest.hexdigest()

    def _read(self, key: str) -> Any:
        started = time.perf_counter()
        tensors = self._cache.read(key)
        if tensors is None:
            return None
        encoded = _unpacked(self._type, tensors, self._device)
        self._judge(float(tensors[SECONDS]), time.perf_counter() - started)
        return encoded

    def _computed(self, missing: dict[str, Image]) -> dict[str, Any]:
        started = time.perf_counter()
        encoded = self._segmenter.encode(list(missing.values()))
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        seconds = (time.perf_counter() - started) / len(missing)
        for key, value in zip(missing, encoded, strict=True):
            self._cache.write(key, _packed(value, self._cache, seconds))
        # What a later run will read, rounded or not, is what this one works with.
        return {key: self._read(key) or value for key, value in zip(missing, encoded, strict=True)}

    def _judge(self, computing: float, reading: float) -> None:
        self._saved = [*self._saved, computing - reading][-READS_TO_JUDGE:]
        if len(self._saved) == READS_TO_JUDGE and sum(self._saved) < 0:
            self.useful = False
            warnings.warn(
                f"{self.card.name}: reading an embedding takes longer than computing it ({1e3 * reading:.1f} ms instead"
                f" of {1e3 * computing:.1f} ms), so the cache is no longer used",
                stacklevel=2,
            )


def _packed(encoded: Any, cache: EmbeddingCache, seconds: float) -> dict[str, torch.Tensor]:
    """The tensors of an encoded image, its frame as integers, and the seconds that it took."""
    tensors = {SECONDS: torch.tensor(seconds, dtype=torch.float64)}
    for field in fields(encoded):
        value = getattr(encoded, field.name)
        if isinstance(value, Frame):
            numbers = [*value.original, *value.content, value.side, *value.corner]
            tensors[FRAME] = torch.tensor(numbers, dtype=torch.int64)
        elif isinstance(value, torch.Tensor):
            tensors[field.name] = cache.rounded(value).cpu().contiguous()
        else:
            parts = {f"{field.name}.{number}": cache.rounded(part) for number, part in enumerate(value)}
            tensors |= {name: part.cpu().contiguous() for name, part in parts.items()}
    return tensors


def _unpacked(encoded: type, tensors: dict[str, torch.Tensor], device: torch.device) -> Any:
    def moved(name: str) -> torch.Tensor:
        return tensors[name].to(device, torch.float32)

    values: dict[str, Any] = {}
    for field in fields(encoded):
        if field.name in tensors and field.name != FRAME:
            values[field.name] = moved(field.name)
        elif field.name != FRAME:
            count = sum(name.startswith(f"{field.name}.") for name in tensors)
            values[field.name] = tuple(moved(f"{field.name}.{number}") for number in range(count))
    rows, columns, height, width, side, *corner = tensors[FRAME].tolist()
    return encoded(**values, frame=Frame((rows, columns), (height, width), side, (corner[0], corner[1])))


def _digest_of_model(segmenter: Segmenter) -> bytes:
    """Of all that an embedding depends on besides the image."""
    digest = xxhash.xxh3_128(_digest_of_code())
    precision = getattr(segmenter, "precision", "fp32")
    device = next(segmenter.network.parameters()).device.type
    about = (type(segmenter).__qualname__, precision, device, torch.__version__, torch.get_float32_matmul_precision())
    digest.update(" ".join((segmenter.card.name, *about)).encode())
    for name, value in segmenter.network.state_dict().items():
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(value.detach().cpu().numpy()).data)
    return digest.digest()


@cache
def _digest_of_code() -> bytes:
    digest = xxhash.xxh3_128()
    for package in ("adapters", "segmote"):
        root = Path(str(files(package)))
        for path in sorted(root.rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.digest()


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:  # deleted by another process
        return None
