"""Weights that are a function of their names."""

import torch

from adapters.weights.seeded import seed_weights, seeded


def test_name_and_shape_decide_the_values():
    value = torch.empty(8, 4)
    assert torch.equal(seeded("a.weight", value), seeded("a.weight", value))
    assert not torch.equal(seeded("a.weight", value), seeded("b.weight", value))


def test_matrices_shrink_with_their_width_and_vectors_stay_near_what_training_starts_from():
    assert 0.08 < float(seeded("a.weight", torch.empty(100, 100)).std()) < 0.12
    assert abs(float(seeded("norm.weight", torch.empty(500)).mean()) - 1) < 0.01
    assert abs(float(seeded("norm.bias", torch.empty(500)).mean())) < 0.01


def test_whole_numbers_stay():
    network = torch.nn.BatchNorm1d(3)
    seed_weights(network)
    assert network.num_batches_tracked == 0
    assert torch.equal(network.weight, seeded("weight", network.weight))
    assert torch.equal(network.running_mean, seeded("running_mean", network.running_mean))
