"""One step of a training."""

from dataclasses import replace

from segmote.training.batches import Epoch, Sources
from segmote.training.step import TrainingStep
from tests.helpers.training_world import CONFIG, network, recipe


def test_a_batch_without_ppt_in_the_network_is_asked_otherwise(sources: Sources) -> None:
    batch = next(batch for batch in Epoch(sources, 0) if batch.served)
    without = network(replace(CONFIG, ppt_queries=0))
    outcome = TrainingStep(without, recipe(ppt_first=True))(batch, "first")
    assert bool(outcome.loss.isfinite())
