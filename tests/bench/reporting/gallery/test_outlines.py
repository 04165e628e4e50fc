import numpy as np
import pytest

from bench.protocols import PROTOCOLS
from bench.reporting.gallery import outlines
from bench.reporting.gallery.picks import Pick
from bench.running import run
from tests.helpers import fakes
from tests.helpers.fakes import config
from tests.helpers.gallery import looked_at


def test_outlines_run_around_the_pixels():
    mask = np.zeros((8, 9), bool)
    mask[2:5, 3:7] = True
    (line,) = outlines.outlines(mask)
    assert line.min(axis=0).tolist() == [3, 2] and line.max(axis=0).tolist() == [7, 5]
    x, y = line[:-1].T
    area = abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2
    assert area == pytest.approx(12 - 4 * 0.125)  # four corners cut by half a pixel each way
    assert len(line) == 9 and line[0].tolist() == line[-1].tolist()  # no points along the sides
    mask[3, 4] = False
    assert len(outlines.outlines(mask)) == 2 and outlines.outlines(np.zeros((3, 3), bool)) == []


def test_window_is_a_square_on_the_image_around_the_points():
    x, y, side = outlines.window((100, 200), np.array([[150.0, 40.0], [190.0, 50.0]]))
    assert side == pytest.approx(2.2 * 40) and x + side == 200 and y == pytest.approx(1.0)
    assert outlines.window((30, 20), np.zeros((0, 2))) == (0, 0, 30)


def test_views_hold_what_the_run_stored(folder):
    shown, found = looked_at(folder)
    assert found.missing == {}
    one = next(v for v in shown if v.pick.prompt == "box" and v.pick.target == "bar" and v.pick.model == "baseline/box")
    assert one.prompt.box == (1, 13, 19, 15)
    assert one.image.shape == one.shape == (16, 20) and one.image[13, 1] > one.image[0, 0]
    assert np.array_equal(one.target[0], one.prediction[0])  # the bar fills its box
    assert one.pick.dice == 1


def test_clicks_are_replayed_as_the_run_drew_them(folder, monkeypatch):
    asked = []
    original = fakes.Fake.decode

    def decode(self, requests, *, multimask=None):
        asked.extend(prompt.points.xy.tolist() for _, prompt in requests if prompt.points is not None)
        return original(self, requests, multimask=multimask)

    monkeypatch.setattr(fakes.Fake, "decode", decode)
    run.run(config(folder.parent / "again", prompts=("clicks",)))
    shown, _ = looked_at(folder)
    clicks = [view for view in shown if view.pick.prompt == "clicks" and view.prompt.clicks]
    assert any(len(view.prompt.clicks) == 3 for view in clicks)
    for view in clicks:
        assert [[x - 0.5, y - 0.5] for x, y, _ in view.prompt.clicks] in asked


def test_prompts_of_a_working_resolution_are_drawn_on_the_original_grid():
    row = {"x0": 64.0, "y0": 128.0, "x1": 127.0, "y1": 255.0, "point_x": 3.5, "point_y": 7.5, "point_label": 1}
    row |= {"text": None, "width": 512, "height": 512, "seed": 0}
    pick = Pick("m", "d", "p", "c", 0, "t", "T", "clicks", 2, 0.5, "worst")
    prompt = outlines.drawn_prompt(pick, row, PROTOCOLS["segmote"], {}, np.zeros((64, 128), bool))
    assert prompt.box == (16, 16, 32, 32)  # inclusive: the last pixel is inside
    assert prompt.clicks == ((1, 1, 1),)  # later clicks were on another grid
