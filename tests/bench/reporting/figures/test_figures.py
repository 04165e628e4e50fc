import io

import numpy as np
import pytest
from matplotlib.collections import LineCollection, PolyCollection
from PIL import Image

from bench.reporting.draw import draw
from bench.reporting.figures import style
from bench.reporting.figures.bars import bars
from bench.reporting.figures.clicks import clicks
from bench.reporting.figures.jitter import jitter
from bench.reporting.figures.picture import Absent, Picture
from bench.reporting.figures.ranks import ranks
from bench.reporting.figures.reliability import reliability
from bench.reporting.figures.sizes import sizes
from bench.reporting.figures.speed import Cost, front, speed
from tests.helpers.runs import MODELS, everything, material


def level(dataset, model, patient, number):
    """Dice that tells models, patients and objects apart."""
    return 0.5 + 0.1 * MODELS.index(model) + 0.01 * patient + 0.05 * number


def only(made):
    (picture,) = made
    assert isinstance(picture, Picture), picture
    return picture


def texts(ax):
    return [text.get_text() for text in ax.texts]


def lines(ax):
    """Lines with the name of a model, by name."""
    return {line.get_label(): line for line in ax.lines if not line.get_label().startswith("_")}


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
    run.facts["not_applicable"] = [{"model": "medsam/mini", "prompt": "box", "reason": "not trained on it"}]
    picture = only(bars(type(run)(run.facts, run.records[run.records["model"] != "medsam/mini"]), "box"))
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


def test_ranks_are_ordered_from_the_best_down():
    picture = only(ranks(everything(level), "box"))
    left, right = picture.figure.axes
    assert [tick.get_text() for tick in left.get_yticklabels()] == ["medsam/mini", "sam/mini", "baseline/box"]
    place = {name: (line.get_xdata()[0], line.get_ydata()[0]) for name, line in lines(left).items()}
    assert place == {"medsam/mini": (1, 0), "sam/mini": (2, 1), "baseline/box": (3, 2)}
    assert texts(left) == ["a", "b", "c"]  # every patient has the same order
    assert (left.get_title(), right.get_title()) == ("segthor", "isles2022")


def test_rank_intervals_span_the_draws():
    def tossed(dataset, model, patient, number):
        return 0.5 + (0.2 if (patient % 2) == (model == "sam/mini") else 0)

    picture = only(ranks(everything(tossed, patients=4, models=("sam/mini", "medsam/mini")), "box"))
    spans = [line.get_xdata() for line in picture.figure.axes[0].lines if line.get_label().startswith("_")]
    assert [tuple(span) for span in spans] == [(1, 2), (1, 2)]
    assert texts(picture.figure.axes[0]) == ["a", "a"]


def test_one_model_has_no_rank():
    (absent,) = ranks(everything(level, models=("sam/mini",)), "box")
    assert isinstance(absent, Absent) and "no two models" in absent.reason


def test_click_curves_have_a_point_a_round_and_a_band():
    rows = [
        {
            "model": model, "dataset": "segthor", "patient": f"p{patient}", "case": f"c{patient}", "target": "heart",
            "prompt": "clicks", "round": number, "value": 0.2 * number + 0.1 * MODELS.index(model) + 0.02 * patient,
        }
        for model in MODELS
        for patient in range(3)
        for number in (1, 2, 3)
    ]  # fmt: skip
    picture = only(clicks(material(rows, prompts=("clicks",), datasets=("segthor", "isles2022"))))
    (ax,) = picture.figure.axes  # no panel for a data set without records
    assert lines(ax).keys() == set(MODELS)
    assert lines(ax)["sam/mini"].get_xdata().tolist() == [1, 2, 3]
    assert lines(ax)["sam/mini"].get_ydata().tolist() == pytest.approx([32, 52, 72])
    bands = [part for part in ax.collections if isinstance(part, PolyCollection)]
    assert len(bands) == 3
    assert bands[0].get_paths()[0].vertices[:, 1].min() < 22 < bands[0].get_paths()[0].vertices[:, 1].max()
    assert [text.get_text() for text in picture.figure.legends[0].get_texts()] == list(MODELS)


def test_click_curves_need_clicks():
    (absent,) = clicks(everything(level))
    assert absent.reason == "the run has no prompt with several rounds; add --prompt clicks"


def test_sizes_go_from_small_to_large_objects():
    def by_size(dataset, model, patient, number):
        return 0.3 + 0.4 * number

    picture = only(sizes(everything(by_size), "box"))
    ax = picture.figure.axes[0]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["10 to 10\nn 3", "110 to 110\nn 3"]
    assert lines(ax)["sam/mini"].get_ydata().tolist() == pytest.approx([30, 70])
    low, high = ax.get_ylim()
    assert low < 30 and high > 70


def test_objects_of_one_size_are_not_drawn_by_size():
    rows = [{"dataset": "segthor", "model": "sam/mini", "target": "heart", "case": f"c{n}"} for n in range(3)]
    (absent,) = sizes(material(rows), "box")
    assert isinstance(absent, Absent) and "different sizes" in absent.reason


def jittered(dataset, model, patient, number):
    return 0.5 + 0.1 * MODELS.index(model)


