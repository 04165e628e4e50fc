"""Names of classes and targets, and text that is safe to print."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.data.case import Case, class_name, class_of, target_of


@given(st.text(), st.integers(1, 99))
def test_a_class_is_found_again_from_its_targets(name, number):
    target = target_of(name)
    assert class_of(target) == target and class_name(target) == name
    if name and "\n" not in name:
        assert class_of(f"{target}#{number}") == target and class_name(f"{target}#{number}") == name


@pytest.mark.parametrize(("affine", "volume"), [(np.eye(4), True), (None, False)])
def test_a_case_with_an_affine_is_a_volume(affine, volume):
    assert Case("d", "p", "c", "CT", np.zeros((2, 2, 2)), {}, (1.0, 1.0, 1.0), affine).is_volume == volume
