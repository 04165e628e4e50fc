"""The decoder's drill on remembered embeddings."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from adapters import card, geometry
from adapters.families import small_networks
from adapters.families.sam import SamEmbedding
from bench.miniworld.phantoms.medical import medical_sample
from bench.miniworld.training.batches import Variation, draw, stream
from bench.miniworld.training.drill import FINE_SIDE, Drill, Memory, by_logits, by_probabilities, drill, remember
from bench.miniworld.training.networks import embed
from bench.miniworld.training.recipes import RECIPES

VARIATION = Variation(turned=False, shrunk_share=0, either_edge=False)
PLAN = Drill(steps=40, images=9, rate=2e-3, muon=5e-3, variation=VARIATION, enlarge=by_logits)


def adapter(family):
    return RECIPES[family].adapter(card(f"{family}/mini"), small_networks.sam(), torch.device("cpu"), "fp32")


def prepare(image):
    return adapter("huang").prepare(image)


def samples():
    return stream(medical_sample, np.random.default_rng(5))


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return small_networks.sam()


@pytest.fixture(scope="module")
def memory(network) -> Memory:
    return remember(network, samples(), prepare, PLAN, np.random.default_rng(6))


def test_memory_holds_what_the_network_sees(network, memory):
    drawn = [draw(samples(), prepare, 8, np.random.default_rng(6), VARIATION, 12, FINE_SIDE)]
    assert len(memory.features[-1]) == 16  # two whole batches
    count = len(drawn[0].boxes)
    with torch.no_grad():
        torch.testing.assert_close(memory.features[-1][:8], embed(network, drawn[0].images)[-1])
    assert torch.equal(memory.boxes[:count], drawn[0].boxes)
    assert torch.equal(memory.owner[:count], drawn[0].owner) and int(memory.owner.max()) == 15
    assert (memory.targets[:count] / 255 - drawn[0].targets).abs().max() <= 0.5 / 255 + 1e-6


def test_boxes_end_where_their_objects_end():
    batch = draw(samples(), prepare, 8, np.random.default_rng(6), VARIATION, 12, FINE_SIDE)
    assert len(batch.boxes) > 8
    stride = small_networks.IMAGE_SIZE / FINE_SIDE
    for (x0, y0, x1, y1), target in zip(batch.boxes.tolist(), batch.targets[:, 0], strict=True):
        rows, columns = (np.flatnonzero((target > 0.02).any(axis)) for axis in (1, 0))
        seen = (columns[0] * stride, rows[0] * stride, (columns[-1] + 1) * stride, (rows[-1] + 1) * stride)
        np.testing.assert_allclose((x0, y0, x1, y1), seen, atol=2 * stride)


def test_either_edge_ends_some_boxes_a_pixel_earlier():
    """Of the first picture, whose objects are the same in both draws."""
    either = replace(VARIATION, either_edge=True)
    one, other = (
        draw(samples(), prepare, 1, np.random.default_rng(6), kind, 12, FINE_SIDE) for kind in (VARIATION, either)
    )
    assert torch.equal(one.boxes[:, :2], other.boxes[:, :2])
    earlier = one.boxes[:, 2:] - other.boxes[:, 2:]
    image = next(samples()).image
    pixel = small_networks.IMAGE_SIZE / max(image.shape[:2])
    assert set(earlier.div(pixel).round().unique().tolist()) == {0.0, 1.0}


def test_all_sizes_are_drawn_alike():
    sides = torch.tensor([10.0] * 90 + [50.0] * 9 + [200.0])
    boxes = torch.cat([torch.zeros(100, 2), sides[:, None].expand(-1, 2)], 1)
    chances = Memory([], torch.zeros(100), boxes, torch.zeros(100)).weights()
    assert [float(chances[sides == side].sum()) for side in (10, 50, 200)] == pytest.approx([1, 1, 1])


def test_drill_teaches_the_decoder_and_nothing_else(network, memory):
    before = {name: value.clone() for name, value in network.state_dict().items()}
    losses = list(drill(network, PLAN, memory, torch.Generator().manual_seed(0)))
    assert len(losses) == 40 and np.mean(losses[-8:]) < 0.8 * np.mean(losses[:8])
    changed = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    assert changed and all(name.startswith("mask_decoder.") for name in changed)
    assert any("transformer" in name for name in changed) and any("output_upscaling" in name for name in changed)


def test_drill_is_repeated_by_its_seed(memory):
    def once():
        torch.manual_seed(3)
        return list(drill(small_networks.sam(), replace(PLAN, steps=3), memory, torch.Generator().manual_seed(1)))

    assert once() == once()


def test_targets_of_the_fine_grid_are_those_of_the_coarse_one_in_detail():
    fine, coarse = (draw(samples(), prepare, 4, np.random.default_rng(6), VARIATION, 4, side) for side in (128, 64))
    assert torch.equal(fine.boxes, coarse.boxes)
    torch.testing.assert_close(F.avg_pool2d(fine.targets, 2), coarse.targets)


@pytest.mark.parametrize("family", ["medsam", "huang"])
def test_masks_are_learned_as_the_family_draws_them(family):
    """On an original of the fine grid's size the adapter's mask is where the drill's logits are positive."""
    logits = 4 * torch.randn(
        3, small_networks.MASK_SIDE, small_networks.MASK_SIDE, generator=torch.Generator().manual_seed(0)
    )
    frame = geometry.squash((FINE_SIDE, FINE_SIDE), small_networks.IMAGE_SIZE)
    drawn = adapter(family).masks(SamEmbedding(torch.zeros(0), frame), logits)
    learned = RECIPES[family].drill.enlarge(logits)
    assert learned.shape == (3, FINE_SIDE, FINE_SIDE)
    assert torch.equal(drawn[learned.abs() > 1e-3], (learned > 0)[learned.abs() > 1e-3])
    other = {by_logits: by_probabilities, by_probabilities: by_logits}[RECIPES[family].drill.enlarge]
    assert ((other(logits) > 0) != drawn).float().mean() > 0.01


def test_probabilities_are_asked_for_their_side_of_one_half_only():
    """Between two pixels, on and off, lies a ramp; each of its values is on its side, and nothing is left to learn."""
    logits = torch.full((1, small_networks.MASK_SIDE, small_networks.MASK_SIDE), -9.0)
    logits[:, :, :32] = 9.0
    target = (by_probabilities(logits) > 0).float()
    assert F.binary_cross_entropy_with_logits(by_probabilities(logits), target) < 1e-4
