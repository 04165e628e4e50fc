"""The memory of the mini SAM 2: trained on phantom volumes after all else, which stays as it is.

A volume is a picture that drifts, turns and grows from slice to slice, until another picture takes its place and the
object is gone. The object is prompted on the first slice, by its box or its mask, and followed through the others.
"""

import csv
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file
from sam2.modeling.sam2_base import SAM2Base
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from adapters.families.sam2 import Sam2Segmenter
from adapters.families.small_networks import is_memory
from bench.miniworld.training import pools
from bench.miniworld.training.batches import Source, Variation
from bench.miniworld.training.build import save
from bench.miniworld.training.families import standard_sam2
from bench.miniworld.training.optimisers import Optimisers

NAME = "sam2-memory"
WORLDS, PICTURES = ("blots", "shapes"), 2000
STEPS, VOLUMES, SLICES = 700, 6, 5
MUON, ADAMW, WEIGHT_DECAY = 3e-2, 3e-3, 0.01
SEED = 8
DRIFT, GROWTH, TURN = 0.06, 0.08, 0.08  # of each slice against the one before: half a side, logarithm, radians
VANISHING_SHARE = 0.3  # of the volumes
LOGGED = 50  # steps between lines of the log
TEMPORAL = "maskmem_tpos_enc"  # is there without memory, too, but only memory reads it


@dataclass(frozen=True, slots=True, eq=False)
class PhantomVolumes:
    """B volumes of T slices with one object each.

    Attributes:
        images: (T, B, 3, 128, 128) in 0..1.
        masks: (T, B, 128, 128) in 0..1; zeros where the object is gone.
        boxes: (B, 4) of the object in the first slice, x1, y1 one past the last pixel.
    """

    images: Tensor
    masks: Tensor
    boxes: Tensor


def build(out: Path, logs: Path, device: str = "cpu", steps: int = STEPS) -> Path:
    """Train the memory of `sam2.safetensors` and write it into that file.

    Args:
        out: folder of the mini weights.
        logs: folder of the log, `sam2-memory.csv`.
        device: where the training happens.
        steps: of the optimisers.

    Raises:
        ValueError: the file is not there, or is not of this size of network.
    """
    path = out / "sam2.safetensors"
    network = _network(path).to(device)
    torch.manual_seed(SEED)
    generator = torch.Generator(device).manual_seed(SEED)
    source = Source(pools.joined([pools.load([world], PICTURES) for world in WORLDS]), torch.device(device))
    hand_through(network, phantom_volumes(source, VOLUMES, SLICES, generator))
    learned = learning(network)
    optimisers = Optimisers([network], MUON, ADAMW, WEIGHT_DECAY)
    lines: list[dict[str, Any]] = []
    losses: list[float] = []
    started = time.monotonic()
    for step in tqdm(range(steps), NAME, unit="step"):
        value = loss(network, phantom_volumes(source, VOLUMES, SLICES, generator), by_mask=step % 2 == 1)
        optimisers.step(value, (step + 0.5) / steps)
        losses.append(float(value.detach()))
        if (step + 1) % LOGGED == 0 or step + 1 == steps:
            line = {"step": step + 1, "seconds": round(time.monotonic() - started, 1)}
            lines.append(line | {"loss": round(sum(losses) / len(losses), 4)})
            losses.clear()
    with safe_open(path, "pt") as file:
        about = json.loads((file.metadata() or {}).get("training", "{}"))
    save(network, path, about | {"memory_steps": steps, "memory_parameters": sum(one.numel() for one in learned)})
    _write(lines, logs / f"{NAME}.csv")
    return path


def _write(lines: list[dict[str, Any]], log: Path) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)


def _network(path: Path) -> SAM2Base:
    """The mini SAM 2 of a file, with an untrained memory."""
    if not path.is_file():
        raise ValueError(f"{NAME} starts from {path}, which is not there; build sam2 first")
    torch.manual_seed(SEED)
    network = Sam2Segmenter.build("mini")
    state = {key: value for key, value in load_file(path).items() if not is_memory(key)}
    wanted = network.state_dict()
    missing = {key for key in wanted if not is_memory(key)} ^ set(state)
    if missing or any(wanted[key].shape != value.shape for key, value in state.items()):
        raise ValueError(f"{path} holds no mini SAM 2 of this size; build sam2 first")
    network.load_state_dict(state, strict=False)
    return network


def learning(network: SAM2Base) -> list[Tensor]:
    """Let the memory's parameters learn and no others; returns them."""
    for name, value in network.named_parameters():
        value.requires_grad_(is_memory(name) or name == TEMPORAL)
    return [value for value in network.parameters() if value.requires_grad]


