"""Answers of an untrained network."""

import pytest
import torch

import adapters
from bench.errors import RunError
from bench.studies.answers import SLICES_AT_ONCE, answers, pieces, routed


def test_every_question_has_its_mask_image_and_attention(segmenter, slices):
    asked = [found for _, found in slices]
    got = list(answers(segmenter, asked))
    assert len(got) == -(-len([one for one in asked if one.questions]) // SLICES_AT_ONCE)
    assert [q.target for one in got for q in one.questions] == [q.target for one in asked for q in one.questions]
    first = got[0]
    count, config = len(first.questions), segmenter.network.config
    assert len(first.encoded) == len(first.drawn.logits) == count
    assert len(first.attention) == config.layers and first.attention[0].shape[:3] == (
        count,
        config.heads,
        config.num_experts,
    )
    torch.testing.assert_close(
        first.drawn.mask,
        segmenter.draw(
            [(image, question.prompt) for image, question in zip(first.encoded, first.questions, strict=True)]
        ).mask,
    )


def test_slices_without_targets_are_left_out(segmenter, slices):
    bare = type(slices[0][1])(slices[0][1].sample, [])
    assert list(answers(segmenter, [bare])) == []


def test_only_segmote_has_routers(segmenter):
    assert routed(segmenter) is segmenter
    with pytest.raises(RunError, match="baseline/box has no expert tokens"):
        routed(adapters.load("baseline/box"))


def test_the_last_piece_may_be_shorter():
    assert list(pieces(range(5), 2)) == [[0, 1], [2, 3], [4]]
