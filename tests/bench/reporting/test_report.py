import shutil

import pytest

from bench.reporting import report
from bench.reporting.draw import Drawn
from bench.reporting.figures.picture import Absent
from bench.running import run
from tests.helpers.fakes import config


@pytest.fixture(scope="module")
def folder(tmp_path_factory, registered_throughout):
    """A whole run, with figures and page; no test changes it."""
    out = tmp_path_factory.mktemp("publish") / "r"
    run.run(config(out, models=("baseline/box", "fake/raises")))
    return out


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


def test_a_report_alone_makes_the_same_files_and_says_what_could_not_be_drawn(folder, tmp_path):
    copy = tmp_path / folder.name
    shutil.copytree(folder, copy)
    shutil.rmtree(copy / "figures")
    report.report(copy)
    assert pictures(copy) == pictures(folder)
    assert (copy / "report.html").read_bytes() == (folder / "report.html").read_bytes()
    assert "robustness-box-jitter): the run has no prompt box-jitter" in (copy / "report.html").read_text()


def test_a_figure_that_a_run_no_longer_has_is_taken_away(tmp_path):
    (tmp_path / "figures").mkdir()
    for name in ("ranks-box.png", "ranks-box.pdf", "mine.png"):
        (tmp_path / "figures" / name).write_bytes(b"old")
    report.write_figures(tmp_path, Drawn((), (Absent("ranks-box", "Ranks", "one model"),)))
    assert list(pictures(tmp_path)) == ["mine.png"]
