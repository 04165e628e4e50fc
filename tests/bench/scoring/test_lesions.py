import networkx as nx
import numpy as np
import pytest
from scipy import ndimage

from bench.scoring.lesions import LesionCounts, lesion_pairs, lesionwise_dice, lesionwise_nsd, matched
from bench.scoring.matching import MATCHING_RULES
from bench.scoring.surface import surface_distances


def lesion_counts(target, predicted):
    return lesion_pairs(target, predicted).counts


def brute_force(target, predicted):
    """One lesion after the other, with another labelling library."""
    full = np.ones((3,) * target.ndim)
    lesions, n = ndimage.label(target, full)
    components, m = ndimage.label(predicted, full)
    found = sum((predicted & (lesions == label)).any() for label in range(1, n + 1))
    confirmed = sum((target & (components == label)).any() for label in range(1, m + 1))
    return LesionCounts(found, n - found, m - confirmed)


@pytest.mark.parametrize("shape", [(24, 17), (9, 12, 8)])
@pytest.mark.parametrize("seed", range(10))
def test_agrees_with_one_lesion_after_the_other(shape, seed):
    rng = np.random.default_rng(seed)
    masks = rng.random((2, *shape)) < rng.choice([0.01, 0.1, 0.5])
    assert lesion_counts(*masks) == brute_force(*masks)


def test_by_hand():
    target = np.zeros((7, 9), bool)
    target[1, 1:3] = target[4, 4] = target[5, 5] = target[6, 8] = True  # three lesions, one of them diagonal
    predicted = np.zeros((7, 9), bool)
    predicted[1, 2] = predicted[5, 5] = predicted[0, 8] = predicted[3, 0] = True
    counts = lesion_counts(target, predicted)
    assert counts == LesionCounts(found=2, missed=1, invented=2)
    assert counts.f1 == pytest.approx(4 / 7)
    assert lesion_pairs(target, predicted).count_difference == 1


def test_one_blob_over_two_lesions_finds_both():
    target = np.zeros((3, 9), bool)
    target[1, 1] = target[1, 7] = True
    predicted = np.zeros((3, 9), bool)
    predicted[1] = True
    assert lesion_counts(target, predicted) == LesionCounts(found=2, missed=0, invented=0)


def test_diagonal_neighbours_are_one_lesion_in_3d():
    target = np.zeros((3, 3, 3), bool)
    target[0, 0, 0] = target[1, 1, 1] = True
    assert lesion_counts(target, target) == LesionCounts(1, 0, 0)


def test_empty_masks():
    empty, full = np.zeros((4, 4), bool), np.ones((4, 4), bool)
    assert np.isnan(lesion_counts(empty, empty).f1)
    assert lesion_counts(empty, full) == LesionCounts(0, 0, 1)
    assert lesion_counts(full, empty).f1 == 0.0


@pytest.mark.parametrize(
    ("target", "predicted", "text"),
    [
        (np.zeros((2, 2), bool), np.zeros((3, 2), bool), "shape"),
        (np.zeros(4, bool), np.zeros(4, bool), "2-D or 3-D"),
        (np.zeros((2, 2), int), np.zeros((2, 2), bool), "bool"),
    ],
)
def test_bad_input_is_named(target, predicted, text):
    with pytest.raises(ValueError, match=text):
        lesion_counts(target, predicted)


def blobs(seed, shape):
    """Two masks of ragged blobs that agree here and there."""
    rng = np.random.default_rng(seed)
    field = ndimage.gaussian_filter(rng.normal(size=shape), 1.2)
    other = 0.8 * field + 0.6 * ndimage.gaussian_filter(rng.normal(size=shape), 1.2)
    return field > np.quantile(field, 0.85), other > np.quantile(other, 0.85)


def components_of(mask):
    labels, count = ndimage.label(mask, np.ones((3,) * mask.ndim))
    return [labels == number for number in range(1, count + 1)]


def dice_of(one, other):
    return 2 * (one & other).sum() / (one.sum() + other.sum())


