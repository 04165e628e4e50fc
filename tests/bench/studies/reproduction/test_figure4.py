"""Figure 4 from vectors by hand, and on two small collections."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.data.case import Item
from bench.errors import RunError
from bench.studies.inside.embeddings import ALL
from bench.studies.reproduction import figure4
from bench.studies.reproduction.figure4 import Side
from tests.helpers import curation


def test_items_are_spaced_evenly() -> None:
    items = [Item("d", str(number), str(number), "CT", {}, {}) for number in range(10)]
    assert [item.case for item in figure4.spaced(items, 5)] == ["1", "3", "5", "7", "9"]
    assert figure4.spaced(items, 10) == items


def test_both_sides_are_compared_and_drawn() -> None:
    rng = np.random.default_rng(0)
    names = pd.DataFrame({"dataset": ["a", "b"] * 10})
    together = rng.normal(size=(20, 3)).astype(np.float32)
    apart = together + 30 * (names["dataset"] == "b").to_numpy()[:, None].astype(np.float32)
    ratios = figure4.compared({"sources": (names, apart), "curated": (names, together)})
    assert ratios["dataset"].tolist() == ["a", "b", ALL] and ratios["images"].tolist() == [10, 10, 20]
    assert (ratios["sources_ratio"] > 5 * ratios["curated_ratio"]).all()
    places = {f"{view}_{axis}": np.arange(40.0) for view in ("pca", "tsne") for axis in (1, 2)}
    table = pd.concat([names.assign(side="sources"), names.assign(side="curated")], ignore_index=True).assign(**places)
    drawn = figure4.figure(table, ratios, "phantoms")
    titles = [axes.get_title() for axes in drawn.axes]
    assert len(titles) == 4 and all(f"{ratios['curated_ratio'].iloc[-1]:.2f}" in titles[place] for place in (1, 3))


def test_two_collections_show_equally_many_images(tmp_path: Path) -> None:
    for side, count in (("sources", 6), ("curated", 4)):
        for name in "ab":
            for number in range(count):
                curation.add(tmp_path / side / name, f"P{number:02}_1", *curation.picture(number + 10 * (name == "b")))
    names = {"A": "folder:a", "B": "folder:b"}
    sides = {side: Side(tmp_path / side, names, "segmote") for side in figure4.SIDES}
    made, defects = figure4.report("sam/mini", None, "cpu", sides, "phantoms")
    counts = made.tables["figure4"].groupby(["side", "dataset"]).size()
    assert counts.to_dict() == {(side, name): 4 for side in figure4.SIDES for name in "AB"} and not defects
    assert made.tables["smoothness"]["dataset"].tolist() == ["A", "B", ALL]
    with pytest.raises(RunError, match="no image embedding"):
        figure4.report("baseline/box", None, "cpu", sides, "phantoms")
