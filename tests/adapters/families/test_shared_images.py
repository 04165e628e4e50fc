"""Prompts on one image share what depends on the image alone."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from adapters import Prompt, load
from tests.helpers.prompts import image


def boxes(count):
    return [Prompt(box=np.array([10 + 3 * n, 6 + n, 60 + 3 * n, 40 + n])) for n in range(count)]


def first_layer(segmenter):
    network = segmenter.network
    return network.mask_decoder.transformer.layers[0].cross_attn_token_to_image.k_proj


@pytest.mark.parametrize("name", ["sam/mini", "imis/mini", "segmote/mini"])
def test_the_first_layer_projects_an_image_once(name):
    segmenter, rows = load(name), []
    one, other = segmenter.encode([image(64, 96), image(50, 70)])
    layer = first_layer(segmenter)
    layer.register_forward_hook(lambda _, given, __: rows.append(len(given[0])))
    requests = [(one, prompt) for prompt in boxes(3)]
    drawn = segmenter.decode(requests)
    assert rows == [1]
    alone = [segmenter.decode([request])[0] for request in requests]
    for a, b in zip(drawn, alone, strict=True):
        torch.testing.assert_close(a.logits, b.logits, rtol=0, atol=1e-4)
    rows.clear()
    segmenter.decode([(image, prompt) for prompt in boxes(4) for image in (one, other)])
    assert rows == [1, 1], "a pass for each image"
    rows.clear()
    segmenter.decode([(one, boxes(1)[0]), (other, boxes(1)[0]), (one, boxes(2)[1])])
    assert rows == [3], "too few to fill passes of their own"
    rows.clear()
    again = [(one, replace(prompt, previous=p.feedback)) for (_, prompt), p in zip(requests, drawn, strict=True)]
    segmenter.decode(again)
    assert rows == [3], "with a mask each prompt has its own image"


def test_without_prompts_each_request_still_has_its_answer():
    segmenter = load("segmote/mini")
    [one] = segmenter.encode([image(64, 96)])
    first, second = segmenter.decode([(one, Prompt()), (one, Prompt())])
    assert torch.equal(first.logits, second.logits)
