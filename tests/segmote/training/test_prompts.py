"""Kinds of prompts and priors by their shares."""

import numpy as np

from segmote.training.batches import Epoch, Sources
from segmote.training.prompts import first_prompts, priors, rounds_with_priors
from tests.helpers.training_world import zeros


def test_kinds_and_priors_follow_their_shares(sources: Sources) -> None:
    batch = Epoch(sources, 0)[0]
    kinds = {"boxes": 0, "points": 0, "pooled": 0}
    both = np.zeros(2)
    for number in range(200):
        other = batch._replace(number=number)
        prompts = first_prompts(other, sources.recipe)._asdict()
        (kind,) = [name for name, value in prompts.items() if value is not None]
        kinds[kind] += 1
        prior = priors(other, lambda: zeros(batch))
        assert prior.points is None and prior.boxes is None
        both += [prior.masks is not None, prior.pooled is not None]
        assert 3 in rounds_with_priors(other, 4) and len(rounds_with_priors(other, 4)) == 2
    assert 60 < kinds["boxes"] < 100 and 40 < kinds["points"] < 80 and 40 < kinds["pooled"] < 80
    assert (both > 80).all() and (both < 120).all()
