"""The cards of all models."""

import subprocess
import sys
from pathlib import Path

import pytest

import adapters
from adapters import REGISTRY
from adapters.cards import CARDS
from adapters.weights.catalogue import CATALOGUE

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", REGISTRY)
def test_every_card_is_complete(name: str) -> None:
    card = adapters.card(name)
    assert card.name == name
    assert all((card.title, card.licence, card.source, card.citation, card.trained_on))
    assert card.trained
    assert all(kinds <= card.accepts for kinds in card.trained)
    if name.startswith("baseline/"):
        assert card.weights is None
    else:
        assert card.weights in CATALOGUE or card.weights == name == f"{name.partition('/')[0]}/mini"


def test_reading_cards_does_not_load_torch() -> None:
    code = """
import sys
import adapters
from adapters import Card, MissingWeights, Points, Prediction, Prompt, Segmenter, UnsupportedPrompt, load
for name in adapters.REGISTRY:
    adapters.card(name)
print(sorted({"torch", "requests", "segmote"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_every_card_has_a_family_and_every_family_its_cards() -> None:
    assert set(CARDS) == set(REGISTRY)


def test_titles_are_unique() -> None:
    assert len({adapters.card(name).title for name in REGISTRY}) == len(REGISTRY)
