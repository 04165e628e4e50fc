import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from bench.reporting.material import Material

import adapters
from bench.data import datasets
from bench.predicting import predict
from bench.protocols import PROTOCOLS
from bench.reporting.gallery import cards, images, outlines, sheet
from bench.reporting.gallery import picks as picks_module
from bench.reporting.gallery.picks import AT_MOST, Pick, select
from bench.running import run
from bench.store import run_folder
from bench.store.run_folder import read_records
from tests.bench.reporting.figures.test_figures import level
from tests.bench.running.test_run import config
from tests.helpers import fakes
from tests.helpers.runs import MODELS, everything


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run of fakes with boxes and clicks; tests copy it before they change it."""
    with pytest.MonkeyPatch.context() as patch:
        for name, where in fakes.MODELS.items():
            patch.setitem(adapters.REGISTRY, name, where)
        patch.setitem(datasets.REGISTRY, "squares", "tests.helpers.fakes:SQUARES")
        patch.setattr("bench.reporting.publish.publish", lambda run, tables, jobs: ())
        predict.load.cache_clear()
        out = tmp_path_factory.mktemp("gallery") / "r"
        run.run(config(out, prompts=("box", "clicks")))
        yield out


def material(folder):
    return Material(run_folder.read_run(folder), read_records(folder))


def looked_at(folder):
    run = material(folder)
    picks = select(run)
    found = images.collect(folder, run.facts, images.slices_of([(p.dataset, p.case, p.slice) for p in picks]))
    return outlines.views(folder, run.facts, pd.read_parquet(folder / "prompts.parquet"), picks, found), found


def test_worst_picks_are_the_lowest_of_each_model_and_of_different_objects():
    picks = select(everything(level, patients=9, datasets=("segthor",)))
    worst = [pick for pick in picks if pick.why == "worst" and pick.model == "sam/mini"]
    assert [pick.patient for pick in worst] == ["p0", "p1", "p2", "p3", "p4"]
    assert {pick.slice for pick in worst} == {0}  # the worse slice of each
    assert worst[0].dice == pytest.approx(0.6)


def test_random_picks_are_the_same_objects_for_all_models_and_in_every_run():
    run = everything(level, patients=9, datasets=("segthor",))
    by_model = [[(p.case, p.slice) for p in select(run) if p.why == "random" and p.model == model] for model in MODELS]
    assert by_model[0] == by_model[1] == by_model[2] and len(by_model[0]) == AT_MOST
    shuffled = Material(run.facts, run.records.sample(frac=1, random_state=1))
    again = [(p.case, p.slice) for p in select(shuffled) if p.why == "random" and p.model == "sam/mini"]
    assert again == by_model[0]


def test_many_pairs_get_fewer_picks(monkeypatch):
    monkeypatch.setattr(picks_module, "CARDS", 12)
    picks = select(everything(level, patients=9))  # 6 pairs of model and data set
    assert len(picks) == 12


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
    prompt = outlines.shown(pick, row, PROTOCOLS["segmote"], {}, np.zeros((64, 128), bool))
    assert prompt.box == (16, 16, 32, 32)  # inclusive: the last pixel is inside
    assert prompt.clicks == ((1, 1, 1),)  # later clicks were on another grid


def test_images_are_kept_with_the_run(folder, monkeypatch):
    _, first = looked_at(folder)
    stored = images.images_path(folder, "squares", "c0").read_bytes()
    monkeypatch.setattr(images.catalogue, "index", lambda *_: pytest.fail("the data were asked for again"))
    _, second = looked_at(folder)
    assert first.found.keys() == second.found.keys() and len(first.found) == 11
    assert all(np.array_equal(first.found[key], second.found[key]) for key in first.found)
    assert images.images_path(folder, "squares", "c0").read_bytes() == stored


def gone(folder, target, monkeypatch, data=None):
    copy = target / "r"
    shutil.copytree(folder, copy)
    shutil.rmtree(copy / "images", ignore_errors=True)
    if data is not None:
        facts = json.loads((copy / "run.json").read_text())
        facts["config"]["data"] = data
        (copy / "run.json").write_text(json.dumps(facts))
    return copy


def test_without_data_outlines_are_drawn_on_black_and_the_caption_says_so(folder, tmp_path, monkeypatch):
    copy = gone(folder, tmp_path, monkeypatch, "/not/there")
    shown, found = looked_at(copy)
    assert not found.found and "does not exist" in found.missing["squares", "c0"]
    worst = next(iter(sheet.galleries(material(copy), shown, "box")))
    assert "4 of" not in worst.caption and "images are black: the data could not be read again" in worst.caption
    deck = cards.deck(shown)
    assert deck.black == len(deck.cards) == len(shown) and deck.images == []


def test_changed_data_are_not_shown_under_old_masks(folder, tmp_path, monkeypatch):
    copy = gone(folder, tmp_path, monkeypatch)
    original = fakes.read

    def flipped(item):
        case = original(item)
        return type(case)(*(getattr(case, name) if name != "masks" else {k: m[::-1] for k, m in case.masks.items()}
                            for name in case.__slots__))  # fmt: skip

    monkeypatch.setattr(images.catalogue, "read", flipped)
    _, found = looked_at(copy)
    assert found.missing["squares", "c0"] == "the data of squares c0 changed since the run"


def test_gallery_figures_have_a_row_a_model_and_a_column_a_model(folder):
    shown, _ = looked_at(folder)
    worst, random = sheet.galleries(material(folder), shown, "box")
    assert (worst.name, random.name) == ("gallery-worst-box", "gallery-random-box")
    words = [text.get_text() for text in worst.figure.axes[0].texts]
    assert [word.split()[0] for word in words] == ["baseline/box"] * 5 + ["fake/good"] * 5
    dice = [float(word.split("\n")[0].split()[1]) for word in words[:5]]
    assert dice == sorted(dice)
    columns = {text.get_text().split()[0]: round(text.get_position()[0], 2) for text in random.figure.axes[0].texts}
    assert columns == {"baseline/box": 0, "fake/good": 1.06}
    assert "Target: blue" in worst.caption and "protocol bench" in worst.caption


def test_random_objects_are_seen_through_the_same_window_by_all_models(folder):
    shown = [
        replace(view, window=(0, 0, 9)) if view.pick.model == "fake/good" else view for view in looked_at(folder)[0]
    ]
    _, random = sheet.galleries(material(folder), shown, "box")
    (canvas,) = random.figure.axes[0].images
    pixels, step = canvas.get_array(), round(sheet.SIDE * (1 + sheet.GAP))
    for _, top in {text.get_position() for text in random.figure.axes[0].texts}:
        rows = slice(round((top + 0.03) * sheet.SIDE), round((top + 1.03) * sheet.SIDE))
        one, other = (pixels[rows, left : left + sheet.SIDE] for left in (0, step))
        assert np.ptp(one) > 0 and np.array_equal(one, other)


def test_square_holds_all_windows():
    assert sheet.square([(0, 0, 4), (2, 1, 8)]) == (0, -0.5, 10)
    assert sheet.square([(3, 4, 5)]) == (3, 4, 5)


def test_crop_shows_the_window_and_black_beyond_the_image():
    image = np.arange(1, 13, dtype=np.uint8).reshape(3, 4)
    pick = Pick("m", "d", "p", "c", 0, "t", "T", "box", 1, 0.5, "worst")
    view = outlines.View(pick, image, [], [], outlines.Shown(), (3, 4), (0.0, 0.0, 4.0))
    seen = sheet.crop(view, 8)
    assert seen.shape == (8, 8, 3)
    assert seen[0, :, 0].tolist() == [1, 1, 2, 2, 3, 3, 4, 4]
    assert seen[6:].max() == 0 and seen[5, 0, 0] == 9


def test_cards_store_an_image_once_and_stay_within_their_room(folder):
    shown, _ = looked_at(folder)
    deck = cards.deck(shown)
    assert len(deck.cards) == len(shown) > len(deck.images) == 11
    assert deck.images[0].address.startswith("data:image/webp;base64,")
    assert (deck.images[0].width, deck.images[0].height) == (20, 16)
    small = cards.deck(shown, most_bytes=100)
    assert small.left_out and small.left_out + len(small.cards) == len(shown)


def test_paths_of_prompts():
    assert cards.prompt_path(outlines.Shown(box=(1, 2, 3, 4)), 1) == "M1 2H3V4H1Z"
    plus = cards.prompt_path(outlines.Shown(clicks=((5, 6, 1),)), 1)
    cross = cards.prompt_path(outlines.Shown(clicks=((5, 6, 0),)), 1)
    assert plus == "M4.00 6H6.00M5 5.00V7.00" and "L6.00 7.00" in cross
    assert cards.path([np.array([[0, 0], [1, 0], [1, 1], [0, 0]], float)]) == "M0 0L1 0L1 1Z"