def phantom_volumes(source: Source, volumes: int, slices: int, generator: torch.Generator) -> PhantomVolumes:
    """Volumes whose slices follow from their first one by drifting, turning and growing.

    Args:
        source: of pictures.
        volumes: how many at most; an object that lies outside of its varied picture has none.
        slices: of each.
        generator: source of every draw.
    """
    batch = source.draw(volumes, 1, Variation(), generator)
    device, volumes = batch.images.device, len(batch.owner)

    def drawn(*shape: int) -> Tensor:
        return 2 * torch.rand(*shape, generator=generator, device=device) - 1

    order = torch.arange(slices, device=device)[:, None]
    turn, growth = TURN * drawn(volumes) * order, torch.exp(GROWTH * drawn(volumes) * order)
    shift = DRIFT * drawn(volumes, 2) * order[..., None]
    rows = torch.stack([turn.cos() * growth, -turn.sin() * growth, turn.sin() * growth, turn.cos() * growth], -1)
    affine = torch.cat([rows.unflatten(-1, (2, 2)), shift[..., None]], -1).flatten(0, 1)
    stacked = torch.cat([batch.images[batch.owner], batch.masks[:, None]], 1).repeat(slices, 1, 1, 1)
    grid = F.affine_grid(affine, list(stacked.shape), align_corners=False)
    moved = F.grid_sample(stacked, grid, padding_mode="reflection", align_corners=False)
    moved = moved.unflatten(0, (slices, volumes))
    images, masks = moved[:, :, :3], moved[:, :, 3]
    last = torch.randint(1, slices, (volumes,), generator=generator, device=device)
    gone = (drawn(volumes) < 2 * VANISHING_SHARE - 1) & (order >= last)
    images = torch.where(gone[..., None, None, None], images.roll(1, dims=1), images)
    return PhantomVolumes(images, masks * ~gone[..., None, None], batch.boxes)


@torch.no_grad()
def hand_through(network: SAM2Base, volumes: PhantomVolumes) -> None:
    """Start values with which memory adds nothing: its layers are silent, and its last norm gives back what came in.

    The decoder, which does not learn, is so given features of the kind that it knows, from the first step on.
    """
    attention: Any = network.memory_attention
    for layer in attention.layers:
        for part in (layer.self_attn.out_proj, layer.cross_attn_image.out_proj, layer.linear2):
            torch.nn.init.zeros_(part.weight)
            torch.nn.init.zeros_(part.bias)
    features = _encoded(network, volumes.images)[0][-1]  # (T, B, C, h, w)
    given = features.movedim(2, -1).flatten(0, -2)
    normed = F.layer_norm(given, given.shape[1:])
    wanted = given + network.no_mem_embed[0]
    slope = ((normed - normed.mean(0)) * (wanted - wanted.mean(0))).mean(0) / normed.var(0, unbiased=False)
    attention.norm.weight.copy_(slope)
    attention.norm.bias.copy_(wanted.mean(0) - slope * normed.mean(0))


def loss(network: SAM2Base, volumes: PhantomVolumes, by_mask: bool) -> Tensor:
    """Cross-entropy and Dice of the masks on all slices but the first, a scalar.

    Args:
        network: its memory is trained.
        volumes: see `PhantomVolumes`.
        by_mask: the first slice is prompted by the object itself, else by its box.
    """
    drawn = follow(network, volumes, by_mask)[1:]
    wanted = F.interpolate(volumes.masks[1:], drawn.shape[-2:], mode="area")
    entropy = F.binary_cross_entropy_with_logits(drawn, wanted)
    shown = drawn.sigmoid()
    common, both = (shown * wanted).sum((-2, -1)), (shown + wanted).sum((-2, -1))
    return entropy + (1 - (2 * common + 1) / (both + 1)).mean()


def follow(network: SAM2Base, volumes: PhantomVolumes, by_mask: bool) -> Tensor:
    """Low-resolution logits (T, B, h, w): the first slice as prompted, the others from memory."""
    maps, positions = _encoded(network, volumes.images)
    count, side = len(volumes.boxes), volumes.images.shape[-1]
    points, mask = None, None
    if by_mask:
        mask = (F.interpolate(volumes.masks[:1], network.image_size, mode="bilinear")[0, :, None] > 0.5).float()
    else:
        corners = volumes.boxes.reshape(-1, 2, 2) * network.image_size / side
        labels = torch.tensor([[2, 3]], dtype=torch.int32, device=corners.device).expand(len(corners), 2)
        points = {"point_coords": corners, "point_labels": labels}
    known: dict[str, dict[int, Any]] = {"cond_frame_outputs": {}, "non_cond_frame_outputs": {}}
    logits = []
    for index in range(len(volumes.images)):
        made = network.track_step(
            frame_idx=index,
            is_init_cond_frame=index == 0,
            current_vision_feats=[level[index].flatten(2).permute(2, 0, 1) for level in maps],
            current_vision_pos_embeds=[one.flatten(2).permute(2, 0, 1).expand(-1, count, -1) for one in positions],
            feat_sizes=[tuple(level.shape[-2:]) for level in maps],
            point_inputs=points if index == 0 else None,
            mask_inputs=mask if index == 0 else None,
            output_dict=known,
            num_frames=len(volumes.images),
        )
        known["non_cond_frame_outputs" if index else "cond_frame_outputs"][index] = made
        logits.append(made["pred_masks"])
    side = logits[-1].shape[-1]
    return torch.stack([F.interpolate(low, side, mode="bilinear")[:, 0] for low in logits])


def _encoded(network: SAM2Base, images: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """Feature maps (T, B, C, h, w) of slices (T, B, 3, 128, 128), finest first, without gradients; their positions."""
    size = [network.image_size] * 2
    with torch.no_grad():
        inputs = standard_sam2(F.interpolate(images.flatten(0, 1), size, mode="bilinear", antialias=True))
        found = network.forward_image(inputs)
    maps = [level.unflatten(0, images.shape[:2]) for level in found["backbone_fpn"][-network.num_feature_levels :]]
    return maps, [one[:1] for one in found["vision_pos_enc"][-network.num_feature_levels :]]
