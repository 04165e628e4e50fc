import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from adapters.interface import Card
from bench.predicting.prompts import to_prompt
from bench.prompting import clicks, seeds
from bench.prompting.boxes import box, box_jitter, box_loose
from bench.prompting.kinds import applies, load
from bench.prompting.table import first_prompt
from bench.protocols import PROTOCOLS, Protocol

BENCH = PROTOCOLS["bench"]
INCLUSIVE = PROTOCOLS["segmote"]
RNG = np.random.default_rng(0)
masks = arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12))).filter(lambda mask: mask.any())


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


@given(masks)
def test_clicks_lie_on_the_object(mask):
    for protocol in (one for one in PROTOCOLS.values() if one.click != "centroid"):  # which may lie outside
        [(x, y, label)] = clicks.click(mask, protocol, np.random.default_rng(0)).clicks
        assert mask[y, x] and label == 1


def test_centre_click_is_the_distance_maximum_of_the_largest_component():
    mask = np.zeros((9, 12), bool)
    mask[1:8, 4:11] = True
    mask[0, 0:2] = True
    assert clicks.centre(mask) == (7, 4)


def test_centre_stays_away_from_the_image_border():
    assert clicks.centre(np.ones((5, 5), bool)) == (2, 2)


def test_next_click_corrects_the_largest_error():
    target = np.zeros((10, 20), bool)
    target[2:8, 2:8] = True
    predicted = np.zeros_like(target)
    predicted[2:8, 2:7] = True  # misses a column of 6 pixels
    predicted[3:6, 12:17] = True  # 15 false pixels
    assert clicks.next_click(target, predicted, BENCH, RNG) == (13, 4, 0)
    predicted[3:6, 12:17] = False
    assert clicks.next_click(target, predicted, BENCH, RNG)[2] == 1


def test_next_click_is_none_where_nothing_is_wrong():
    mask = np.ones((3, 3), bool)
    assert clicks.next_click(mask, mask, BENCH, RNG) is None


@given(masks, masks)
def test_next_click_is_labelled_by_the_target(target, predicted):
    if target.shape != predicted.shape:
        return
    for protocol in PROTOCOLS.values():
        found = clicks.next_click(target, predicted, protocol, np.random.default_rng(3))
        if found is None:
            assert (target == predicted).all()
        else:
            x, y, label = found
            assert target[y, x] != predicted[y, x] and label == int(target[y, x])


def test_generators_depend_on_the_whole_key_alone():
    draw = seeds.generator(0, "set", "case", 3, "liver", "click", 1).integers(2**60)
    assert draw == seeds.generator(0, "set", "case", 3, "liver", "click", 1).integers(2**60)
    assert draw == 843135281825613332
    for other in ((1, "set"), (0, "other")):
        assert draw != seeds.generator(*other, "case", 3, "liver", "click", 1).integers(2**60)


def test_unknown_kind_names_the_known_ones():
    with pytest.raises(ValueError, match=r"'scribble'.*box.*clicks"):
        load("scribble")


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


def brute_force_depth(mask):
    """Distance of every pixel to the nearest one outside the mask, all beyond the border among them."""
    padded = np.pad(mask, 1)
    outside = np.argwhere(~padded)
    depth = [np.sqrt(((outside - np.array(place)) ** 2).sum(axis=1).min()) for place in np.ndindex(padded.shape)]
    return np.array(depth).reshape(padded.shape)[1:-1, 1:-1]


@given(masks, st.integers(0, 2**32))
def test_ritm_clicks_the_deepest_error_that_was_not_clicked(target, seed):
    predicted = np.random.default_rng(seed).random(target.shape) > 0.5
    rule, clicked = PROTOCOLS["ritm"], []
    missed, false = (brute_force_depth(part) for part in (target & ~predicted, predicted & ~target))
    for _ in range(3):
        found = clicks.next_click(target, predicted, rule, RNG, clicked)
        deepest = max(missed.max(), false.max())
        if found is None:
            assert deepest == 0
            return
        x, y, label = found
        assert (missed if label else false)[y, x] == pytest.approx(deepest) and deepest > 0
        assert label == int(missed.max() > false.max())
        missed[y, x] = false[y, x] = 0
        clicked.append(found)


@given(masks)
def test_centroid_click_is_the_mean_of_the_pixels(mask):
    [(x, y, _)] = clicks.click(mask, PROTOCOLS["huang"], RNG).clicks
    rows, columns = np.nonzero(mask)
    assert abs(x - columns.mean()) <= 0.5 and abs(y - rows.mean()) <= 0.5


@given(masks)
def test_auto_says_nothing(mask):
    given = first_prompt("auto", mask, "liver", BENCH, RNG)
    assert given.box is None and given.clicks == () and given.text is None
    assert to_prompt(given).kinds == {"auto"}


def card_of(accepts, *trained):
    kinds = frozenset(map(frozenset, trained))
    return Card("m", "m", frozenset(accepts), kinds, 0, None, "-", "-", "-", "-")


@pytest.mark.parametrize(
    "kind, accepts, trained, untrained, reason",
    [
        ("box-loose", {"box"}, [{"box"}], False, None),
        ("box-loose", {"points"}, [{"points"}], True, "cannot take box"),
        ("auto", {"box", "auto"}, [{"box"}, {"auto"}], False, None),
        ("auto", {"box", "auto"}, [{"box"}], False, "not trained on auto"),
        ("auto", {"box"}, [{"box"}], True, "cannot take auto"),
        ("box+clicks", {"box", "points", "mask"}, [{"box"}, {"box", "points", "mask"}], False, None),
        ("box+clicks", {"box", "points", "mask"}, [{"box"}, {"points", "mask"}], False, "not trained on box+clicks"),
        ("box+clicks", {"box", "points", "mask"}, [{"box"}], True, None),
        ("box+clicks", {"box", "points"}, [{"box"}], True, None),
        ("box+clicks", {"box"}, [{"box"}], True, "cannot take points"),
    ],
)
def test_a_card_decides_who_may_be_asked(kind, accepts, trained, untrained, reason):
    found = applies(card_of(accepts, *trained), kind, untrained)
    assert found is None if reason is None else reason in found
