"""The training of SegMoTE (section 4.1): the SAM part stays as it is, MoTE and PPT learn.

    pictures ──► frozen encoder ──► embeddings on disk ──┐            held-out patients ──► Dice
    masks ──► prompts ───────────────────────────────────┴─► Lesson ──► losses ──► optimiser ──► weights

Devices, processes and number formats are Lightning Fabric's: one small dependency that leaves the loop ours to read,
where Accelerate would bring a configuration of its own. Everything that is drawn depends on the seed, the epoch and the
picture alone, and the state is kept after every epoch. So a training that was killed goes on to the same losses, to the
bit, and more devices change no draw.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies import DDPStrategy
from torch import Tensor
from torch.utils.data import DataLoader
from tqdm import tqdm

from segmote import progress
from segmote.batches import Batch, Epoch, Sources
from segmote.lesson import Lesson, Outcome, Step
from segmote.model import Segmote
from segmote.prepare import Material, check_network, prepare
from segmote.progress import Line, Log
from segmote.train_config import Recipe, TrainConfig, rate
from segmote.trainable import ROUTER, gradient_norm, learning
from segmote.validate import Dice, validate

PRECISIONS = {"fp32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training leaves.

    Attributes:
        weights: safetensors file of the whole network; its metadata has the network's configuration.
        dice: after the last epoch, on the held-out patients: data set -> "box", "click" or "auto" -> mean Dice of all
            masks on the grid of the network's input. "auto" stands for no prompt, on the sets that PPT serves.
        epochs: CSV file, a line an epoch: losses, shares of the experts, norm of the routers' gradient, Dice.
        steps: CSV file, a line a step of the optimiser.
        notes: what a person should know, such as the number of pictures excluded.
    """

    weights: Path
    dice: Dice
    epochs: Path
    steps: Path
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Training:
    """A training under way.

    Attributes:
        fabric: devices and processes.
        config: the settings.
        network: what learns; `lesson` has it too, wrapped.
        lesson, optimizer: as Fabric wraps them.
        parameters: what learns, by name.
        material: what there is to learn from.
        sources: of this process's batches.
    """

    fabric: Fabric
    config: TrainConfig
    network: Segmote
    lesson: Any
    optimizer: Any
    parameters: Mapping[str, Tensor]
    material: Material
    sources: Sources


def train(network: Segmote, config: TrainConfig) -> Trained:
    """Train a network that has its base's weights (`adapters.segmote.from_base`); changed in place on one device.

    Raises:
        ValueError: a router that cannot learn ("topk_softmax" with one expert a token), no usable data, a folder that
            holds a training with other settings, or a loss that is no number.
    """
    check_network(network, config.recipe)
    several = DDPStrategy(find_unused_parameters=True, start_method="spawn")
    fabric = Fabric(
        accelerator=config.accelerator,
        devices=config.devices,
        strategy=several if config.devices > 1 else "auto",
        precision=PRECISIONS[config.precision],  # type: ignore[arg-type]
    )
    if config.devices == 1:
        return _run(fabric, network, config)
    trained: Trained = fabric.launch(_run, network, config)
    return trained


def _run(fabric: Fabric, network: Segmote, config: TrainConfig) -> Trained:
    if fabric.is_global_zero:
        progress.claim(config.out, settings(network, config), config.resume)
    fabric.barrier()
    training = _start(fabric, network, config)
    done, dice = _resume(training)
    steps, epochs = (Log(config.out, name, done) for name in (progress.STEPS, progress.EPOCHS))
    for epoch in range(done, config.recipe.epochs):
        lines = _epoch(training, epoch)
        dice = _validate(training)
        steps.add(lines)
        epochs.add([_summary(epoch, lines, dice)])
        _keep(training, epoch + 1, dice)
    return _finish(training, dice)
