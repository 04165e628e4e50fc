"""Train the mini weights: SAM and SAM 2 from nothing, the others from the mini SAM."""

import csv
import json
import math
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import repeat
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from segment_anything.modeling import Sam as SamNetwork
from torch import Tensor
from tqdm import tqdm

import adapters
from adapters.families.small_networks import IMAGE_SIZE
from bench import workers
from bench.miniworld.training.batches import Batch, Prepare, draw, stream
from bench.miniworld.training.descent import WEIGHT_DECAY, descend
from bench.miniworld.training.drill import Drill, drill, remember
from bench.miniworld.training.interaction import boxed, clicked, interact
from bench.miniworld.training.losses import box_loss, interactive_loss, mean_dice
from bench.miniworld.training.networks import Network, embed, localise, propose
from bench.miniworld.training.recipes import RECIPES, Recipe
from bench.miniworld.training.rehearsal import rehearse

VALIDATION_IMAGES = 24
VALIDATION_SEED = 20_000
ROUNDS = 5
EARLY_SHARE = 0.15  # of the steps: one round, and a cross entropy balanced less and less
WARM_UP = 100
LOGGED = 15


def build(
    families: Sequence[str], out: Path, *, steps_scale: float = 1.0, log_dir: Path, jobs: int = 1
) -> dict[str, Path]:
    """Train the minis and write them, parents first.

    Args:
        families: names from `RECIPES`.
        out: folder of the `<family>.safetensors` and of what lies beside them; a parent that is not among `families`
            is read from it.
        steps_scale: share of each recipe's steps, for a quick look.
        log_dir: folder of the `<family>.csv` logs.
        jobs: processes; families that do not build on each other are trained side by side, one thread each.

    Returns:
        Family name to weights file.

    Raises:
        ValueError: an unknown family, or a parent whose weights are neither asked for nor in `out`.
    """
    unknown = set(families) - set(RECIPES)
    if unknown:
        raise ValueError(f"no recipe for {', '.join(sorted(unknown))}; there are {', '.join(RECIPES)}")
    wanted = [name for name in RECIPES if name in families]
    parents = [name for name in wanted if RECIPES[name].parent is None]
    built: dict[str, Path] = {}
    for generation in (parents, [name for name in wanted if name not in parents]):
        tasks = [(_build_one, name, out, steps_scale, log_dir) for name in generation]
        built |= dict(zip(generation, workers.run(tasks, jobs, "local", "families"), strict=True))
    return built


def _build_one(name: str, out: Path, steps_scale: float, log_dir: Path) -> Path:
    recipe = RECIPES[name]
    steps = max(1, round(recipe.steps * steps_scale))
    network = _initial(name, recipe, out, steps_scale)
    segmenter = recipe.adapter(adapters.card(f"{name}/mini"), network, torch.device("cpu"), "fp32")
    log = train(network, recipe, segmenter.prepare, steps, name)
    if recipe.drill:
        log += _drilled(network, recipe, recipe.drill, segmenter.prepare, steps_scale, log[-1])
    _write_log(log, log_dir / f"{name}.csv")
    path = out / f"{name}.safetensors"
    _save(network, path, {"family": name, "seed": recipe.seed, "steps": int(log[-1]["step"]), "data": recipe.data})
    if recipe.companion and recipe.companion.parent.resolve() != out.resolve():
        shutil.copyfile(recipe.companion, out / recipe.companion.name)
    return path


def _initial(name: str, recipe: Recipe, out: Path, steps_scale: float) -> Network:
    torch.manual_seed(recipe.seed)
    network = recipe.adapter.build("mini")
    if recipe.parent is None:
        localise(network)
        if recipe.rehearsal:
            shortened = replace(recipe.rehearsal, steps=round(recipe.rehearsal.steps * steps_scale))
            rehearse(network, shortened, torch.Generator().manual_seed(recipe.seed))
        return network
    parent = out / f"{recipe.parent}.safetensors"
    if not parent.is_file():
        raise ValueError(f"{name} starts from {parent}, which is not there; build {recipe.parent} first")
    recipe.inherit(network, parent)
    return network


def _drilled(
    network: Network,
    recipe: Recipe,
    plan: Drill,
    prepare: Prepare,
    steps_scale: float,
    before: Mapping[str, float],
) -> list[dict[str, float]]:
    """Drill the decoder; the log goes on from its last line `before`."""
    assert isinstance(network, SamNetwork)
    images, count = (max(1, round(number * steps_scale)) for number in (plan.images, plan.steps))
    plan = replace(plan, steps=count, images=images)
    rng, generator = np.random.default_rng(recipe.seed), torch.Generator().manual_seed(recipe.seed)
    validation, start = _validation(recipe, prepare), time.perf_counter()
    memory = remember(network, map(recipe.sampler, repeat(rng)), prepare, plan, rng)
    log: list[dict[str, float]] = []
    losses: list[float] = []
    for step, loss in enumerate(tqdm(drill(network, plan, memory, generator), "drill", count, unit="step"), 1):
        losses.append(loss)
        if _is_logged(step, count):
            seconds = before["seconds"] + time.perf_counter() - start
            line = {"step": before["step"] + step, "seconds": seconds, "loss": float(np.mean(losses))}
            log.append(line | _validate(network, recipe, validation))
            losses.clear()
    return log


