"""The training of SegMoTE (section 4): the SAM part stays as it is, MoTE and PPT learn.

    pictures ──► frozen encoder ──► embeddings on disk ──┐            held-out patients ──► Dice
    masks ──► prompts ───────────────────────────────────┴─► step ──► losses ──► optimiser ──► weights

Lightning Fabric handles devices, processes and number formats: a small dependency that keeps the loop readable here,
while Accelerate would bring its own configuration. All random draws depend only on the seed, the epoch and the picture,
and a checkpoint is written after every epoch. A killed training therefore resumes to bit-identical losses, and the
number of devices changes no draw.
"""

from collections.abc import Iterator
from functools import partial
from math import isfinite
from typing import Any

from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy
from torch import Tensor
from torch.multiprocessing.spawn import ProcessRaisedException
from torch.utils.data import DataLoader
from tqdm import tqdm

from segmote.network.model import Segmote
from segmote.recipe import Recipe, rate
from segmote.training import files
from segmote.training.batches import Batch, Epoch
from segmote.training.files import CHECKPOINT, DIVERGED, EPOCHS, STEPS, Line, Log
from segmote.training.learnable import ROUTER, gradient_norm
from segmote.training.prepare import check_network
from segmote.training.settings import TrainConfig
from segmote.training.state import Trained, Training, decisive, finish, keep, resume, start
from segmote.training.step import Step, StepResult
from segmote.training.validate import Dice, validate

