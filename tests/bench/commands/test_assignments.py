from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

import pytest

from bench.commands.assignments import assigned, parse
from bench.commands.train import OPTIONS
from bench.errors import RunError
from segmote.network.config import SegmoteConfig
from segmote.recipe import Recipe
from segmote.training.settings import TrainConfig

KINDS = (SegmoteConfig, Recipe, TrainConfig)


@dataclass(frozen=True)
class Parts:
    inner: TrainConfig


def test_values_are_sorted_by_the_dataclass_that_has_the_field():
    texts = ["num_experts=8", "rate=1e-4", "devices = 2", "train-decoder=true", "milestones=7,12", "embeddings=none"]
    assert assigned(texts, KINDS, OPTIONS) == [
        {"num_experts": 8},
        {"rate": 1e-4, "train_decoder": True, "milestones": (7, 12)},
        {"devices": 2, "embeddings": None},
    ]


def test_no_name_means_two_things_unless_an_option_settles_it():
    names = [field.name for kind in KINDS for field in fields(kind) if field.name not in OPTIONS]
    assert len(names) == len(set(names))
    assert set(OPTIONS) <= {field.name for kind in KINDS for field in fields(kind)}


@pytest.mark.parametrize(
    ("texts", "text"),
    [
        (["num_expert=8"], "--set num_expert: no such setting; did you mean num_experts"),
        (["zzz=1"], "--set zzz: no such setting; there are balance_layers, .*zero_guard"),
        (["help"], "takes name=value, got 'help'; names are balance_layers, "),
        (["seed=1"], "--set seed: give --seed instead"),
        (["rate=1", "rate=2"], "--set rate is given twice"),
        (["num_experts=1.5"], "--set num_experts: expected a whole number, got '1.5'"),
        (["rate=fast"], "--set rate: expected a number, got 'fast'"),
        (["zero_guard=yes"], "--set zero_guard: expected true or false, got 'yes'"),
        (["loss=l1"], "--set loss: expected dice or released, got 'l1'"),
        (["first_prompts=box"], "--set first_prompts: expected 2 parts separated by colons"),
        (["milestones=a,b"], "--set milestones: expected a whole number"),
    ],
)
def test_what_cannot_be_set_is_said_with_the_remedy(texts, text):
    with pytest.raises(RunError, match=text):
        assigned(texts, KINDS, OPTIONS)


def test_a_value_that_no_text_can_give_is_refused():
    with pytest.raises(RunError, match="cannot be given as text"):
        assigned(["inner=1"], (Parts,), {})


def test_every_open_field_has_a_type_that_can_be_read():
    samples = {bool: "true", int: "1", float: "0.5", str: "a", Path: "p"}
    for kind, text in samples.items():
        assert parse(text, kind) == kind(text) if kind is not bool else parse(text, kind) is True
    assert parse("b", Literal["a", "b"]) == "b" and parse("", tuple[str, ...]) == ()
