"""The state of a training: its start, the checkpoint after each epoch, resuming from it, the result."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import torch
from lightning_fabric import Fabric
from torch import Tensor

from segmote.network.model import Segmote
from segmote.recipe import Recipe
from segmote.training import files
from segmote.training.batches import Sources
from segmote.training.learnable import learning
from segmote.training.prepare import TrainingData, prepare
from segmote.training.settings import TrainConfig
from segmote.training.step import TrainingStep
from segmote.training.validate import Dice


class Trained(NamedTuple):
    """The result of a training.

    Attributes:
        weights: safetensors file of the whole network; its metadata has the network's configuration and the recipe.
        dice: after the last epoch, on the held-out patients: data set -> "box", "click" or "auto" -> mean Dice of all
            masks on the grid of the network's input. "auto" stands for no prompt, on the sets that PPT serves.
        epochs: CSV file, one line per epoch: losses, shares of the experts, norm of the routers' gradient, Dice.
        steps: CSV file, one line per optimiser step.
        notes: for the user, such as the pictures that were excluded.
    """

    weights: Path
    dice: Dice
    epochs: Path
    steps: Path
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Training:
    """A running training.

    Attributes:
        fabric: devices and processes.
        config: the settings.
        network: what learns; `step` has it too, wrapped.
        recipe: how it learns.
        step, optimizer: as Fabric wraps them.
        parameters: those that learn, by name.
        data: what there is to learn from, and the held-out patients.
        sources: where this process's batches come from.
    """

    fabric: Fabric
    config: TrainConfig
    network: Segmote
    recipe: Recipe
    step: Any
    optimizer: Any
    parameters: Mapping[str, Tensor]
    data: TrainingData
    sources: Sources


def decisive(network: Segmote, recipe: Recipe, config: TrainConfig) -> dict[str, Any]:
    """All that decides the losses except the number of epochs, as plain values."""
    digest = sha256()
    for name, value in sorted(network.state_dict().items()):
        digest.update(name.encode() + value.cpu().contiguous().numpy().tobytes())
    chosen = {name: getattr(config, name) for name in ("seed", "codes", "limit", "half_embeddings", "precision")}
    rules = {name: value for name, value in asdict(recipe).items() if name != "epochs"}
    return {"base": digest.hexdigest()[:16], "network": asdict(network.config), "recipe": rules} | chosen


def start(fabric: Fabric, network: Segmote, recipe: Recipe, config: TrainConfig) -> Training:
    """Data, embeddings and optimiser of a training.

    Raises:
        ValueError: nothing to learn from.
    """
    process, processes = fabric.global_rank, fabric.world_size
    network.to(fabric.device).eval()
    parameters = learning(network, recipe)
    data = prepare(network, recipe, config, process, processes)
    fabric.barrier()
    optimizer = _optimizer(recipe, parameters)
    step, wrapped = fabric.setup(TrainingStep(network, recipe, partial(_joined, fabric)), optimizer)
    sources = Sources(data.learning, recipe, data.store, data.files, data.pooled, config.seed, process, processes)
    return Training(fabric, config, network, recipe, step, wrapped, parameters, data, sources)


def _optimizer(recipe: Recipe, parameters: Mapping[str, Tensor]) -> torch.optim.Optimizer:
    if recipe.optimizer == "adam":
        return torch.optim.Adam(parameters.values(), recipe.rate)
    return torch.optim.AdamW(parameters.values(), recipe.rate, weight_decay=recipe.weight_decay)


def _joined(fabric: Fabric, rows: Tensor) -> Tensor:
    """The rows (B, ...) of all processes, in the order of the batch, with gradients."""
    if fabric.world_size == 1:
        return rows
    gathered: Tensor = fabric.all_gather(rows, sync_grads=True)  # type: ignore[assignment]
    return gathered.flatten(0, 1)


def keep(training: Training, done: int, dice: Dice) -> None:
    """The checkpoint after an epoch."""
    if training.fabric.is_global_zero:
        content = {
            "epochs": done,
            "pictures": _pictures(training.data),
            "dice": dice,
            "trained": {name: value.detach().cpu() for name, value in training.parameters.items()},
            "optimizer": training.optimizer.optimizer.state_dict(),
            "precision": training.fabric.strategy.precision.state_dict(),
            "threads": torch.get_num_threads(),
        }
        files.save_checkpoint(training.config.out, content)
    training.fabric.barrier()


def resume(training: Training) -> tuple[int, Dice]:
    """Load the checkpoint, if there is one: the number of finished epochs and the Dice after the last.

    Raises:
        ValueError: it was made with other pictures.
    """
    content = files.load_checkpoint(training.config.out)
    if content is None:
        return 0, {}
    if content["pictures"] != _pictures(training.data):
        raise ValueError(
            f"{training.config.out} holds a training on other pictures than those now usable below "
            f"{training.config.data}; restore them, choose another folder, or start anew without resuming"
        )
    with torch.no_grad():
        for name, value in content["trained"].items():
            training.parameters[name].copy_(value)
    training.optimizer.optimizer.load_state_dict(content["optimizer"])
    training.fabric.strategy.precision.load_state_dict(content["precision"])
    # On a processor the number of threads decides how sums are split, and so their last bits.
    torch.set_num_threads(content["threads"])
    return content["epochs"], content["dice"]


def _pictures(data: TrainingData) -> str:
    """Checksum of the names and contents of the pictures that are learned from, in their order."""
    names = (f"{item.code}/{item.image.name}:{data.files[item.image].name}" for item in data.learning)
    return sha256("\n".join(names).encode()).hexdigest()


def finish(training: Training, dice: Dice) -> Trained:
    """Write the weights."""
    config, data = training.config, training.data
    notes = [*data.notes, *(f"excluded: {one.image}: {one.reason}" for one in data.excluded)]
    if training.fabric.is_global_zero:
        about = {
            "seed": config.seed,
            "learned_from": len(data.learning),
            "held_out": sorted({item.patient for item in data.held_out}),
            "notes": notes,
            "dice": dice,
        }
        files.save_weights(training.network, training.recipe, config.out, about)
    training.fabric.barrier()
    return Trained(config.out / files.WEIGHTS, dice, config.out / files.EPOCHS, config.out / files.STEPS, tuple(notes))
