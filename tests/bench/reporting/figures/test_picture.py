import io

import numpy as np
import pytest
from PIL import Image

from bench.reporting.figures.bars import bars
from bench.reporting.figures.ranks import ranks
from tests.helpers.figures import only
from tests.helpers.runs import everything, level


@pytest.mark.parametrize("suffix", ["png", "pdf"])
def test_equal_figures_are_equal_files(suffix):
    first, second = (only(bars(everything(level), "box")).content(suffix) for _ in range(2))
    assert first == second
    assert b"CreationDate" not in first and b"Software" not in first


def test_saved_figures_are_pictures_of_the_size_asked_for():
    picture = only(ranks(everything(level), "box"))
    image = Image.open(io.BytesIO(picture.content("png")))
    assert image.width == pytest.approx(150 * picture.figure.get_figwidth(), abs=1)
    assert np.asarray(image.convert("L")).min() < 50  # something is drawn
