"""The loss of one training step."""

from collections.abc import Sequence

import torch
from torch import Tensor

from bench.miniworld.training.batches import UPRIGHT, PictureBatch, Source
from bench.miniworld.training.contrast import mostly_bright
from bench.miniworld.training.families import Family
from bench.miniworld.training.localisation import with_ellipses
from bench.miniworld.training.losses import (
    Probe,
    Samples,
    at,
    frame_losses,
    mask_losses,
    sample_points,
    steep,
    window_iou,
)
from bench.miniworld.training.names import Names
from bench.miniworld.training.networks import Features, MaskProposals, Network, PromptTensors, embed, named
from bench.miniworld.training.rounds import answers, first
from bench.miniworld.training.stages import Stage

MORE_OBJECTS = 1.3  # a step of several rounds costs so many times one of a single round
LEAST_OBJECTS = 2
SCORE_WEIGHT, OTHERS_WEIGHT = 0.5, 0.25


def loss(
    network: Network,
    probe: Probe,
    family: Family,
    stage: Stage,
    source: Source,
    names: Names | None,
    progress: float,
    generator: torch.Generator,
) -> Tensor:
    """The loss of one batch, a scalar.

    Args:
        network: the family's.
        probe: of its upscaled features.
        family: see `Family`.
        stage: see `Stage`.
        source: of the stage's worlds.
        names: the classes' names as tokens, for a network that is told them.
        progress: share 0..1 of the stage's steps.
        generator: on the device; source of every draw.
    """
    told = names is not None and _chance(2 * stage.first.get("text", 0.0), generator)
    batch = source.draw(stage.pictures, stage.objects, UPRIGHT if told else stage.variation, generator)
    batch = _adjusted(batch, stage, progress, generator)
    features = embed(network, family.prepare(batch.images))
    share = stage.rounds_share[int(progress >= 0.5)]
    rounds = 2 + int(_randint(stage.rounds - 1, generator)) if _chance(share, generator) else 1
    losses: list[Tensor] = []
    for kind, objects in _divided(batch, stage, told, rounds, generator):
        losses += _of_kind(network, probe, family, stage, features, batch.of(objects), names, kind, rounds, generator)
    return torch.stack(losses).sum() / len(stage.first)


def _adjusted(batch: PictureBatch, stage: Stage, progress: float, generator: torch.Generator) -> PictureBatch:
    if stage.localises:
        return with_ellipses(batch, generator)
    if stage.one_contrast is None:
        return batch
    until, end = stage.one_contrast
    share = min(1.0, max(0.0, (end - progress) / (end - until)))
    return mostly_bright(batch, share, generator) if share else batch


def _divided(
    batch: PictureBatch, stage: Stage, told: bool, rounds: int, generator: torch.Generator
) -> list[tuple[str, Tensor]]:
    """Kinds of first prompt and the objects that are asked for by each; fewer objects where there are more rounds."""
    order = torch.randperm(len(batch.owner), generator=generator, device=generator.device)
    if rounds > 1:
        order = order[: max(LEAST_OBJECTS, round(len(order) * MORE_OBJECTS / rounds))]
    shares = {kind: share for kind, share in stage.first.items() if told or kind != "text"}
    if told:
        shares["text"] = sum(share for kind, share in shares.items() if kind != "text")
    total, start, parts = sum(shares.values()), 0.0, []
    for kind, share in shares.items():
        ends = [round(len(order) * place / total) for place in (start, start + share)]
        parts.append((kind, order[slice(*ends)]))
        start += share
    return [(kind, objects) for kind, objects in parts if len(objects)]


def _of_kind(
    network: Network,
    probe: Probe,
    family: Family,
    stage: Stage,
    features: Features,
    batch: PictureBatch,
    names: Names | None,
    kind: str,
    rounds: int,
    generator: torch.Generator,
) -> Sequence[Tensor]:
    """Losses of the rounds that start with one kind of prompt."""
    samples = sample_points(batch.boxes, batch.masks, generator)
    text = names.vectors(network, batch.names) if kind == "text" and names else None
    noise = family.user.noise, stage.noisy_share
    prompts = first(kind, batch, *noise, generator) if text is None else named(text)
    losses = []
    asked = answers(network, features, batch, prompts, family.user, rounds, generator, text)
    for number, (given, drawn) in enumerate(asked):
        value = _mask_loss(family, stage, drawn, given, samples).mean()
        if stage.localises or (kind == "text" and number == 0):  # neither knows yet where to look
            value = value + frame_losses(drawn.logits, batch.masks).mean()
        if number == 0:
            value = value + _auxiliary(probe, stage, drawn, batch, samples, generator)
        losses.append(value)
    return losses


def _mask_loss(family: Family, stage: Stage, drawn: MaskProposals, prompts: PromptTensors, samples: Samples) -> Tensor:
    """(M,) losses of the masks that learn and of their predicted scores."""
    maps = steep(drawn.logits) if family.steep else drawn.logits
    read = at(maps, samples.points)
    losses = mask_losses(read, samples.target)
    if stage.localises:
        return losses.mean(1)
    if family.learned == "single":
        return losses[:, 0]
    best = losses[:, 1:].amin(1)
    score = SCORE_WEIGHT * (drawn.scores - window_iou(read.detach(), samples.target)).square().mean(1)
    if family.learned == "chosen":
        chosen = losses.gather(1, drawn.scores[:, 1:].argmax(1, keepdim=True) + 1)[:, 0]
        return (chosen + best) / 2 + score
    if prompts.is_lone_click:
        return 0.5 * losses[:, 0] + best + score
    return losses[:, 0] + OTHERS_WEIGHT * best + score


def _auxiliary(
    probe: Probe, stage: Stage, drawn: MaskProposals, batch: PictureBatch, samples: Samples, generator: torch.Generator
) -> Tensor:
    total = torch.zeros((), device=batch.images.device)
    if stage.brightness:
        grey = batch.images.mean(1)[batch.owner]
        total = total + stage.brightness * probe.brightness_loss(drawn, grey, samples)
    if stage.membership:
        total = total + stage.membership * probe.membership_loss(drawn, samples, generator)
    return total


def _chance(share: float, generator: torch.Generator) -> bool:
    return bool(torch.rand((), generator=generator, device=generator.device) < share)


def _randint(limit: int, generator: torch.Generator) -> Tensor:
    return torch.randint(max(1, limit), (), generator=generator, device=generator.device)