def test_jitter_shows_both_prompts_and_their_difference():
    run = everything(jittered, prompts=("box", "box-jitter"))
    moved = run.records["prompt"] == "box-jitter"
    run.records.loc[moved, "value"] -= 0.04
    picture = only(jitter(run))
    ax = picture.figure.axes[0]
    assert lines(ax)["medsam/mini"].get_xdata()[0] == pytest.approx(70)
    hollow = [line for line in ax.lines if line.get_markerfacecolor() == "white"]
    assert [line.get_xdata()[0] for line in hollow] == pytest.approx([46, 56, 66])
    assert texts(ax) == ["-4.0 [-4.0, -4.0]"] * 3


def test_jitter_needs_both_prompts():
    (absent,) = jitter(everything(level))
    assert absent.reason == "the run has no prompt box-jitter"


def predictions(model, score, overlap):
    keys = {"model": model, "dataset": "segthor", "target": "heart"}
    values = {"predicted_iou": score, "iou": overlap}
    return [keys | {"case": f"c{n}", "metric": m, "value": v} for n in range(6) for m, v in values.items()]


def test_reliability_stands_on_the_line_where_scores_are_true():
    rows = [*predictions("sam/mini", 0.85, 0.85), *predictions("medsam/mini", 0.95, 0.55)]
    picture = only(reliability(material(rows), "box"))
    (ax,) = picture.figure.axes
    drawn = {name: [*line.get_xdata(), *line.get_ydata()] for name, line in lines(ax).items()}
    assert drawn["sam/mini"] == pytest.approx([0.85, 0.85])
    assert drawn["medsam/mini"] == pytest.approx([0.95, 0.55])
    assert texts(ax) == ["ECE\nsam/mini 0.00\nmedsam/mini 0.40"]
    assert "medsam/mini overrates itself by 0.40" in picture.alt


def test_reliability_needs_predicted_scores():
    (absent,) = reliability(everything(level), "box")
    assert "no predicted_iou" in absent.reason


def test_speed_stands_at_milliseconds_and_mean_dice():
    run = everything(level)
    run.records.loc[run.records["model"] == "sam/mini", "seconds_encode"] = 0.098
    picture = only(speed(run, "box"))
    (ax,) = picture.figure.axes
    assert ax.get_xscale() == "log"
    points = {name: (line.get_xdata()[0], line.get_ydata()[0]) for name, line in lines(ax).items()}
    assert points["sam/mini"] == pytest.approx((100, 63.5))
    assert points["medsam/mini"] == pytest.approx((12, 73.5))
    (legend,) = picture.figure.legends
    assert [text.get_text() for text in legend.texts] == list(MODELS)
    assert "a chip" in picture.caption


def test_front_keeps_what_nobody_beats_in_both():
    costs = {"slow": Cost(9, 90), "fast": Cost(1, 50), "beaten": Cost(5, 50), "middle": Cost(4, 70)}
    assert front(costs) == ["fast", "middle", "slow"]


def test_speed_needs_seconds():
    run = everything(level)
    run.records[["seconds_encode", "seconds_decode"]] = 0.0
    (absent,) = speed(run, "box")
    assert "no seconds" in absent.reason


def test_a_model_looks_the_same_in_every_run():
    alone, many = style.looks(["sam/mini"]), style.looks(["baseline/box", "medsam/mini", "sam/mini"])
    assert alone["sam/mini"] == many["sam/mini"]
    named = [*style.BASELINES, *(f"{name}/mini" for name in style.FAMILIES)]
    found = style.looks(named)
    assert len({look.colour for look in found.values()}) == len(named)
    assert len({look.marker for look in found.values()}) == len(named)  # told apart without colour


def test_variants_of_a_family_share_the_marker_and_differ_in_shade_and_line():
    found = style.looks(["sam/vit_b", "sam/vit_h", "sam/vit_l", "stranger/one"])
    variants = [found[name] for name in ("sam/vit_b", "sam/vit_h", "sam/vit_l")]
    assert {look.marker for look in variants} == {"o"}
    assert len({look.colour for look in variants}) == len({look.line for look in variants}) == 3
    assert found["stranger/one"].colour not in {look.colour for look in variants}


def test_ink_is_read_on_its_colour():
    assert style.Look("#000000", "o", "-").ink == "white" and style.Look("#E69F00", "o", "-").ink == "black"


@pytest.mark.parametrize("suffix", ["png", "pdf"])
def test_equal_figures_are_equal_files(suffix):
    first, second = (only(bars(everything(level), "box")).content(suffix) for _ in range(2))
    assert first == second
    assert b"CreationDate" not in first and b"Software" not in first


def test_saved_figures_are_pictures_of_the_size_asked_for():
    picture = only(ranks(everything(level), "box"))
    image = Image.open(io.BytesIO(picture.content("png")))
    assert image.width == pytest.approx(150 * picture.figure.get_figwidth(), abs=1)
    assert np.asarray(image.convert("L")).min() < 50  # something is drawn


def test_draw_makes_every_family_or_says_why_not():
    drawn = draw(everything(level), [])
    assert [one.name for one in drawn.pictures] == ["dice-box", "ranks-box", "dice-by-size-box", "speed-box"]
    assert [one.name for one in drawn.absent] == [
        "calibration-box", "dice-by-clicks", "robustness-box-jitter", "gallery-worst-box", "gallery-random-box",
    ]  # fmt: skip
    assert all(one.reason for one in drawn.absent)
    names = [one.name for one in draw(everything(level, prompts=("box", "box-jitter", "clicks")), []).pictures]
    assert len(names) == len(set(names))
