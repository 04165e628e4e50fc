import numpy as np
import pytest
import torch

from adapters import pinned
from bench.predicting import transfer
from bench.predicting.transfer import _pack, all_finite, begin_to_host, to_host


def drawn(shapes):
    generator = torch.Generator().manual_seed(0)
    return [torch.rand(*shape, generator=generator) > 0.5 for shape in shapes]


@pytest.mark.parametrize("shapes", [[(3, 5)], [(4, 4), (7, 9), (4, 4), (1, 1)], [(0, 5), (8, 8)], [(9, 4), (4, 9)]])
@pytest.mark.parametrize("way", [to_host, lambda masks: begin_to_host(masks)()])
def test_masks_arrive_as_they_were_and_in_their_order(way, shapes):
    masks = drawn(shapes)
    found = way(masks)
    assert len(found) == len(masks)
    assert all(one.dtype == bool and np.array_equal(one, mask.numpy()) for one, mask in zip(found, masks, strict=True))


def test_many_masks_travel_in_parts_and_all_set_out_before_one_arrives(monkeypatch):
    steps = []

    def begin(bits):
        steps.append(("sets out", len(bits)))
        return lambda: steps.append(("arrives", len(bits))) or bits

    monkeypatch.setattr(pinned, "begin_to_host", begin)
    monkeypatch.setattr(transfer, "MASKS_AT_ONCE", 2)
    masks = drawn([(3, 5), (3, 5), (4, 4), (3, 5)])
    found = begin_to_host(masks)()
    assert all(np.array_equal(one, mask.numpy()) for one, mask in zip(found, masks, strict=True))
    assert steps == [(step, count) for step in ("sets out", "arrives") for count in (2, 1, 1)]


def test_eight_pixels_are_a_byte():
    masks = drawn([(6, 7), (6, 7)])
    assert np.array_equal(_pack(masks).numpy(), np.packbits(torch.stack(masks).flatten(1).numpy(), axis=1))


def test_no_masks_are_no_masks():
    assert to_host([]) == begin_to_host([])() == [] == all_finite([])


def test_what_is_not_finite_is_found():
    groups = [(torch.zeros(3, 3), torch.zeros(2, 3, 3)) for _ in range(3)]
    groups[0][1][1, 2, 2], groups[2][0][0, 0] = float("nan"), float("-inf")
    assert all_finite(groups) == [False, True, False]


@pytest.mark.gpu
def test_masks_arrive_from_a_gpu():
    masks = drawn([(30, 41), (5, 5), (30, 41)])
    found = to_host([mask.cuda() for mask in masks])
    assert all(np.array_equal(one, mask.numpy()) for one, mask in zip(found, masks, strict=True))
