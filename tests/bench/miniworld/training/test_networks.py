"""The networks in training draw what they draw in use."""

import pytest
import torch

from adapters.families import small_networks
from bench.miniworld.training.families import FAMILIES
from bench.miniworld.training.networks import PromptTensors, boxed, embed, named, no_clicks, propose


@pytest.mark.parametrize("family", ["sam", "sam2", "sam-med2d", "imis"])
def test_objects_of_several_pictures_are_drawn_as_each_alone(family, batch):
    torch.manual_seed(0)
    network = FAMILIES[family].build()
    images = FAMILIES[family].prepare(batch.images)
    with torch.no_grad():
        together = propose(network, embed(network, images), batch.owner, boxed(batch.boxes))
        for index, owner in enumerate(batch.owner):
            features = embed(network, images[owner, None])
            alone = propose(network, features, torch.tensor([0]), boxed(batch.boxes[index, None]))
            torch.testing.assert_close(alone.logits[0], together.logits[index], atol=1e-4, rtol=1e-4)
            torch.testing.assert_close(alone.scores[0], together.scores[index], atol=1e-4, rtol=1e-4)


def test_sam_in_training_draws_what_sam_itself_draws(batch):
    network = small_networks.sam()
    with torch.no_grad():
        features = embed(network, FAMILIES["sam"].prepare(batch.images[:1]))
        boxes = batch.boxes[batch.owner == 0]
        drawn = propose(network, features, torch.zeros(len(boxes), dtype=torch.long), boxed(boxes))
        sparse, dense = network.prompt_encoder(points=None, boxes=boxes, masks=None)
        position = network.prompt_encoder.get_dense_pe()
        logits, scores = network.mask_decoder(features[0], position, sparse, dense, multimask_output=True)
    torch.testing.assert_close((logits, scores), (drawn.logits[:, 1:], drawn.scores[:, 1:]))


def test_masks_are_drawn_on_the_features_that_are_watched(batch):
    network = small_networks.sam()
    features = embed(network, FAMILIES["sam"].prepare(batch.images))
    drawn = propose(network, features, batch.owner, boxed(batch.boxes))
    (gradient,) = torch.autograd.grad(drawn.logits.sum(), drawn.upscaled)
    assert gradient.abs().sum() > 0
    assert not network.mask_decoder.output_upscaling[-1]._forward_hooks


def test_prompts_stay_exact_in_reduced_precision(batch):
    network = small_networks.sam()
    features = embed(network, FAMILIES["sam"].prepare(batch.images))
    seen = []
    network.prompt_encoder.register_forward_hook(lambda _module, _inputs, output: seen.append(output[0]))
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        propose(network, features, batch.owner, boxed(batch.boxes))
    exact, _ = network.prompt_encoder(points=None, boxes=batch.boxes, masks=None)
    torch.testing.assert_close(seen[0], exact)


def test_only_a_click_by_itself_is_ambiguous():
    click = PromptTensors(None, torch.zeros(1, 1, 2), torch.ones(1, 1, dtype=torch.long))
    assert click.is_lone_click
    assert not click.with_click(torch.zeros(1, 1, 2), torch.zeros(1, 1, dtype=torch.long)).is_lone_click
    assert not boxed(torch.zeros(1, 4)).is_lone_click
    assert not named(torch.zeros(1, 32)).is_lone_click
    assert no_clicks(3, torch.device("cpu"))[0].shape == (3, 0, 2)


def test_an_unknown_network_is_named():
    with pytest.raises(TypeError, match="Linear"):
        embed(torch.nn.Linear(1, 1), torch.zeros(1))
