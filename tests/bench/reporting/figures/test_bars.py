from dataclasses import replace

import numpy as np
import pytest
from matplotlib.collections import LineCollection

from bench.reporting.figures.bars import bars
from bench.reporting.figures.picture import Absent
from tests.helpers.figures import only, texts
from tests.helpers.runs import everything, level


def test_bars_have_the_averages_as_heights_and_the_intervals_as_whiskers():
    picture = only(bars(everything(level), "box"))
    (ax,) = picture.figure.axes
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["segthor", "isles2022"]
    heights = [patch.get_height() for patch in ax.patches]
    # mean over patients 0, 1, 2 and objects 0, 1: +0.01 and +0.025
    assert heights == pytest.approx([53.5, 63.5, 73.5] * 2)
    whiskers = [part for part in ax.collections if isinstance(part, LineCollection)]
    low, high = whiskers[0].get_segments()[0][:, 1]
    assert 52.5 - 2 < low < 53.5 < high < 54.5 + 2
    assert texts(ax)[:3] == ["53.5", "63.5", "73.5"]
    assert ax.get_ylim() == (0, 100)


def test_captions_name_weights_data_protocol_prompt_and_counts():
    picture = only(bars(everything(level), "box"))
    for words in ("Mini weights on phantom data.", "protocol bench", "Prompt box", "macro_class", "95 %"):
        assert words in picture.caption
    assert "n, masks (patients): segthor 6 (3), isles2022 6 (3)." in picture.caption
    drawn = " ".join(text.get_text().replace("\n", " ") for text in picture.figure.texts)
    assert picture.caption in drawn and picture.title in drawn
    assert "segthor: medsam/mini 73.5, sam/mini 63.5, baseline/box 53.5" in picture.alt


def test_models_that_were_not_asked_have_no_bar_and_are_named():
    run = everything(level)
    facts = replace(run.facts, not_applicable={("medsam/mini", "box"): "not trained on it"})
    asked = replace(run, facts=facts, records=run.records[run.records["model"] != "medsam/mini"])
    picture = only(bars(asked, "box"))
    assert len(picture.figure.axes[0].patches) == 4
    assert [text.get_text() for text in picture.figure.legends[0].get_texts()] == ["baseline/box", "sam/mini"]
    assert "not asked: medsam/mini" in picture.caption


def test_one_patient_has_no_whisker():
    (ax,) = only(bars(everything(level, patients=1), "box")).figure.axes
    assert not ax.collections and len(ax.patches) == 6


def test_many_data_sets_get_several_rows_of_bars():
    names = ("segthor", "isles2022", "totalsegmentator-mri", "totalsegmentator-ct", "isles2022-flair")
    axes = only(bars(everything(level, datasets=names), "box")).figure.axes
    assert [len(ax.get_xticks()) for ax in axes] == [4, 1]


def test_nothing_defined_is_said_not_drawn():
    (absent,) = bars(everything(lambda *_: np.nan), "box")
    assert absent == Absent("dice-box", "Dice by data set", "no Dice is defined for prompt box")
