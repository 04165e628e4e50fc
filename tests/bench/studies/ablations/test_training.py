"""The trainings of an ablation."""

from dataclasses import replace

import pandas as pd

from bench.studies.ablations import training
from bench.studies.ablations.setting import NetworkVariant


def test_a_trained_network_differs_from_its_base(setting):
    variant, one = NetworkVariant(subset="four"), replace(setting, seeds=1)
    table = training.records(one, [variant], ["zero-shot"], jobs=1)
    assert set(table["dataset"]) == {"IMIS layout"}
    assert table["dice"].between(0, 1).all()
    folder = variant.folder(setting, 0)
    log = (folder / training.LOG).read_text()
    assert "epoch 1/1" in log
    assert (folder / "dice-zero-shot.csv").is_file()


def test_variants_whose_trainings_differ_are_trained_more_often(setting, monkeypatch):
    dice = {0: (70.0, 70.5, 71.0), 1: (62.0, 65.0, 68.0, 65.0)}  # beyond the fourth they agree
    asked = []

    def read(setting, variants, counts, suites):
        asked.append(list(counts))
        rows = [(v, seed, dice[v][min(seed, len(dice[v]) - 1)]) for v in dice for seed in range(counts[v])]
        return pd.DataFrame(rows, columns=["variant", "seed", "dice"]).assign(suite="zero-shot")

    monkeypatch.setattr(training, "_complete", lambda *_: None)
    monkeypatch.setattr(training, "_read", read)
    monkeypatch.setattr(training, "averages", lambda part, setting, suite: pd.Series({"set": part["dice"].mean()}))
    variants = [NetworkVariant(), NetworkVariant(experts=8)]
    found = training.records(replace(setting, most_seeds=12), variants, ["zero-shot"], jobs=1)
    assert asked == [[3, 3], [3, 9]]
    assert found.groupby("variant")["seed"].nunique().to_list() == [3, 9]
    bounded = training.records(replace(setting, most_seeds=5), variants, ["zero-shot"], jobs=1)
    assert bounded.groupby("variant")["seed"].nunique().to_list() == [3, 5]
