"""Values that are no finite numbers."""

import numpy as np
import pytest

from bench.data.case import DataError
from bench.data.reading.values import finite, known_labels

NAN, INF = np.nan, np.inf


def test_intensities_that_are_not_finite_become_the_lowest_and_are_counted():
    values, warnings = finite(np.array([1.0, NAN, -2.0, INF, -INF]), "x.nii")
    assert values.tolist() == [1, -2, -2, -2, -2] and values.dtype == np.float32
    assert warnings == ("x.nii: 3 values are not finite; set to -2",)


@pytest.mark.parametrize("read", [finite, known_labels])
def test_whole_numbers_pass_as_they_are(read):
    given = np.array([3, 4], np.uint8)
    values, warnings = read(given, "x")
    assert values is given and warnings == ()


def test_an_image_without_a_number_fails():
    with pytest.raises(DataError, match="x: no value is a finite number"):
        finite(np.full(3, NAN), "x")


def test_labels_without_a_number_are_background():
    values, warnings = known_labels(np.array([NAN, 2.0]), "x")
    assert values.tolist() == [0, 2] and warnings == ("x: 1 values are no number; taken as background",)


def test_infinite_labels_fail():
    with pytest.raises(DataError, match="x: 2 infinite values; save whole numbers"):
        known_labels(np.array([INF, -INF, 1.0]), "x")
