import pytest

from bench.reporting.figures.jitter import jitter
from tests.helpers.figures import lines, only, texts
from tests.helpers.runs import MODELS, everything, level


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