PRECISIONS = {"fp32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}
NO_MEANS = ("epoch", "batch", "corrections")


def train(network: Segmote, recipe: Recipe, settings: TrainConfig) -> Trained:
    """Train a network by a recipe. With one device the network is changed in place.

    Args:
        network: one with its base's weights, see `adapters.families.segmote.from_base`.
        recipe: what is learned, from which prompts, by which losses, how fast.
        settings: on which data, where to, on which devices.

    Raises:
        ValueError: a router that cannot learn ("topk_softmax" with one expert per token), no usable data, a folder that
            holds a training with other settings, or a loss that is not finite.
    """
    check_network(network, recipe, settings.devices)
    several = DDPStrategy(find_unused_parameters=True, start_method="spawn")
    fabric = Fabric(
        accelerator=settings.accelerator,
        devices=settings.devices,
        strategy=several if settings.devices > 1 else "auto",
        precision=PRECISIONS[settings.precision],  # type: ignore[arg-type]
    )
    if settings.devices == 1:
        return _run(fabric, network, recipe, settings)
    try:
        # As an argument the network gets memory of its own in each process, where Fabric looks for modules.
        trained: Trained = fabric.launch(partial(_run, recipe=recipe, settings=settings), network)
    except ProcessRaisedException as error:
        # The message of a process is the last line of its traceback.
        raise ValueError(str(error).strip().splitlines()[-1].removeprefix("ValueError: ")) from error
    return trained


def _run(fabric: Fabric, network: Segmote, recipe: Recipe, settings: TrainConfig) -> Trained:
    if fabric.is_global_zero:
        files.claim(settings.out, decisive(network, recipe, settings), settings.resume)
    fabric.barrier()
    training = start(fabric, network, recipe, settings)
    done, dice = resume(training)
    logs = [Log(settings.out, name, done) for name in (STEPS, EPOCHS)] if fabric.is_global_zero else []
    for epoch in range(done, recipe.epochs):
        lines = []
        for line in _steps(training, epoch):
            lines.append(line)
            for log in logs[:1]:
                log.add(line)
        dice = _validate(training)
        for log in logs[1:]:
            log.add(_summary(lines, dice))
        keep(training, epoch + 1, dice)
    for log in logs:
        log.close()
    return finish(training, dice)


def _steps(training: Training, epoch: int) -> Iterator[Line]:
    """Train for one epoch; yields one log line per optimiser step."""
    recipe = training.recipe
    batches = Epoch(training.sources, epoch)
    for group in training.optimizer.param_groups:
        group["lr"] = rate(recipe, epoch)
    loader = DataLoader(batches, batch_size=None, num_workers=training.config.workers, collate_fn=_as_it_is)
    steps: tuple[Step, ...] = ("first", "corrections") if recipe.corrections else ("first",)
    title = f"epoch {epoch + 1}/{recipe.epochs}"
    bar = tqdm(loader, title, len(batches), unit="batch", disable=not training.fabric.is_global_zero)
    line: Line = {}
    for batch in bar:
        moved, drawn = training.fabric.to_device(batch), None
        for step in steps:
            outcome = training.step(moved, step, drawn)
            if not bool(outcome.loss.isfinite()):
                raise _diverged(training, batch, batches.batches[batch.number], outcome, line)
            line, drawn = _backward(training, batch, step, outcome), outcome.drawn
            # The loss scaler itself skips a step whose gradients overflowed because of the scaling.
            if not (_scaler(training) or isfinite(line["gradient"])):
                raise _diverged(training, batch, batches.batches[batch.number], outcome, line)
            training.optimizer.step()
            bar.set_postfix_str(_shown(line))
            yield line


def _as_it_is(batch: Any) -> Any:
    return batch


def _scaler(training: Training) -> Any:
    return getattr(training.fabric.strategy.precision, "scaler", None)


def _backward(training: Training, batch: Batch, step: Step, outcome: StepResult) -> Line:
    """Compute the gradients of a step; returns its log line."""
    training.optimizer.zero_grad()
    training.fabric.backward(outcome.loss)
    scaler = _scaler(training)
    scale = scaler.get_scale() if scaler else 1.0
    return {
        "epoch": batch.epoch + 1,
        "batch": batch.number + 1,
        "corrections": int(step == "corrections"),
        "rate": training.optimizer.param_groups[0]["lr"],
        "loss": outcome.loss.item(),
        "segmentation": float(outcome.segmentation),
        "balance": float(outcome.balance),
        "dice": float(outcome.dice),
        "gradient": gradient_norm(training.parameters) / scale,
        "router_gradient": gradient_norm(training.parameters, ROUTER) / scale,
        **{f"expert_{number}": float(share) for number, share in enumerate(outcome.experts)},
        **{f"token_{number}": float(share) for number, share in enumerate(outcome.tokens)},
    }


def _shown(line: Line) -> str:
    experts = "/".join(f"{100 * value:.0f}" for name, value in line.items() if name.startswith("expert_"))
    return f"loss {line['loss']:.3f}, Dice {line['dice']:.3f}, balance {line['balance']:.3f}, experts {experts} %"


def _diverged(training: Training, batch: Batch, whole: tuple[int, ...], outcome: StepResult, last: Line) -> ValueError:
    """The error for a loss or gradient that is not finite; `last` is the log line with the last known gradients."""
    out, items = training.config.out, training.sources.items
    norms = {name: last.get(name) for name in ("gradient", "router_gradient")}
    report = {
        "epoch": batch.epoch + 1,
        "batch": batch.number + 1,
        "loss": str(outcome.loss.item()),
        "segmentation": str(float(outcome.segmentation)),
        "balance": str(float(outcome.balance)),
        "rate": training.optimizer.param_groups[0]["lr"],
        "last_gradients": norms,
        "images": [str(items[index].image) for index in whole],
    }
    if training.fabric.is_global_zero:
        files.write_json(out / DIVERGED, report)
    kept = f"the state after epoch {batch.epoch} is in {out / CHECKPOINT}" if batch.epoch else "no epoch was finished"
    return ValueError(
        f"the loss is {report['loss']} in epoch {batch.epoch + 1}, batch {batch.number + 1} (rate {report['rate']:g}, "
        f"last gradient {norms['gradient']}, the routers' {norms['router_gradient']}; "
        f"first image {report['images'][0]}); {kept}, details of the batch are in {out / DIVERGED}"
    )


def _validate(training: Training) -> Dice:
    fabric = training.fabric

    def summed(sums: Tensor) -> Tensor:
        total: Tensor = fabric.all_reduce(sums, reduce_op="sum")  # type: ignore[assignment]
        return total.cpu()

    part = slice(fabric.global_rank, None, fabric.world_size)
    return validate(training.network, training.data, training.recipe, summed, part)


def _summary(lines: list[Line], dice: Dice) -> Line:
    """An epoch's log line: means over its steps, then Dice on the held-out patients."""
    means = {name: sum(line[name] for line in lines) / len(lines) for name in lines[0] if name not in NO_MEANS}
    held_out = {f"{code}/{kind}": value for code, kinds in dice.items() for kind, value in kinds.items()}
    return {"epoch": lines[0]["epoch"], **means, **held_out}
