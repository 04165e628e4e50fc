"""The engine that trains every mini: stages of steps, on any device, resumable after a kill."""

import csv
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from adapters.precision import Precision, autocast
from bench.miniworld.training import pools
from bench.miniworld.training.batches import Source
from bench.miniworld.training.families import Family
from bench.miniworld.training.losses import Probe
from bench.miniworld.training.names import Names
from bench.miniworld.training.networks import Network, decoder, embed
from bench.miniworld.training.optimisers import Optimisers
from bench.miniworld.training.pools import SIDE
from bench.miniworld.training.stages import Stage
from bench.miniworld.training.steps import loss
from bench.miniworld.training.validation import held_out, validate
from segmote.imis.network import Imis

CHECKPOINT_SECONDS = 300.0
LOGGED = 7  # lines of a stage
PICTURES = 8000  # of each world
PICTURES_OF = {"shapes": 5000}
MEASURED: tuple[Precision, ...] = ("fp32", "bf16") * 3  # the first time is a warm-up, others may be disturbed


class MiniTraining:
    """One mini on its way.

    Args:
        network: at its start; changed in place.
        family: see `Family`.
        device: where all of it happens.
        checkpoint: where to keep what a later process goes on from; read if it is there.
    """

    def __init__(
        self,
        network: Network,
        family: Family,
        device: torch.device,
        checkpoint: Path,
    ) -> None:
        self.network, self.family, self.device, self.checkpoint = network.to(device), family, device, checkpoint
        self.generator = torch.Generator(device).manual_seed(family.seed)
        torch.manual_seed(family.seed)
        self.probe = Probe(decoder(network).output_upscaling[-2].out_channels).to(device)
        self.names = Names(network, device) if isinstance(network, Imis) else None
        self.precision = faster_precision(network, family, device)
        self.stage, self.done, self.seconds = 0, 0, 0.0
        self.log: list[dict[str, Any]] = []
        self._sources: dict[tuple[str, ...], Source] = {}
        self._kept = torch.load(checkpoint, weights_only=True) if checkpoint.is_file() else None
        if self._kept:
            self._resume(self._kept)

    def run(self, log: Path) -> None:
        """Train to the end of the last stage, and keep a log beside.

        Args:
            log: CSV, a line each seventh of a stage.
        """
        tried = {world: held_out(self._held_out(world)) for world in self.family.stages[-1].worlds}
        if self.names:
            tried["upright"] = held_out(self._held_out("medical"), upright=True)
        while self.stage < len(self.family.stages):
            self._run_stage(self.family.stages[self.stage], tried, log)
            self.stage, self.done, self._kept = self.stage + 1, 0, None
            self._keep(None)

    def _run_stage(self, stage: Stage, tried: dict[str, Any], log: Path) -> None:
        for name, value in self.network.named_parameters():
            value.requires_grad_(name.startswith(stage.learns))
        optimisers = Optimisers([self.network, self.probe], stage.muon, stage.adamw, stage.weight_decay)
        if self._kept and self._kept["optimisers"]:
            optimisers.resume(self._kept["optimisers"])
        encoder = [value for value in self.network.image_encoder.parameters() if value.requires_grad]
        source, losses, saved, started = self._source(stage.worlds), [], time.monotonic(), time.monotonic()
        bar = tqdm(range(self.done, stage.steps), stage.name, unit="step", initial=self.done, total=stage.steps)
        for step in bar:
            for value in encoder:
                value.requires_grad_(step >= stage.frozen_share * stage.steps)
            losses.append(self._step(stage, source, optimisers, step))
            self.done = step + 1
            if self.done * LOGGED // stage.steps > step * LOGGED // stage.steps:
                self.seconds, started = self.seconds + time.monotonic() - started, time.monotonic()
                self._note(stage, losses, tried, log)
                losses.clear()
                started = time.monotonic()
            if time.monotonic() - saved > CHECKPOINT_SECONDS:
                self.seconds, started = self.seconds + time.monotonic() - started, time.monotonic()
                self._keep(optimisers)
                saved = time.monotonic()
        self.seconds += time.monotonic() - started

    def _step(self, stage: Stage, source: Source, optimisers: Optimisers, step: int) -> torch.Tensor:
        progress = (step + 0.5) / stage.steps
        with autocast(self.device, self.precision):
            value = loss(self.network, self.probe, self.family, stage, source, self.names, progress, self.generator)
        optimisers.step(value, progress)
        return value.detach()

    def _note(self, stage: Stage, losses: list[torch.Tensor], tried: dict[str, Any], log: Path) -> None:
        line = {"stage": stage.name, "step": self.done, "seconds": round(self.seconds, 1)}
        line["loss"] = round(float(torch.stack(losses).mean()), 4)
        dice = validate(self.network.eval(), self.family, tried, self.names)
        self.log.append(line | {key: round(value, 4) for key, value in dice.items()})
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(self.log[0]))
            writer.writeheader()
            writer.writerows(self.log)

    def _source(self, worlds: tuple[str, ...]) -> Source:
        if worlds not in self._sources:
            found = pools.joined([pools.load([world], PICTURES_OF.get(world, PICTURES)) for world in worlds])
            self._sources = {worlds: Source(found, self.device)}
        return self._sources[worlds]

    def _held_out(self, world: str) -> Source:
        return Source(pools.load([world], 1, held_out=True), self.device)

    def _keep(self, optimisers: Optimisers | None) -> None:
        self.checkpoint.parent.mkdir(parents=True, exist_ok=True)
        partial = self.checkpoint.with_suffix(".partial")
        state = {
            "network": self.network.state_dict(),
            "probe": self.probe.state_dict(),
            "optimisers": optimisers.state() if optimisers else None,
            "generator": self.generator.get_state(),
            "place": [self.stage, self.done],
            "seconds": self.seconds,
            "log": self.log,
        }
        torch.save(state, partial)
        os.replace(partial, self.checkpoint)

    def _resume(self, kept: dict[str, Any]) -> None:
        self.network.load_state_dict(kept["network"])
        self.probe.load_state_dict(kept["probe"])
        self.generator.set_state(kept["generator"])
        self.stage, self.done = kept["place"]
        self.seconds, self.log = kept["seconds"], kept["log"]


def faster_precision(network: Network, family: Family, device: torch.device) -> Precision:
    """bf16 where the encoder's passes are faster with it, which is so on GPUs and on some CPUs; else fp32."""
    images = torch.rand(4, 3, SIDE, SIDE, device=device)
    seconds: dict[Precision, float] = {}
    for precision in MEASURED:
        started = time.perf_counter()
        with autocast(device, precision):
            embed(network, family.prepare(images))[-1].float().square().mean().backward()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds[precision] = min(seconds.get(precision, torch.inf), time.perf_counter() - started)
    network.zero_grad(set_to_none=True)
    return "bf16" if seconds["bf16"] < seconds["fp32"] else "fp32"


def scaled(family: Family, share: float) -> Family:
    """The same training with a share of the steps, for a quick look."""
    stages = tuple(replace(stage, steps=max(1, round(share * stage.steps))) for stage in family.stages)
    return replace(family, stages=stages)
