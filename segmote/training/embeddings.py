"""The frozen encoder's embeddings, computed once per picture and kept on disk, so that an epoch runs the decoder only.

A file is named after the checksum of its picture, its folder after that of the encoder's weights. Several trainings can
therefore share a folder, other weights never read old embeddings, and a picture in two data sets is encoded once. Files
are written atomically. Each stores a checksum of its content; a file that does not match is computed again.

A recipe's augmentation is embedded as well: `variants` of a picture, brighter or darker, with more or less contrast.
They depend on the picture alone, so they can be shared, too.
Source of the augmentation: uni-medical/IMIS-Bench at f4519c0, InMyDreammer/SegMoTE at 77668f0.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from segmote.network.model import Segmote
from segmote.training.data import read_image

NAME_DIGITS = 24
CHANGE_SHARE, LARGEST_CHANGE = 0.2, 0.2  # of contrast and of brightness, each
VARIED_SHARE = 1 - (1 - CHANGE_SHARE) ** 2  # of the pictures in an epoch


class Version(NamedTuple):
    """A picture as it is (number 0) or one of its variants, and its file in the store."""

    image: Path
    path: Path
    number: int


Progress = Callable[[Sequence[Version]], Iterable[Version]]


@dataclass(frozen=True, slots=True)
class EmbeddingStore:
    """Embeddings of one encoder at one input size.

    Attributes:
        folder: where they are.
        side: of the network's input.
        half: store as float16; embeddings are read as float32 in any case.
    """

    folder: Path
    side: int
    half: bool

    def path(self, image: Path) -> Path:
        """The file of a picture; reads the picture for its checksum."""
        return self.folder / f"{hashlib.sha256(image.read_bytes()).hexdigest()[:NAME_DIGITS]}.safetensors"

    def read(self, path: Path) -> tuple[Tensor, Tensor]:
        """Embedding (dim, h, w) and early grid (encoder's width, h, w), float32.

        Raises:
            ValueError: the file is missing, cut off or altered.
        """
        try:
            with safe_open(path, framework="pt") as file:
                digest = (file.metadata() or {}).get("content")
                parts = file.get_tensor("embedding"), file.get_tensor("early")
        except (OSError, SafetensorError) as error:
            raise ValueError(
                f"{path}: not a readable embedding ({error}); run the same command again to compute it"
            ) from error
        if _digest(parts) != digest:
            raise ValueError(f"{path}: the embedding was altered on disk; run the same command again to compute it")
        return parts[0].float(), parts[1].float()

    def write(self, path: Path, embedding: Tensor, early: Tensor) -> None:
        """Write one picture's embedding and early grid."""
        kind = torch.float16 if self.half else torch.float32
        parts = tuple(part.to(kind).cpu().contiguous() for part in (embedding, early))
        partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
        save_file({"embedding": parts[0], "early": parts[1]}, partial, {"content": _digest(parts)})
        os.replace(partial, path)

    def lacks(self, path: Path) -> bool:
        """Whether the file is missing or damaged."""
        try:
            self.read(path)
        except ValueError:
            return True
        return False


def open_store(network: Segmote, folder: Path, half: bool) -> EmbeddingStore:
    """The store of a network's encoder below a folder, made if needed."""
    kind = "half" if half else "full"
    inside = folder / f"{fingerprint(network)}-{network.config.image_size}-{kind}"
    inside.mkdir(parents=True, exist_ok=True)
    return EmbeddingStore(inside, network.config.image_size, half)


def fingerprint(network: Segmote) -> str:
    """Checksum of the image encoder: sizes and weights."""
    digest = hashlib.sha256(json.dumps(asdict(network.config.encoder), sort_keys=True).encode())
    for name, value in sorted(network.image_encoder.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


@torch.no_grad()
def encode_missing(
    network: Segmote, store: EmbeddingStore, files: Mapping[Path, Path], progress: Progress, variants: int = 0
) -> None:
    """Compute the embeddings that the store lacks.

    Args:
        network: its encoder runs on its device, in float32.
        store: of that encoder.
        files: pictures and their files in the store.
        progress: wraps what is to be computed, for a bar.
        variants: of each picture, beside itself.
    """
    versions = (
        Version(image, version_path(path, number), number)
        for image, path in files.items()
        for number in range(1 + variants)
    )
    missing = [version for version in versions if store.lacks(version.path)]
    device = next(network.parameters()).device
    for image, path, number in progress(missing):
        picture = varied(read_image(image, store.side), path, number)
        embedding, early = network.encode(picture[None].to(device))
        store.write(path, embedding[0], early[0])


def version_path(path: Path, number: int) -> Path:
    """The file of a picture's variant, from the file of the picture itself.

    >>> version_path(Path("store/0a1b.safetensors"), 2).name, version_path(Path("store/0a1b.safetensors"), 0).name
    ('0a1b-2.safetensors', '0a1b.safetensors')
    """
    return path.with_stem(f"{path.stem}-{number}") if number else path


def varied(picture: Tensor, path: Path, number: int) -> Tensor:
    """A standardised picture (3, side, side) as one of its variants; number 0 is the picture itself.

    The values are multiplied by 0.8 to 1.2, or -0.2 to 0.2 is added, or both; each with
    probability 0.2, but at least one.

    Args:
        picture: of any variant.
        path: of the variant; its name, which is the picture's checksum and the number, is the seed.
        number: of the variant.
    """
    if number == 0:
        return picture
    rng = np.random.default_rng(list(path.name.encode()))
    scaled, shifted = False, False
    while not (scaled or shifted):
        scaled, shifted = rng.random(2) < CHANGE_SHARE
    scale, shift = rng.uniform(-LARGEST_CHANGE, LARGEST_CHANGE, 2).tolist()
    return picture * float(1 + scale * scaled) + float(shift * shifted)


def _digest(parts: Sequence[Tensor]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.numpy().tobytes())
    return digest.hexdigest()
