import numpy as np
import pandas as pd
import pytest

from bench.statistics.patients import AGGREGATIONS, AVERAGE, patient_scores
from tests.helpers.records import records


def a_run(seed=0, patients=9, metric="dice"):
    """Patients with unequal numbers of slices, absent classes, undefined and failed values."""
    rng = np.random.default_rng(seed)
    rows = []
    for patient in range(patients):
        for number in range(rng.integers(1, 6)):
            for target in rng.permutation(["liver", "spleen", "kidney_left", "kidney_right"])[: rng.integers(1, 5)]:
                for model in "ab":
                    value = rng.random() if rng.random() < 0.9 else np.nan
                    facts = {"patient": f"p{patient}", "case": f"c{patient}", "slice": number, "metric": metric}
                    rows.append(facts | {"target": target, "model": model, "value": value})
    return records(*rows)


def average(run, aggregation):
    """The Average of one model by the definition of its name, from means of means."""
    classes = run.groupby("row")["value"]
    if aggregation == "mean_mask":
        return run["value"].mean()
    if aggregation == "mean_image":
        return run.groupby(["case", "slice"])["value"].mean().mean()
    if aggregation == "per_case":
        return run.groupby(["row", "patient"])["value"].mean().groupby("row").mean().mean()
    return classes.mean().mean()


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_estimates_are_means_of_means(aggregation):
    run = a_run()
    run["row"] = run["target"].replace({"kidney_left": "Kidney", "kidney_right": "Kidney"})
    scores = patient_scores(run, aggregation, row="row")
    assert scores.labels == ["Kidney", "liver", "spleen", AVERAGE]
    for place, model in enumerate(scores.models):
        one = run[run["model"] == model]
        assert scores.estimate()[-1, place] == pytest.approx(average(one, aggregation))
        if aggregation != "per_case":
            assert scores.estimate()[0, place] == pytest.approx(one.loc[one["row"] == "Kidney", "value"].mean())


def test_images_of_stacked_volumes_are_the_volumes():
    run = records({"slice": None, "value": 0.2}, {"slice": None, "case": "c2", "target": "liver", "value": 0.6})
    assert patient_scores(run, "mean_image").estimate()[-1] == pytest.approx(0.4)


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_a_weight_of_two_is_the_patient_twice(aggregation):
    run = a_run(1)
    scores = patient_scores(run, aggregation)
    weights = np.arange(9.0)[None] % 3
    copies = [
        run[run["patient"] == f"p{n}"].assign(patient=f"p{n}-{k}", case=f"c{n}-{k}")
        for n in range(9)
        for k in range(n % 3)
    ]
    again = patient_scores(pd.concat(copies), aggregation)
    np.testing.assert_allclose(scores.means(weights)[0], again.estimate())


def test_differences_use_only_rows_that_both_models_have():
    run = records(
        {"model": "a", "target": "liver", "value": 0.9},
        {"model": "b", "target": "liver", "value": 0.5},
        {"model": "a", "target": "spleen", "value": 0.1},
        {"model": "b", "target": "spleen", "value": np.nan},
        {"model": "a", "patient": "p2", "case": "c2", "value": 0.3},
    )
    np.testing.assert_allclose(patient_scores(run, "macro_class").differences(0, 1), [0.4, np.nan])


def test_a_model_without_values_is_undefined():
    run = records({"model": "a"}, {"model": "b", "value": np.nan, "status": "failed"})
    assert np.isnan(patient_scores(run, "macro_class").estimate()[:, 1]).all()


def test_an_unknown_aggregation_is_named():
    with pytest.raises(ValueError, match="median"):
        patient_scores(records({}), "median")


@pytest.mark.parametrize(("column", "value"), [("dataset", "e"), ("metric", "iou"), ("round", 2), ("prompt", "clicks")])
def test_a_mixture_is_refused(column, value):
    with pytest.raises(ValueError, match=f"one {column}"):
        patient_scores(records({}, {column: value}), "macro_class")


def test_every_aggregation_says_what_is_counted():
    assert AGGREGATIONS["mean_mask"].caption("objects") == "mean over all objects"
    assert all(rule.title and "{" not in rule.caption() for rule in AGGREGATIONS.values())
