from bench.reporting.figures.picture import Absent
from bench.reporting.figures.ranks import ranks
from tests.helpers.figures import lines, only, texts
from tests.helpers.runs import everything, level


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
