from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench import protocols
from bench.data import catalogue
from bench.data.curation.selection import SelectionRules, select
from bench.reporting.figures.style import TARGET
from bench.studies.curation import sheets
from bench.studies.curation.judging import judge
from bench.studies.curation.sheets import contact_sheet, histograms, outlined
from tests.helpers.curation import add, picture

PROTOCOL = protocols.load("segmote")


@pytest.mark.parametrize("count", [1, 2, 5, 12])
def test_best_median_and_worst_none_twice(count: int, tmp_path: Path) -> None:
    for number in range(count):
        add(tmp_path, f"P{number:02}", *picture(number))
    items, _ = catalogue.index("folder", tmp_path, None)
    rows, _ = judge(items, PROTOCOL, tmp_path / "kept", 1, "local", "judge")
    scores = select(rows, pd.DataFrame(), SelectionRules(least_score=-9))
    figure = contact_sheet(scores, items, PROTOCOL)
    titles = [ax.get_title(loc="left").split("\n") for ax in figure.axes if ax.images]
    assert len(titles) == len({case for _, _, case, *_ in titles}) == min(count, 9) - (count == 5) * 2
    ordered = scores.sort_values("score", ascending=False)["case"].tolist()
    assert titles[0][0].startswith("best ") and titles[0][1:3] == ["folder", f"{ordered[0]} 0"]
    if count == 12:
        assert titles[-1][0].startswith("worst ") and titles[-1][1:3] == ["folder", f"{ordered[-1]} 0"]
    drawn = histograms(scores)
    assert len(drawn.axes) == 5
    (clarity, *_) = drawn.axes
    assert len(clarity.get_xticks()) == 3
    assert not any(label.get_text() for label in clarity.xaxis.get_minorticklabels())


def test_each_part_shows_different_images() -> None:
    places = [(str(case), target, 10.0 - case - number / 10) for case in range(9) for number, target in enumerate("ab")]
    rows = pd.DataFrame(places, columns=["case", "target", "score"]).assign(dataset="d", slice=0)
    picks = {part: rows.loc[index, "case"].tolist() for part, index in sheets._picks(rows).items()}
    assert picks == {"best": ["0", "1", "2"], "median": ["3", "4", "5"], "worst": ["6", "7", "8"]}


def test_the_outline_is_the_border_of_the_mask() -> None:
    mask = np.zeros((320, 160), bool)
    mask[40:80, 20:60] = True
    small = outlined(np.full((320, 160), 50, np.uint8), mask)
    assert small.shape == (160, 80, 3)
    colour = [int(TARGET[at : at + 2], 16) for at in (1, 3, 5)]
    border = (small == colour).all(axis=2)
    assert border.sum() == 4 * 19
    assert border[20, 10] and border[39, 29] and not border[25, 15]
