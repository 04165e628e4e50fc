import shutil

import pytest

import adapters
from bench.data import datasets
from bench.predicting import predict
from bench.reporting import publish
from bench.reporting.draw import Drawn
from bench.reporting.figures.picture import Absent
from bench.reporting.tables import run_tables
from bench.running import run
from tests.bench.running.test_run import config
from tests.helpers import fakes


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A whole run, with figures and page; no test changes it."""
    with pytest.MonkeyPatch.context() as patch:
        for name, where in fakes.MODELS.items():
            patch.setitem(adapters.REGISTRY, name, where)
        patch.setitem(datasets.REGISTRY, "squares", "tests.helpers.fakes:SQUARES")
        predict.load.cache_clear()
        out = tmp_path_factory.mktemp("publish") / "r"
        run.run(config(out, models=("baseline/box", "fake/raises")))
        yield out


def pictures(folder):
    return {path.name: path.read_bytes() for path in (folder / "figures").iterdir()}


def test_a_run_ends_with_figures_and_a_page(folder):
    made = pictures(folder)
    stems = {"dice-box", "ranks-box", "dice-by-size-box", "calibration-box", "speed-box"}
    stems |= {"gallery-worst-box", "gallery-random-box"}
    assert {name[:-4] for name in made if name.endswith(".png")} == stems
    assert {name[:-4] for name in made if name.endswith(".pdf")} == stems
    page = (folder / "report.html").read_text()
    assert "RuntimeError: a bright pixel" in page and "CRC check failed" in page
    assert 'data-name="dice-box-macro_class"' in page and 'id="figure-ranks-box"' in page
    assert 'class="card"' in page


def test_a_report_alone_makes_the_same_files_and_hands_back_what_could_not_be_drawn(folder, tmp_path):
    copy = tmp_path / folder.name
    shutil.copytree(folder, copy)
    shutil.rmtree(copy / "figures")
    absent = publish.publish(copy, run_tables.tables(copy))
    assert pictures(copy) == pictures(folder)
    assert (copy / "report.html").read_bytes() == (folder / "report.html").read_bytes()
    reasons = {one.name: one.reason for one in absent}
    assert reasons["robustness-box-jitter"] == "the run has no prompt box-jitter"
    assert all(reason in (copy / "report.html").read_text() for reason in reasons.values())


def test_a_figure_that_a_run_no_longer_has_is_taken_away(tmp_path):
    (tmp_path / "figures").mkdir()
    for name in ("ranks-box.png", "ranks-box.pdf", "mine.png"):
        (tmp_path / "figures" / name).write_bytes(b"old")
    publish.save(tmp_path, Drawn((), (Absent("ranks-box", "Ranks", "one model"),)))
    assert list(pictures(tmp_path)) == ["mine.png"]
