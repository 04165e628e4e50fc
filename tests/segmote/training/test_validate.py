"""Dice on held-out patients."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from segmote.training.prepare import TrainingData, prepare
from segmote.training.settings import TrainConfig
from segmote.training.validate import validate
from tests.helpers.training_world import CONFIG, SERVED, network, recipe


@pytest.fixture(scope="module")
def data(world: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainingData:
    return prepare(network(), recipe(), TrainConfig(world, tmp_path_factory.mktemp("out"), accelerator="cpu"), 0, 1)


def test_the_sets_that_ppt_serves_are_asked_without_a_prompt_too(data: TrainingData) -> None:
    found = validate(network(), data, recipe())
    assert {code: set(row) for code, row in found.items()} == {
        SERVED: {"box", "click", "auto"},
        "many": {"box", "click"},
    }
    assert all(0 <= value <= 1 for row in found.values() for value in row.values())


def test_a_network_without_ppt_is_asked_by_prompts_alone(data: TrainingData) -> None:
    found = validate(network(replace(CONFIG, ppt_queries=0)), data, recipe())
    assert set(found[SERVED]) == {"box", "click"}


def test_processes_share_the_items_and_add_up(data: TrainingData) -> None:
    parts: list[torch.Tensor] = []

    def collect(sums: torch.Tensor) -> torch.Tensor:
        parts.append(sums)
        return sums

    for start in (0, 1):
        validate(network(), data, recipe(), collect, slice(start, None, 2))
    whole = validate(network(), data, recipe())
    joined = validate(network(), data, recipe(), lambda _: parts[0] + parts[1])
    assert {code: row["box"] for code, row in joined.items()} == pytest.approx(
        {code: row["box"] for code, row in whole.items()}
    )
