import pandas as pd
import pytest

import adapters
from bench import datasets, predict, publish, report, run
from tests import fakes
from tests.test_run import config


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    for name, where in fakes.MODELS.items():
        monkeypatch.setitem(adapters.REGISTRY, name, where)
    monkeypatch.setitem(datasets.REGISTRY, "squares", "tests.fakes:SQUARES")
    predict.segmenter.cache_clear()


def test_a_run_ends_with_figures_and_a_page_and_a_report_alone_makes_the_same(tmp_path):
    folder = tmp_path / "r"
    run.run(config(folder, models=("baseline/box", "fake/raises")))
    made = {path.name: path.read_bytes() for path in (folder / "figures").iterdir()}
    stems = {"dice-box", "ranks-box", "dice-by-size-box", "gallery-worst-box", "gallery-random-box", "speed-box"}
    assert {name for name in made if name.endswith(".png")} >= {f"{stem}.png" for stem in stems}
    assert {name[:-4] for name in made if name.endswith(".png")} == {n[:-4] for n in made if n.endswith(".pdf")}
    page = (folder / "report.html").read_bytes()
    assert b"RuntimeError: a bright pixel" in page and b"CRC check failed" in page
    (folder / "report.html").unlink()
    report.report(folder)
    assert {path.name: path.read_bytes() for path in (folder / "figures").iterdir()} == made
    assert (folder / "report.html").read_bytes() == page


def test_what_could_not_be_drawn_is_handed_back(tmp_path):
    folder = tmp_path / "r"
    run.run(config(folder))
    absent = publish.publish(folder, [])
    reasons = {one.name: one.reason for one in absent}
    assert reasons["robustness-box-jitter"] == "the run has no prompt box-jitter"
    page = (folder / "report.html").read_text()
    assert all(reason in page for reason in reasons.values())


def test_a_figure_that_a_run_no_longer_has_is_taken_away(tmp_path):
    folder = tmp_path / "r"
    run.run(config(folder))
    records = pd.read_parquet(folder / "records.parquet")
    assert (folder / "figures" / "ranks-box.png").exists()
    records[records["model"] == "baseline/box"].to_parquet(folder / "records.parquet")
    publish.publish(folder, [])
    assert not (folder / "figures" / "ranks-box.png").exists()