@pytest.mark.parametrize("shape", [(40, 31), (14, 15, 12)])
@pytest.mark.parametrize("seed", range(8))
def test_brats_rule_is_the_best_matching_of_a_graph(shape, seed):
    target, predicted = blobs(seed, shape)
    lesions, components = components_of(target), components_of(predicted)
    graph = nx.Graph()
    for n, lesion in enumerate(lesions):
        for m, component in enumerate(components):
            if (lesion & component).any():
                graph.add_edge(("lesion", n), ("component", m), weight=dice_of(lesion, component))
    best = sum(graph.edges[edge]["weight"] for edge in nx.max_weight_matching(graph))
    pairs = lesion_pairs(target, predicted)
    partners = len(matched(pairs, MATCHING_RULES["brats"]))
    expected = best / (len(lesions) + len(components) - partners)
    assert lesionwise_dice(pairs, MATCHING_RULES["brats"]) == pytest.approx(expected)


@pytest.mark.parametrize("shape", [(40, 31), (14, 15, 12)])
@pytest.mark.parametrize("seed", range(8))
def test_panoptica_rule_lesion_by_lesion(shape, seed):
    """An IoU above a half is the lesion's only one, so that no order of matching matters."""
    target, predicted = blobs(seed, shape)
    alike = [
        (one, other)
        for one in components_of(target)
        for other in components_of(predicted)
        if (one & other).sum() / (one | other).sum() >= 0.5
    ]
    pairs, rule = lesion_pairs(target, predicted), MATCHING_RULES["panoptica"]
    assert lesionwise_dice(pairs, rule) == pytest.approx(np.mean([dice_of(*pair) for pair in alike]) if alike else 0)
    spacing = (2.0, 0.7, 1.1)[: len(shape)]
    nsd = [surface_distances(*pair, spacing).nsd(1.0) for pair in alike]
    assert lesionwise_nsd(pairs, rule, 1.0, spacing) == pytest.approx(np.mean(nsd) if nsd else 0)


BY_PANOPTICA = (
    0.8723404255319149,
    0.0,
    0.7282051282051283,
    0.7310344827586207,
    0.8011875511875513,
    0.0,
    0.7906487323356256,
)


@pytest.mark.parametrize(("seed", "expected"), enumerate(BY_PANOPTICA))
def test_panoptica_rule_gives_what_panoptica_gives(seed, expected):
    """`sq_dsc` of panoptica 2.1.7 with its configuration `panoptica_evaluator_ISLES` on the same masks."""
    pairs = lesion_pairs(*blobs(seed, (14, 15, 12)))
    assert lesionwise_dice(pairs, MATCHING_RULES["panoptica"]) == pytest.approx(expected, rel=1e-12)


def test_rules_differ_where_a_lesion_is_missed():
    target, predicted = np.zeros((20, 20), bool), np.zeros((20, 20), bool)
    target[2:6, 2:6] = predicted[2:6, 2:6] = target[12:16, 12:16] = True
    pairs = lesion_pairs(target, predicted)
    assert {name: lesionwise_dice(pairs, rule) for name, rule in MATCHING_RULES.items()} == {
        "panoptica": 1.0,
        "brats": 0.5,
    }


def test_one_component_is_matched_once():
    target, predicted = np.zeros((5, 20), bool), np.zeros((5, 20), bool)
    target[2, 1:9] = target[2, 10:13] = predicted[2, 1:13] = True  # one component over two lesions
    pairs = lesion_pairs(target, predicted)
    for rule in MATCHING_RULES.values():
        assert matched(pairs, rule) == [(0, 0)]
    assert lesionwise_dice(pairs, MATCHING_RULES["brats"]) == pytest.approx(16 / 20 / 2)


@pytest.mark.parametrize("rule", MATCHING_RULES.values(), ids=MATCHING_RULES)
def test_lesionwise_scores_of_empty_masks(rule):
    empty, full = np.zeros((4, 4, 4), bool), np.ones((4, 4, 4), bool)
    assert np.isnan(lesionwise_dice(lesion_pairs(empty, empty), rule))
    assert lesionwise_dice(lesion_pairs(empty, full), rule) == lesionwise_dice(lesion_pairs(full, empty), rule) == 0
    assert lesionwise_nsd(lesion_pairs(full, empty), rule, 2.0, (1.0, 1.0, 1.0)) == 0


def test_sensitivity_and_ppv_of_each_lesion():
    target, predicted = np.zeros((6, 12), bool), np.zeros((6, 12), bool)
    target[1, 1:5] = target[4, 8:10] = True
    predicted[1, 3:9] = True  # half of the first lesion, and four pixels beside it
    pairs = lesion_pairs(target, predicted)
    np.testing.assert_allclose(pairs.sensitivity, [0.5, 0.0])
    np.testing.assert_allclose(pairs.ppv, [2 / 6, np.nan])
