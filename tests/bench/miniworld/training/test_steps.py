"""The loss of one training step."""

from dataclasses import replace

import pytest
import torch

from bench.miniworld.training.batches import Source
from bench.miniworld.training.families import FAMILIES
from bench.miniworld.training.losses import Probe
from bench.miniworld.training.networks import decoder
from bench.miniworld.training.steps import loss

SAM = FAMILIES["sam"]


@pytest.fixture
def network():
    torch.manual_seed(0)
    return SAM.build()


def value(network, source: Source, stage, seed=0):
    torch.manual_seed(0)
    probe = Probe(decoder(network).output_upscaling[-2].out_channels)
    small = replace(stage, pictures=2, objects=2)
    return loss(network, probe, SAM, small, source, None, 0.6, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("stage", SAM.stages, ids=lambda stage: stage.name)
def test_every_stage_has_a_loss_that_reaches_encoder_and_decoder(network, source, stage):
    found = value(network, source, stage)
    assert found.shape == () and found.isfinite() and found > 0
    found.backward()
    assert network.image_encoder.patch_embed.proj.weight.grad.any()
    assert network.mask_decoder.mask_tokens.weight.grad.any()


def test_the_generator_decides_every_draw(network, source):
    stage = SAM.stages[-1]
    first, again, other = (float(value(network, source, stage, seed).detach()) for seed in (0, 0, 1))
    assert first == again != other
