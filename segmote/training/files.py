"""The files of a training: checkpoint, logs, weights. Each is written atomically."""

import csv
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tensorboardX import SummaryWriter
from torch import Tensor

from segmote.network.model import Segmote
from segmote.network.official_names import is_unused
from segmote.recipe import Recipe

CHECKPOINT, SETTINGS, STEPS, EPOCHS = "checkpoint.pt", "training.json", "steps.csv", "epochs.csv"
WEIGHTS, CURVES, DIVERGED = "weights.safetensors", "tensorboard", "diverged.json"
WRITTEN = (CHECKPOINT, STEPS, EPOCHS, WEIGHTS, DIVERGED)
OWN_CURVES = ".segmote"  # ending of the files with curves
Line = Mapping[str, float]


def save_checkpoint(folder: Path, content: Mapping[str, Any]) -> None:
    """Replace the checkpoint by the state after an epoch."""
    partial = _partial(folder / CHECKPOINT)
    with partial.open("wb") as file:
        torch.save(dict(content), file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, folder / CHECKPOINT)


def load_checkpoint(folder: Path) -> dict[str, Any] | None:
    """The state after the last finished epoch, None if there is none.

    Raises:
        ValueError: the file is damaged.
    """
    path = folder / CHECKPOINT
    if not path.is_file():
        return None
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever torch raises on changed bytes
        reason = str(error).partition("\n")[0]
        raise ValueError(f"{path} is cut off or damaged ({reason}); start anew without resuming") from error
    return content


def claim(folder: Path, settings: Mapping[str, Any], resume: bool) -> None:
    """Claim the folder for this training.

    Only what a training has written is replaced or deleted: it is known by the settings beside it, and curves by an
    ending of their own. Anything else in the folder stays.

    Args:
        folder: made if needed.
        settings: plain JSON values: everything that decides the losses.
        resume: False discards an earlier training in there.

    Raises:
        ValueError: a training with other settings is in there, or files of these names that no training has written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    settings = json.loads(json.dumps(settings))
    before = _settings(folder, settings)
    if not resume:
        for name in WRITTEN:
            (folder / name).unlink(missing_ok=True)
        for path in (folder / CURVES).glob(f"*/*{OWN_CURVES}"):
            path.unlink()
    elif before and (folder / CHECKPOINT).is_file():
        changed = [name for name in settings if before.get(name) != settings[name]]
        if changed:
            name = changed[0]
            raise ValueError(
                f"{folder} holds a training with another {name}: {before.get(name)}, now {settings[name]}; "
                "choose another folder, or start anew without resuming"
            )
    write_json(folder / SETTINGS, settings)


def _settings(folder: Path, expected: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of the training in a folder; empty if there is none.

    Raises:
        ValueError: files have the names of a training's, but no training has written them.
    """
    path = folder / SETTINGS
    links = [one for one in (path, folder / CURVES, *(folder / name for name in WRITTEN)) if one.is_symlink()]
    if links:
        raise ValueError(f"{links[0]} is a link, which a training does not write through; choose another folder")
    if path.exists():
        try:
            found = json.loads(path.read_text())
        except (OSError, ValueError, RecursionError):
            found = None
        if not isinstance(found, dict) or not expected.keys() & found.keys():
            raise ValueError(
                f"{path} was not written by a training, or is damaged; choose another folder, or delete it"
            )
        return found
    foreign = [folder / name for name in WRITTEN if (folder / name).exists()]
    if foreign:
        raise ValueError(
            f"{foreign[0]} was not written by this training: the folder has no {SETTINGS}; choose another folder"
        )
    return {}


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write plain values as JSON, atomically."""
    partial = _partial(path)
    partial.write_text(json.dumps(content, indent=1))
    os.replace(partial, path)


def _partial(path: Path) -> Path:
    """Where a file is written before it takes its place: nobody else has a file of such a name."""
    return path.with_name(f".segmote-training-{path.name}.part")


class Log:
    """A CSV file of numbers and the same as curves for TensorBoard.

    Args:
        folder: of both.
        name: of the CSV file; its stem groups the curves.
        done: number of finished epochs; lines of later ones, left by a killed training, are dropped.
    """

    def __init__(self, folder: Path, name: str, done: int) -> None:
        self.path, self.group = folder / name, Path(name).stem
        kept = [line for line in _lines(self.path) if int(line["epoch"]) <= done]
        self.path.unlink(missing_ok=True)
        self.length = 0
        for line in kept:
            self._write(line)
        self.curves = SummaryWriter(str(folder / CURVES / self.group), purge_step=len(kept), filename_suffix=OWN_CURVES)

    def add(self, line: Line) -> None:
        """Append a line with the same columns as before."""
        for name, value in line.items():
            self.curves.add_scalar(f"{self.group}/{name}", value, self.length)
        self._write(line)

    def close(self) -> None:
        """Finish the curves."""
        self.curves.close()

    def _write(self, line: Mapping[str, Any]) -> None:
        with self.path.open("a", newline="") as file:
            writer = csv.DictWriter(file, list(line))
            if not self.length:
                writer.writeheader()
            writer.writerow(line)
        self.length += 1


def _lines(path: Path) -> list[dict[str, str]]:
    """The complete lines of a CSV file; one that was cut off when the training was killed is left out."""
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        return [line for line in csv.DictReader(file) if None not in line.values() and None not in line]


def save_weights(
    network: Segmote, recipe: Recipe, folder: Path, training: Mapping[str, Any], half: bool = False
) -> Path:
    """Write the whole network as a weights file, with its vocabulary beside it.

    Args:
        network: whose parameters are written.
        recipe: how it was trained; stored with the network's configuration, under "recipe".
        folder: where the files go.
        training: plain JSON values that are stored beside the configuration.
        half: store float16 instead of float32, and leave out what no pass uses.
    """
    kind = torch.float16 if half else torch.float32
    state: dict[str, Tensor] = {
        name: value.detach().cpu().to(kind).contiguous()
        for name, value in network.state_dict().items()
        if not (half and is_unused(name))
    }
    partial = _partial(folder / WEIGHTS)
    config = asdict(network.config) | {"recipe": asdict(recipe)}
    # One entry: safetensors would write several in an order that changes from run to run.
    about = json.dumps({"config": config, **training}, sort_keys=True)
    save_file(state, partial, {"training": about})
    os.replace(partial, folder / WEIGHTS)
    beside = folder / network.vocabulary.name
    if network.vocabulary.is_file() and not beside.exists():
        shutil.copyfile(network.vocabulary, beside)
    return folder / WEIGHTS
