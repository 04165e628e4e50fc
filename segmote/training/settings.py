"""Settings of one training: on which data, where to, on which devices. How it learns is its `segmote.recipe`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Precision = Literal["fp32", "bf16", "fp16"]


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """Settings of one training.

    Attributes:
        data: folder with data sets in the IMIS layout, see `segmote.training.data`; lists named "test" are never read.
        out: folder of checkpoint, weights and logs.
        seed: of the split, the order, the prompts and the noise.
        codes: names of the data sets to train on, in lower case; empty for all below `data`.
        limit: images per data set; None for all.
        embeddings: folder of the embeddings, which several trainings may share; None for one in `out`.
        half_embeddings: store the embeddings as float16.
        accelerator: "cpu", "cuda", or "auto".
        devices: processes, each with its device.
        precision: of the decoder's passes; the encoder's are float32.
        workers: processes per device that read batches ahead.
        resume: continue the training in the folder; False starts it anew.
    """

    data: Path
    out: Path
    seed: int = 0
    codes: tuple[str, ...] = ()
    limit: int | None = None
    embeddings: Path | None = None
    half_embeddings: bool = False
    accelerator: str = "auto"
    devices: int = 1
    precision: Precision = "fp32"
    workers: int = 0
    resume: bool = True
