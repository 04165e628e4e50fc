"""The state of a training."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric

from segmote.training.settings import TrainConfig
from segmote.training.state import Training, decisive, finish, keep, resume, start
from tests.helpers.training_world import network, recipe


@pytest.fixture
def config(world: Path, tmp_path: Path) -> TrainConfig:
    return TrainConfig(world, tmp_path, accelerator="cpu")


def begun(config: TrainConfig) -> Training:
    config.out.mkdir(exist_ok=True)
    return start(Fabric(accelerator="cpu", devices=1), network(), recipe(), config)


def test_what_decides_the_losses_is_compared_and_the_number_of_epochs_is_not(config: TrainConfig) -> None:
    ours = decisive(network(), recipe(), config)
    assert decisive(network(), recipe(epochs=9), replace(config, out=Path("x"), devices=2)) == ours
    assert decisive(network(), recipe(rate=1.0), config) != ours
    assert decisive(network(), recipe(), replace(config, seed=1)) != ours
    other = network()
    next(other.parameters()).data += 1
    assert decisive(other, recipe(), config)["base"] != ours["base"]


def test_a_checkpoint_brings_parameters_and_epochs_back(config: TrainConfig) -> None:
    training = begun(config)
    assert resume(training) == (0, {})
    name, value = next(iter(training.parameters.items()))
    with torch.no_grad():
        value.fill_(0.25)
    keep(training, 2, {"many": {"box": 0.5}})
    again = begun(config)
    assert resume(again) == (2, {"many": {"box": 0.5}})
    assert (again.parameters[name] == 0.25).all()


def test_other_pictures_are_refused(config: TrainConfig) -> None:
    training = begun(config)
    keep(training, 1, {})
    fewer = replace(training, data=replace(training.data, learning=training.data.learning[1:]))
    with pytest.raises(ValueError, match="holds a training on other pictures"):
        resume(fewer)


def test_the_end_writes_the_weights(config: TrainConfig) -> None:
    found = finish(begun(config), {"many": {"box": 0.5}})
    assert found.weights.is_file() and found.dice == {"many": {"box": 0.5}}
