import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bench.prompting.boxes import box, box_jitter, box_loose
from bench.protocols import PROTOCOLS, Protocol
from tests.helpers.masks import masks

BENCH = PROTOCOLS["bench"]
INCLUSIVE = PROTOCOLS["segmote"]
RNG = np.random.default_rng(0)


def mask_of(text: str) -> np.ndarray:
    return np.array([[c == "#" for c in line] for line in text.split()])


@given(masks)
def test_exclusive_box_is_the_tightest_that_holds_the_mask(mask):
    x0, y0, x1, y1 = box(mask, BENCH, RNG).box.astype(int)
    assert mask[y0:y1, x0:x1].sum() == mask.sum()
    for part in (mask[y0, x0:x1], mask[y1 - 1, x0:x1], mask[y0:y1, x0], mask[y0:y1, x1 - 1]):
        assert part.any()


@given(masks)
def test_inclusive_box_ends_one_pixel_earlier(mask):
    exclusive, inclusive = box(mask, BENCH, RNG).box, box(mask, INCLUSIVE, RNG).box
    assert (exclusive - inclusive).tolist() == [0, 0, 1, 1]


def test_largest_component_rule_ignores_the_smaller_ones():
    mask = mask_of("#.... ...## ...##")
    rule = Protocol("x", "test", component="largest")
    assert box(mask, rule, RNG).box.tolist() == [3, 1, 5, 3]
    assert box(mask, BENCH, RNG).box.tolist() == [0, 0, 5, 3]


@given(masks, st.integers(0, 2**32))
def test_jittered_box_stays_on_the_image_near_the_tight_one(mask, seed):
    tight = box(mask, BENCH, RNG).box
    jittered = box_jitter(mask, BENCH, np.random.default_rng(seed)).box
    sides = np.array([tight[2] - tight[0], tight[3] - tight[1]] * 2)
    assert (np.abs(jittered - tight) <= np.minimum(0.1 * sides, 20) + 1e-4).all()
    assert (jittered >= 0).all() and (jittered <= [*mask.shape[::-1]] * 2).all()
    assert jittered[0] <= jittered[2] and jittered[1] <= jittered[3]


def test_jitter_really_moves_each_coordinate():
    mask = np.zeros((80, 90), bool)
    mask[20:60, 30:70] = True
    assert (box_jitter(mask, BENCH, np.random.default_rng(1)).box != box(mask, BENCH, RNG).box).all()


def boxes(mask, protocol, seed):
    tight = box(mask, protocol, RNG).box
    return tight, box_jitter(mask, protocol, np.random.default_rng(seed)).box


@given(masks)
def test_loose_box_holds_the_tight_one_and_stays_on_the_image(mask):
    for protocol in PROTOCOLS.values():
        tight, loose = box(mask, protocol, RNG).box, box_loose(mask, protocol, RNG).box
        assert (loose[:2] <= tight[:2]).all() and (loose[2:] >= tight[2:]).all()
        past = 1 if protocol.box_inclusive else 0
        assert (loose >= 0).all() and (loose[2:] <= np.array(mask.shape[::-1]) - past).all()


def test_loose_box_moves_by_the_protocols_fixed_amount():
    mask = np.zeros((100, 200), bool)
    mask[40:60, 80:120] = True
    assert box_loose(mask, BENCH, RNG).box.tolist() == [76, 38, 124, 62]  # 10 % of each side
    pixels = Protocol("x", "test", loose_fraction=None, loose_px=7)
    assert box_loose(mask, pixels, RNG).box.tolist() == [73, 33, 127, 67]
    framed = Protocol("x", "test", loose_fraction=None, loose_px=20, box_frame=1000)
    assert box_loose(mask, framed, RNG).box.tolist() == [76, 38, 124, 62]  # 20 of 1000 px, by axis


@given(st.integers(0, 2**32))
def test_jitter_by_shift_keeps_the_size_and_outward_only_grows(seed):
    mask = np.zeros((60, 70), bool)
    mask[20:40, 25:45] = True
    tight, shifted = boxes(mask, Protocol("x", "test", jitter="shift", jitter_px=5, jitter_fraction=None), seed)
    moved = shifted - tight
    assert np.allclose(moved[:2], moved[2:], atol=1e-4) and (np.abs(moved) <= 5 + 1e-4).all()
    tight, grown = boxes(mask, Protocol("x", "test", jitter="outward", jitter_px=5, jitter_fraction=None), seed)
    outward = (grown - tight) * [-1, -1, 1, 1]
    assert (outward >= 0).all() and (outward <= 5 + 1e-4).all()
