import pytest

from bench.reporting.figures.picture import Absent
from bench.reporting.figures.sizes import sizes
from tests.helpers.figures import lines, only
from tests.helpers.runs import everything, scored_run


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
    (absent,) = sizes(scored_run(rows), "box")
    assert isinstance(absent, Absent) and "different sizes" in absent.reason
