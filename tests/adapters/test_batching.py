"""Requests grouped into passes of the decoder."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from adapters import Points, Prompt
from adapters.batching import (
    OBJECTS_PER_PASS,
    decode_batches,
    decoder_passes,
    encoder_passes,
    is_ambiguous,
    stack_prompts,
)
from adapters.geometry import Frame, squash

CPU = torch.device("cpu")
BOX = np.array([2, 4, 10, 20], np.float32)
CLICK = Points(np.array([[3, 5]], np.float32), np.array([1]))


@dataclass
class Image:
    frame: Frame
    embedding: torch.Tensor


IMAGE = Image(squash((20, 40), 10), torch.zeros(8, 4, 6))


def test_passes_hold_fewer_large_images():
    assert encoder_passes(256, CPU).most == 8
    assert encoder_passes(1024, CPU).most == 1
    assert encoder_passes(1024, torch.device("cuda")).most == 4


@pytest.mark.parametrize(
    ("prompt", "ambiguous"),
    [
        (Prompt(points=CLICK), True),
        (Prompt(points=Points(CLICK.xy, np.array([0]))), False),
        (Prompt(points=Points(np.zeros((2, 2), np.float32), np.array([1, 1]))), False),
        (Prompt(points=CLICK, box=BOX), False),
        (Prompt(points=CLICK, previous=torch.zeros(1, 16, 24)), False),
        (Prompt(box=BOX), False),
    ],
)
def test_a_lone_click_on_the_object_may_mean_a_part_or_the_whole(prompt, ambiguous):
    assert is_ambiguous(prompt) == ambiguous


def test_passes_are_of_one_kind_and_answers_in_the_order_of_the_requests():
    most = OBJECTS_PER_PASS["cpu"]
    prompts = [Prompt(box=BOX), Prompt(points=CLICK)] * (most + 1)
    passes = []

    def decode(requests, several):
        passes.append((len(requests), several, {request[1].kinds for request in requests}))
        return [number for number, _ in requests]

    several = [prompt.points is not None for prompt in prompts]
    assert decode_batches(list(enumerate(prompts)), several, decoder_passes(CPU), decode) == list(range(len(prompts)))
    assert [(size, many) for size, many, _ in passes] == [(most, False), (1, False), (most, True), (1, True)]
    assert all(len(kinds) == 1 for *_, kinds in passes)


def test_prompts_are_stacked_in_the_networks_frame():
    previous = torch.ones(16, 24)
    found = stack_prompts([(IMAGE, Prompt(points=CLICK, box=BOX, previous=previous))] * 2, CPU)
    assert found.boxes.tolist() == [[0.5, 2, 2.5, 10]] * 2
    assert found.points[0].tolist() == [[[0.75, 2.5]]] * 2 and found.points[1].dtype == torch.int32
    assert found.masks.shape == (2, 1, 16, 24)
    bare = stack_prompts([(IMAGE, Prompt(box=BOX))], CPU)
    assert bare.points is None and bare.masks is None


def test_a_previous_mask_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r"must be \(16, 24\) or \(1, 16, 24\), got shape \(1, 8, 8\)"):
        stack_prompts([(IMAGE, Prompt(previous=torch.zeros(1, 8, 8)))], CPU)
