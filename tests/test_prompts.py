import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bench import prompts
from bench.protocols import PROTOCOLS, Protocol

BENCH = PROTOCOLS["bench"]
INCLUSIVE = PROTOCOLS["segmote"]
RNG = np.random.default_rng(0)
masks = arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12))).filter(lambda mask: mask.any())


def mask_of(text: str) -> np.ndarray:
    return np.array([[c == "#" for c in line] for line in text.split()])


@given(masks)
def test_exclusive_box_is_the_tightest_that_holds_the_mask(mask):
    x0, y0, x1, y1 = prompts.box(mask, BENCH, RNG).box.astype(int)
    assert mask[y0:y1, x0:x1].sum() == mask.sum()
    for part in (mask[y0, x0:x1], mask[y1 - 1, x0:x1], mask[y0:y1, x0], mask[y0:y1, x1 - 1]):
        assert part.any()


@given(masks)
def test_inclusive_box_ends_one_pixel_earlier(mask):
    exclusive, inclusive = prompts.box(mask, BENCH, RNG).box, prompts.box(mask, INCLUSIVE, RNG).box
    assert (exclusive - inclusive).tolist() == [0, 0, 1, 1]


def test_largest_component_rule_ignores_the_smaller_ones():
    mask = mask_of("#.... ...## ...##")
    rule = Protocol("x", "test", component="largest")
    assert prompts.box(mask, rule, RNG).box.tolist() == [3, 1, 5, 3]
    assert prompts.box(mask, BENCH, RNG).box.tolist() == [0, 0, 5, 3]


@given(masks, st.integers(0, 2**32))
def test_jittered_box_stays_on_the_image_near_the_tight_one(mask, seed):
    tight = prompts.box(mask, BENCH, RNG).box
    jittered = prompts.box_jitter(mask, BENCH, np.random.default_rng(seed)).box
    sides = np.array([tight[2] - tight[0], tight[3] - tight[1]] * 2)
    assert (np.abs(jittered - tight) <= np.minimum(0.1 * sides, 20) + 1e-4).all()
    assert (jittered >= 0).all() and (jittered <= [*mask.shape[::-1]] * 2).all()
    assert jittered[0] <= jittered[2] and jittered[1] <= jittered[3]


def test_jitter_really_moves_each_coordinate():
    mask = np.zeros((80, 90), bool)
    mask[20:60, 30:70] = True
    assert (prompts.box_jitter(mask, BENCH, np.random.default_rng(1)).box != prompts.box(mask, BENCH, RNG).box).all()


@given(masks)
def test_clicks_lie_on_the_object(mask):
    for protocol in PROTOCOLS.values():
        points = prompts.click(mask, protocol, np.random.default_rng(0)).points
        (x, y), label = points.xy[0].astype(int), points.labels[0]
        assert mask[y, x] and label == 1


def test_centre_click_is_the_distance_maximum_of_the_largest_component():
    mask = np.zeros((9, 12), bool)
    mask[1:8, 4:11] = True
    mask[0, 0:2] = True
    assert prompts.centre(mask) == (7, 4)


def test_centre_stays_away_from_the_image_border():
    assert prompts.centre(np.ones((5, 5), bool)) == (2, 2)


def test_next_click_corrects_the_largest_error():
    target = np.zeros((10, 20), bool)
    target[2:8, 2:8] = True
    predicted = np.zeros_like(target)
    predicted[2:8, 2:7] = True  # misses a column of 6 pixels
    predicted[3:6, 12:17] = True  # 15 false pixels
    assert prompts.next_click(target, predicted, BENCH, RNG) == (13, 4, 0)
    predicted[3:6, 12:17] = False
    assert prompts.next_click(target, predicted, BENCH, RNG)[2] == 1


def test_next_click_is_none_where_nothing_is_wrong():
    mask = np.ones((3, 3), bool)
    assert prompts.next_click(mask, mask, BENCH, RNG) is None


@given(masks, masks)
def test_next_click_is_labelled_by_the_target(target, predicted):
    if target.shape != predicted.shape:
        return
    for protocol in PROTOCOLS.values():
        found = prompts.next_click(target, predicted, protocol, np.random.default_rng(3))
        if found is None:
            assert (target == predicted).all()
        else:
            x, y, label = found
            assert target[y, x] != predicted[y, x] and label == int(target[y, x])


def test_generators_depend_on_the_whole_key_alone():
    draw = prompts.generator(0, "set", "case", 3, "liver", "click", 1).integers(2**60)
    assert draw == prompts.generator(0, "set", "case", 3, "liver", "click", 1).integers(2**60)
    assert draw == 843135281825613332
    for other in ((1, "set"), (0, "other")):
        assert draw != prompts.generator(*other, "case", 3, "liver", "click", 1).integers(2**60)


def test_unknown_kind_names_the_known_ones():
    with pytest.raises(ValueError, match=r"'scribble'.*box.*clicks"):
        prompts.load("scribble")
