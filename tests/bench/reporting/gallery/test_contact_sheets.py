from dataclasses import replace

import numpy as np

from bench.reporting.gallery import contact_sheets, outlines
from bench.reporting.gallery.picks import Pick
from bench.reporting.scored_run import read_scored_run
from tests.helpers.gallery import looked_at


def test_gallery_figures_have_a_row_a_model_and_a_column_a_model(folder):
    shown, _ = looked_at(folder)
    worst, random = contact_sheets.galleries(read_scored_run(folder), shown, "box")
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
    _, random = contact_sheets.galleries(read_scored_run(folder), shown, "box")
    (canvas,) = random.figure.axes[0].images
    pixels, step = canvas.get_array(), round(contact_sheets.SIDE * (1 + contact_sheets.GAP))
    for _, top in {text.get_position() for text in random.figure.axes[0].texts}:
        rows = slice(round((top + 0.03) * contact_sheets.SIDE), round((top + 1.03) * contact_sheets.SIDE))
        one, other = (pixels[rows, left : left + contact_sheets.SIDE] for left in (0, step))
        assert np.ptp(one) > 0 and np.array_equal(one, other)


def test_square_holds_all_windows():
    assert contact_sheets.square([(0, 0, 4), (2, 1, 8)]) == (0, -0.5, 10)
    assert contact_sheets.square([(3, 4, 5)]) == (3, 4, 5)


def test_crop_shows_the_window_and_black_beyond_the_image():
    image = np.arange(1, 13, dtype=np.uint8).reshape(3, 4)
    pick = Pick("m", "d", "p", "c", 0, "t", "T", "box", 1, 0.5, "worst")
    view = outlines.OutlinedPrediction(pick, image, [], [], outlines.DrawnPrompt(), (3, 4), (0.0, 0.0, 4.0))
    seen = contact_sheets.crop(view, 8)
    assert seen.shape == (8, 8, 3)
    assert seen[0, :, 0].tolist() == [1, 1, 2, 2, 3, 3, 4, 4]
    assert seen[6:].max() == 0 and seen[5, 0, 0] == 9
