"""The trainings of an ablation."""

from dataclasses import replace

from bench.studies.ablations import training
from bench.studies.ablations.setting import NetworkVariant


def test_a_trained_network_differs_from_its_base(setting):
    variant, one = NetworkVariant(subset="four"), replace(setting, seeds=(0,))
    table = training.records(one, [variant], ["zero-shot"], jobs=1)
    assert set(table["dataset"]) == {"IMIS layout"}
    assert table["dice"].between(0, 1).all()
    folder = variant.folder(setting, 0)
    log = (folder / training.LOG).read_text()
    assert "epoch 1/1" in log
    assert (folder / "dice-zero-shot.csv").is_file()
