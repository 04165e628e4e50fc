"""Train the mini weights: SAM and SAM 2 from nothing, the others from the mini SAM."""

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pooch
import torch
from safetensors.torch import save_file

from bench import workers
from bench.miniworld.training.engine import MiniTraining, scaled
from bench.miniworld.training.families import FAMILIES
from bench.miniworld.training.networks import Network
from bench.miniworld.training.start import initialise


def build(
    families: Sequence[str], out: Path, *, log_dir: Path, device: str = "cpu", share: float = 1.0, jobs: int = 1
) -> dict[str, Path]:
    """Train the minis and write them, parents first; a build that was stopped goes on where it was.

    Args:
        families: names from `FAMILIES`.
        out: folder of the `<family>.safetensors` and of what lies beside them; a parent that is not among `families`
            is read from it.
        log_dir: folder of the `<family>.csv` logs.
        device: where all of it happens, as torch names it.
        share: of each stage's steps, for a quick look.
        jobs: processes; families that do not build on each other are trained side by side, one thread each.

    Returns:
        Family name to weights file.

    Raises:
        ValueError: an unknown family, or a parent whose weights are neither asked for nor in `out`.
    """
    unknown = set(families) - set(FAMILIES)
    if unknown:
        raise ValueError(f"no mini {', '.join(sorted(unknown))}; there are {', '.join(FAMILIES)}")
    parents = [name for name in FAMILIES if name in families and FAMILIES[name].parent is None]
    children = [name for name in FAMILIES if name in families and name not in parents]
    built: dict[str, Path] = {}
    for generation in (parents, children):
        tasks = [(_build_one, name, out, log_dir, device, share) for name in generation]
        built |= dict(zip(generation, workers.run(tasks, jobs, "local", "families"), strict=True))
    return built


def checkpoint(name: str, share: float = 1.0) -> Path:
    """Where a family's unfinished training is kept."""
    suffix = "" if share == 1 else f"-{share:g}"
    return Path(pooch.os_cache("segmote-bench")) / "checkpoints" / f"{name}{suffix}.pt"


def _build_one(name: str, out: Path, log_dir: Path, device: str, share: float) -> Path:
    family = scaled(FAMILIES[name], share)
    training = MiniTraining(_initial(name, out), family, torch.device(device), checkpoint(name, share))
    training.run(log_dir / f"{name}.csv")
    path = out / f"{name}.safetensors"
    save(
        training.network,
        path,
        {
            "family": name,
            "seed": family.seed,
            "steps": sum(stage.steps for stage in family.stages),
            "data": family.world,
        },
    )
    if family.companion and family.companion.parent.resolve() != out.resolve():
        shutil.copyfile(family.companion, out / family.companion.name)
    checkpoint(name, share).unlink()
    return path


def _initial(name: str, out: Path) -> Network:
    family = FAMILIES[name]
    torch.manual_seed(family.seed)
    network = family.build()
    if family.parent is None:
        initialise(network)
        return network
    parent = out / f"{family.parent}.safetensors"
    if not parent.is_file():
        raise ValueError(f"{name} starts from {parent}, which is not there; build {family.parent} first")
    family.inherit(network, parent)
    return network


def save(network: torch.nn.Module, path: Path, about: dict[str, str | int]) -> None:
    """Write a network's weights in fp16, with what they are in the file's metadata."""
    path.parent.mkdir(parents=True, exist_ok=True)
    state = {name: value.half().cpu().contiguous() for name, value in network.state_dict().items()}
    partial = path.with_suffix(".partial")
    # One entry: safetensors would write several in an order that changes from run to run.
    save_file(state, partial, {"training": json.dumps(about)})
    os.replace(partial, path)
