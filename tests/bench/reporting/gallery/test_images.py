import numpy as np
import pytest

from bench.reporting.gallery import cards, contact_sheets, images
from bench.reporting.scored_run import read_scored_run
from tests.helpers import fakes
from tests.helpers.gallery import gone, looked_at


def test_images_are_kept_with_the_run(folder, monkeypatch):
    _, first = looked_at(folder)
    stored = images.images_path(folder, "squares", "c0").read_bytes()
    monkeypatch.setattr(images.catalogue, "index", lambda *_: pytest.fail("the data were asked for again"))
    _, second = looked_at(folder)
    assert first.found.keys() == second.found.keys() and len(first.found) == 11
    assert all(np.array_equal(first.found[key], second.found[key]) for key in first.found)
    assert images.images_path(folder, "squares", "c0").read_bytes() == stored


def test_without_data_outlines_are_drawn_on_black_and_the_caption_says_so(folder, tmp_path, monkeypatch):
    copy = gone(folder, tmp_path, "/not/there")
    shown, found = looked_at(copy)
    assert not found.found and "does not exist" in found.missing["squares", "c0"]
    worst = next(iter(contact_sheets.galleries(read_scored_run(copy), shown, "box")))
    assert "4 of" not in worst.caption and "images are black: the data could not be read again" in worst.caption
    made = cards.gallery(shown)
    assert made.black == len(made.cards) == len(shown) and made.images == []


def test_changed_data_are_not_shown_under_old_masks(folder, tmp_path, monkeypatch):
    copy = gone(folder, tmp_path)
    original = fakes.read

    def flipped(item):
        case = original(item)
        return type(case)(*(getattr(case, name) if name != "masks" else {k: m[::-1] for k, m in case.masks.items()}
                            for name in case.__slots__))  # fmt: skip

    monkeypatch.setattr(images.catalogue, "read", flipped)
    _, found = looked_at(copy)
    assert found.missing["squares", "c0"] == "the data of squares c0 changed since the run"
