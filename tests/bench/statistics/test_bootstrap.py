import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bench.reporting.tables.averages import cells
from bench.statistics.bootstrap import compare, frames, holm, interval, resample, tie_groups, wilcoxon
from bench.statistics.patients import AVERAGE, PatientScores

NAN = float("nan")


def simulated(rng, patients, effects, rows=2):
    """Models of known means (`effects`) on patients of unequal difficulty and unequal numbers of slices."""
    counts = np.broadcast_to(rng.integers(1, 9, (patients, rows, 1)), (patients, rows, len(effects))).astype(float)
    difficulty = rng.beta(2, 5, (patients, 1, 1)) - 2 / 7
    noise = rng.normal(0, 0.1, counts.shape) / np.sqrt(counts)
    means = np.asarray(effects) + difficulty + rng.normal(0, 0.05, counts.shape) + noise
    names = [f"p{n}" for n in range(patients)], [f"r{n}" for n in range(rows)], [f"m{n}" for n in range(len(effects))]
    return PatientScores(*names, means * counts, counts, macro=True)


@pytest.mark.slow
@pytest.mark.parametrize("patients", [12, 80])
def test_intervals_cover_the_truth(patients):
    """Of 1500 simulated studies, 93 to 97 % of the 95 % intervals hold the true mean and the true difference."""
    rng = np.random.default_rng(patients)
    weights = resample(patients, 500)
    covered = []
    for _ in range(1500):
        average = simulated(rng, patients, (0.7, 0.65)).means(weights)[:, -1]
        for samples, truth in ((average[:, 0], 0.7), (average[:, 0] - average[:, 1], 0.05)):
            low, high = interval(samples, patients)
            covered.append(low <= truth <= high)
    shares = np.reshape(covered, (-1, 2)).mean(axis=0)
    assert ((shares >= 0.93) & (shares <= 0.97)).all(), shares


@pytest.mark.slow
@pytest.mark.parametrize("aggregation", ["macro_class", "mean_image", "per_case"])
def test_intervals_of_a_table_cover_the_truth(aggregation):
    """From records to printed limits: of 1000 simulated studies of 15 patients with one to six slices each.

    A study is a model of its own in one of ten tables; their values have nothing in common but the number of slices.
    """
    rng = np.random.default_rng(1)
    covered = []
    for _ in range(10):
        patient = np.repeat(np.arange(15), rng.integers(1, 7, 15))
        studies = [f"m{number}" for number in range(100)]
        level = 0.7 + rng.normal(0, 0.08, (100, 15))[:, patient]
        shape = (2, *level.shape)
        run = pd.DataFrame(
            {
                "target": np.repeat(["t", "u"], level.size),
                "model": np.broadcast_to(np.array(studies)[:, None], shape).ravel(),
                "patient": np.broadcast_to([f"p{n}" for n in patient], shape).ravel(),
                "slice": np.broadcast_to(np.arange(len(patient)), shape).ravel(),
                "value": (level + rng.normal(0, 0.05, shape)).ravel(),
            }
        )
        run = run.assign(dataset="d", prompt="box", round=1, metric="dice", status="ok", case=run["patient"])
        found = cells(run, aggregation, {})
        covered += [found["d", AVERAGE, study].low <= 0.7 <= found["d", AVERAGE, study].high for study in studies]
    assert 0.93 <= np.mean(covered) <= 0.97, np.mean(covered)


def test_interval_agrees_with_the_t_interval_of_a_plain_mean():
    values = np.random.default_rng(3).normal(0.5, 0.1, 30)
    low, high = interval(resample(30, 50_000) @ values / 30, 30)
    t = stats.t.interval(0.95, 29, values.mean(), stats.sem(values))
    np.testing.assert_allclose((low, high), t, atol=0.003)


def test_one_patient_has_no_interval():
    low, high = interval(np.ones((100, 2)), 1)
    assert np.isnan(low).all() and np.isnan(high).all()


def test_draws_hold_every_patient_as_often_as_expected_and_never_change():
    weights = resample(40, 2000, seed=1)
    assert (weights.sum(axis=1) == 40).all()
    assert weights.mean() == 1 and weights.var() == pytest.approx(1 - 1 / 40, abs=0.02)
    np.testing.assert_array_equal(weights, resample(40, 2000, seed=1))
    assert (weights != resample(40, 2000, seed=2)).any()


def test_equal_models_share_their_draws():
    scores = simulated(np.random.default_rng(0), 20, (0.5,))
    both = PatientScores(
        scores.patients, scores.rows, ["a", "b"], scores.sums.repeat(2, 2), scores.counts.repeat(2, 2), True
    )
    [difference] = compare({"d": both}, draws=200)["d"].differences
    assert (difference.delta, difference.low, difference.high) == (0, 0, 0)
    assert (difference.p, difference.p_holm, difference.wins, difference.ties) == (1, 1, 0, 1)


def test_holm_by_hand():
    np.testing.assert_allclose(holm([0.01, 0.04, NAN, 0.03, 0.005]), [0.03, 0.06, NAN, 0.06, 0.02])
    assert holm([]).size == 0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_keeps_the_order_and_lies_between_p_and_bonferroni(p):
    adjusted = holm(p)
    assert (adjusted >= p).all() and (adjusted <= np.minimum(1, np.array(p) * len(p)) + 1e-12).all()
    order = np.argsort(p)
    assert (np.diff(adjusted[order]) >= 0).all()