def train(network: Network, recipe: Recipe, prepare: Prepare, steps: int, title: str) -> list[dict[str, float]]:
    """Train a network in place on fresh samples.

    Args:
        network: a mini.
        recipe: what to train and on what; its own number of steps is not read.
        prepare: the family's pre-processing.
        steps: of the optimiser.
        title: of the progress bar.

    Returns:
        The log: step, seconds, mean loss since the line before, mean Dice of a fixed validation draw.
    """
    rng, generator = np.random.default_rng(recipe.seed), torch.Generator().manual_seed(recipe.seed)
    samples, validation = stream(recipe.sampler, rng), _validation(recipe, prepare)
    for name, value in network.named_parameters():
        value.requires_grad_(name.startswith(recipe.trained))
    learning = [value for value in network.parameters() if value.requires_grad]
    optimiser = torch.optim.AdamW(learning, recipe.rate, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step, steps))
    log, losses, start = [], [], time.perf_counter()
    for step in (bar := tqdm(range(1, steps + 1), desc=title, unit="step")):
        if (step - 1) % recipe.echoes == 0:
            batch = draw(samples, prepare, recipe.images, rng, recipe.variation)
        loss = _loss(network, recipe, batch, step / steps, generator)
        descend(loss, learning, [optimiser], [schedule])
        losses.append(loss.item())
        if _is_logged(step, steps):
            line = {"step": step, "seconds": time.perf_counter() - start, "loss": float(np.mean(losses))}
            log.append(line | _validate(network, recipe, validation))
            losses.clear()
            bar.set_postfix({key: f"{value:.3f}" for key, value in log[-1].items() if key != "step"})
    return log


def _is_logged(step: int, steps: int) -> bool:
    return step * LOGGED // steps > (step - 1) * LOGGED // steps


def _rate(step: int, steps: int) -> float:
    """Share of the highest learning rate: linear warm-up, then a half cosine down to nothing."""
    warm = min(WARM_UP, max(1, steps // 10))
    if step < warm:
        return (step + 1) / warm
    return 0.5 + 0.5 * math.cos(math.pi * (step - warm) / max(1, steps - warm))


def _loss(network: Network, recipe: Recipe, batch: Batch, progress: float, generator: torch.Generator) -> Tensor:
    if recipe.lesson:
        return recipe.lesson.loss(network, batch, generator)
    learns = any(value.requires_grad for value in network.image_encoder.parameters())
    with torch.set_grad_enabled(learns):
        features = embed(network, batch.images)
    boxes = recipe.boxes(batch.boxes, IMAGE_SIZE, generator)
    if not recipe.interactive:
        logits, _ = propose(network, features, batch.owner, boxed(boxes))
        return box_loss(logits[:, 0], batch.targets[:, 0]).mean()
    coin, extra = torch.rand((), generator=generator), torch.randint(ROUNDS, (), generator=generator)
    prompts = boxed(boxes) if coin < 0.5 else clicked(batch.targets, generator)
    early = max(0.0, 1 - progress / EARLY_SHARE)
    rounds = 1 if early > 0 else 1 + int(extra)
    drawn = interact(network, features, batch, prompts, rounds, generator)
    losses = [interactive_loss(logits, scores, batch.targets, early).mean() for logits, scores, _ in drawn]
    return torch.stack(losses).mean()


def _validation(recipe: Recipe, prepare: Prepare) -> Batch:
    rng = np.random.default_rng(VALIDATION_SEED)
    return draw(stream(recipe.sampler, rng), prepare, VALIDATION_IMAGES, rng, recipe.variation)


@torch.no_grad()
def _validate(network: Network, recipe: Recipe, batch: Batch) -> dict[str, float]:
    """Mean Dice with tight boxes, and after the first and the last click where clicks are trained."""
    if recipe.lesson:
        return recipe.lesson.validate(network, batch)
    features = embed(network, batch.images)
    logits, _ = propose(network, features, batch.owner, boxed(batch.boxes))
    if not recipe.interactive:
        return {"dice_box": mean_dice(logits[:, 0], batch.targets[:, 0])}
    generator = torch.Generator().manual_seed(VALIDATION_SEED)
    rounds = interact(network, features, batch, clicked(batch.targets, generator), ROUNDS, generator)
    dice = [mean_dice(shown, batch.targets) for _, _, shown in rounds]
    box = mean_dice(logits[:, :1], batch.targets)
    return {"dice_box": box, "dice_click1": dice[0], f"dice_click{ROUNDS}": dice[-1]}


def _save(network: Network, path: Path, training: dict[str, str | int]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    state = {name: value.half().contiguous() for name, value in network.state_dict().items()}
    partial = path.with_suffix(".partial")
    # One entry: safetensors would write several in an order that changes from run to run.
    save_file(state, partial, {"training": json.dumps(training)})
    os.replace(partial, path)


def _write_log(log: Sequence[dict[str, float]], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(log[0])
        writer.writerows([line["step"], *(f"{v:.4f}" for v in list(line.values())[1:])] for line in log)