def test_wilcoxon_by_enumeration():
    """Six differences without ties: the exact distribution over all signs."""
    differences = np.array([0.3, -0.1, 0.5, 0.2, 0.6, 0.4])
    ranks = stats.rankdata(np.abs(differences))
    signs = np.array(np.meshgrid(*[[0, 1]] * 6)).reshape(6, -1)
    sums, seen = ranks @ signs, ranks[differences > 0].sum()
    expected = 2 * min((sums >= seen).mean(), (sums <= seen).mean())
    assert wilcoxon(differences) == pytest.approx(expected)


def test_wilcoxon_corner_cases():
    assert wilcoxon(np.zeros(5)) == 1
    assert np.isnan(wilcoxon(np.array([NAN, NAN])))
    assert wilcoxon(np.array([0.1, 0.2, NAN, 0.3])) == wilcoxon(np.array([0.1, 0.2, 0.3]))


def test_wilcoxon_ranks_zeros_before_it_drops_them():
    differences = np.array([0.0, 0.0, 0.0, 0.1, 0.2, 0.3, -0.4])
    assert wilcoxon(differences) == pytest.approx(stats.wilcoxon(differences, zero_method="pratt").pvalue)
    assert wilcoxon(differences) != pytest.approx(stats.wilcoxon(differences, zero_method="wilcox").pvalue)


@pytest.fixture(scope="module")
def compared():
    scores = simulated(np.random.default_rng(5), 80, (0.70, 0.71, 0.50, 0.30))
    return scores, compare({"d": scores}, draws=2000)["d"]


def test_ranks_and_tie_groups(compared):
    scores, found = compared
    by_name = {one.model: one for one in found.estimates}
    assert [by_name[f"m{n}"].group for n in range(4)] == ["a", "a", "b", "c"]
    assert by_name["m3"].rank == by_name["m3"].rank_low == by_name["m3"].rank_high == 4
    assert {by_name["m0"].rank, by_name["m1"].rank} == {1, 2}
    np.testing.assert_allclose([one.value for one in found.estimates], scores.estimate()[-1])


def test_intervals_stand_for_every_value_of_the_table(compared):
    scores, found = compared
    assert found.low.shape == found.high.shape == scores.estimate().shape
    assert ((found.low < scores.estimate()) & (scores.estimate() < found.high)).all()


def test_differences_are_of_all_pairs(compared):
    _, found = compared
    assert len(found.differences) == 6
    clear = next(d for d in found.differences if (d.one, d.other) == ("m0", "m3"))
    assert clear.low > 0.3 and clear.wins == 1 and clear.p_holm < 1e-6 and clear.patients == 80


def test_p_values_are_adjusted_over_all_data_sets():
    rng = np.random.default_rng(6)
    tables = {name: simulated(rng, 30, (0.5, 0.52, 0.55)) for name in "de"}
    found = compare(tables, draws=100)
    every = [d for one in found.values() for d in one.differences]
    np.testing.assert_allclose([d.p_holm for d in every], holm([d.p for d in every]))


def test_a_reference_needs_fewer_tests():
    scores = simulated(np.random.default_rng(7), 20, (0.5, 0.52, 0.55))
    found = compare({"d": scores}, reference="m1", draws=100)["d"].differences
    assert [(d.one, d.other) for d in found] == [("m0", "m1"), ("m2", "m1")]
    with pytest.raises(ValueError, match="m9"):
        compare({"d": scores}, reference="m9")


def test_lower_is_better_for_distances():
    scores = simulated(np.random.default_rng(8), 60, (0.2, 0.8))
    best = {up: compare({"d": scores}, higher_is_better=up, draws=100)["d"].estimates for up in (True, False)}
    assert [one.rank for one in best[True]] == [2, 1] and [one.group for one in best[True]] == ["b", "a"]
    assert [one.rank for one in best[False]] == [1, 2] and [one.group for one in best[False]] == ["a", "b"]


def test_a_model_without_values_has_no_rank_and_disturbs_nobody():
    scores = simulated(np.random.default_rng(9), 40, (0.2, 0.5, 0.8))
    scores.sums[:, :, 1] = scores.counts[:, :, 1] = 0
    found = compare({"d": scores}, draws=200)["d"]
    first, absent, last = found.estimates
    assert np.isnan([absent.value, absent.low, absent.rank, absent.rank_low]).all() and absent.group == ""
    assert (first.rank, last.rank, last.rank_high) == (2, 1, 1)
    assert [d.left_out for d in found.differences] == [40, 0, 40]


def test_two_models_share_a_letter_if_and_only_if_they_are_not_told_apart():
    """A chain: each is level with its neighbour alone, so those between have two letters."""
    rng, steps = np.random.default_rng(0), np.arange(5)
    average = 0.9 - 0.01 * steps + rng.normal(0, 0.004, (4000, 5))
    values = 0.9 - 0.01 * steps
    groups = tie_groups(values, average, 100)
    for one in range(5):
        for other in range(one):
            low, high = interval(average[:, one] - average[:, other], 100)
            assert bool(set(groups[one]) & set(groups[other])) == bool(low <= 0 <= high), (one, other)
    assert groups == ["a", "ab", "bc", "cd", "d"]
    assert tie_groups(np.append(values, NAN), np.column_stack([average, np.full(4000, NAN)]), 100)[-1] == ""


def test_groups_start_anew_where_the_best_is_told_apart():
    average = np.random.default_rng(0).normal([0.9, 0.89, 0.5], 0.02, (500, 3))
    assert tie_groups(np.array([0.9, 0.89, 0.5]), average, 100) == ["a", "a", "b"]


def test_frames_have_a_line_a_model_and_a_line_a_pair(compared):
    estimates, differences = frames({"d": compared[1]})
    assert len(estimates) == 4 and len(differences) == 6
    assert estimates.columns[:2].tolist() == ["dataset", "model"]
