"""Ablations: verdicts by hand, counted parameters, and a whole one with tiny networks."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

from bench.cli import main
from bench.miniworld.phantoms import medseg_hq
from bench.studies.ablations import decoder, experts, queries, size, testing, training
from bench.studies.ablations.output import write
from bench.studies.ablations.setting import NetworkVariant, Setting, few_class
from bench.studies.ablations.summary import MEAN, difference, gains, interval, is_best
from segmote.imis.network import Imis
from segmote.recipe import PAPER_RECIPE
from tests.helpers.training_world import CONFIG


def values(*means: float, spread: float = 0.1) -> pd.DataFrame:
    """Three seeds of each variant, that much apart."""
    rows = {(v, s): {MEAN: mean + spread * s} for v, mean in enumerate(means) for s in range(3)}
    return pd.DataFrame(rows).T.rename_axis(["variant", "seed"])


def test_interval_is_students():
    found = interval([10.0, 12.0, 14.0])
    assert (found.mean, found.n) == (12, 3)
    assert found.high - 12 == pytest.approx(4.30265 * 2 / 3**0.5, rel=1e-4)
    assert np.isnan(interval([1.0]).low)


def test_difference_is_seed_by_seed():
    table = values(50, 40, spread=5.0)
    found = difference(table, 0, 1)
    assert (found.mean, found.low, found.high) == (10, 10, 10)


@pytest.mark.parametrize(
    ("means", "outcome", "text"),
    [
        ((60, 50, 40), "shows", "+10.00"),
        ((50, 60, 40), "does not show", "-10.00"),
    ],
)
def test_best_needs_every_rival_beaten(means, outcome, text):
    found = is_best("4:1 is best", values(*means), ["4:1", "8:1", "12:1"], 0, [1, 2])
    assert found.outcome == outcome
    assert text in found.why


def test_best_by_chance_does_not_show():
    table = values(60, 59)
    table.loc[(1, 0), MEAN] = 64  # one lucky seed
    found = is_best("first", table, ["a", "b"], 0, [1])
    assert found.outcome == "does not show"
    table.loc[(1, 0), MEAN] = 61.5
    found = is_best("first", table, ["a", "b"], 0, [1])
    assert (found.outcome, "not beyond chance of b" in found.why) == ("does not show", True)


@pytest.mark.parametrize(
    ("means", "spread", "outcome"),
    [
        ((77, 77.2, 77.1, 70), 0.1, "shows"),
        ((77, 84, 77, 70), 0.1, "does not show"),
        ((77, 78, 76, 70), 9.0, "not testable"),
    ],
)
def test_two_queries_are_enough_only_where_more_cannot_be_better(means, spread, outcome):
    table = values(*means)
    table.loc[(1, 0), MEAN] -= spread
    assert queries.enough(table, [MEAN]).outcome == outcome


def test_two_seeds_give_no_verdict():
    assert gains("claim", interval([1.0, 1.0])).outcome == "not testable"
    assert gains("claim", interval([1.0, 1.0, 1.1])).outcome == "shows"


def test_sizes_are_those_of_table_3():
    found = size.counts()
    assert [found[name] for name in ("SegMoTE (Base)", "(-MoTE)", "(-PPT)")] == [17_563_776, 10_472_064, 7_091_712]
    assert found["IMIS (Base)"] == 29_679_696
    report = size.ablate()
    assert [verdict.outcome for verdict in report.verdicts] == ["shows", "does not show"]


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Setting:
    """Two sets to train on and one of another kind to test on; networks of a few thousand parameters."""
    root = tmp_path_factory.mktemp("ablations")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(medseg_hq, "CODES", {"XRAY": "X-ray", "DERMOSCOPY": "dermoscopy"})
        medseg_hq.write_medseg_hq(root / "data", images=12)
        patch.setattr(medseg_hq, "CODES", {"ULTRASOUND": "ultrasound"})
        medseg_hq.write_medseg_hq(root / "foreign", images=12)
    torch.manual_seed(0)
    state = {name: value.contiguous() for name, value in Imis(CONFIG, root / "merges.txt").state_dict().items()}
    save_file(state, root / "base.safetensors")
    return Setting(
        network=CONFIG,
        recipe=replace(PAPER_RECIPE, epochs=1, batch=4, rate=1e-2),
        base=root / "base.safetensors",
        card="segmote/mini",
        data=root / "data",
        test_data=root / "foreign",
        zero_shot=("imis",),
        four=("xray",),
        seven=("xray", "dermoscopy"),
        seeds=(0, 1, 2),
        limit=4,
        slices=None,
        work=root / "work",
        world="phantom",
    )


def test_ppt_serves_the_sets_of_one_class(setting):
    assert few_class(setting) == ("dermoscopy",)
    assert NetworkVariant(queries=0).recipe(setting).ppt_sets == ()


def test_folders_tell_apart_what_changes_a_result(setting):
    variants = [
        NetworkVariant(),
        NetworkVariant(experts=8),
        NetworkVariant(active=2),
        NetworkVariant(queries=0),
        NetworkVariant(decoder=True),
    ]
    folders = {variant.folder(setting, 0) for variant in [*variants, NetworkVariant(subset="four")]}
    assert len(folders) == 6
    other = replace(setting, recipe=replace(setting.recipe, epochs=2))
    assert NetworkVariant().folder(other, 0) != NetworkVariant().folder(setting, 0)
    assert NetworkVariant().folder(replace(setting, slices=1), 0) == NetworkVariant().folder(setting, 0)


def test_suites_ask_what_they_are_named_after(setting):
    asked = {suite: testing.tests(setting, suite) for suite in testing.KINDS}
    titles = {suite: [one.title for one in found.sets] for suite, found in asked.items()}
    assert titles["in-domain"] == ["DERMOSCOPY", "XRAY"]
    assert titles["unprompted"] == titles["one-click"] == ["DERMOSCOPY"]
    kinds = {suite: {q.prompt.kinds for one in found.slices for q in one.questions} for suite, found in asked.items()}
    assert kinds["zero-shot"] == {frozenset({"box"})}
    assert kinds["unprompted"] == {frozenset({"auto"})}
    assert kinds["one-click"] == {frozenset({"points"})}


@pytest.mark.slow
def test_ablations_are_trained_tested_and_written_once(setting, tmp_path, monkeypatch):
    made = decoder.ablate(setting, jobs=1)
    assert set(made.numbers["variant"]) == {"frozen", "tuned"}
    assert set(made.numbers["seeds"]) == {3}
    assert {path.suffix for path in write(made, tmp_path)} == {".csv", ".md", ".tex", ".png", ".pdf"}
    assert "paper: tuned" in (tmp_path / "decoder.md").read_text()
    monkeypatch.setattr(training, "train", lambda *_: pytest.fail("trained again"))
    again = decoder.ablate(setting, jobs=1)
    pd.testing.assert_frame_equal(made.numbers, again.numbers)


@pytest.mark.slow
def test_queries_and_experts_report_every_configuration(setting):
    found = queries.ablate(setting, jobs=1)
    assert list(found.table["setting"]) == ["Q=2", "Q=4", "Q=8", "w/o PPT"]
    assert found.table["paper: ISLES"].tolist() == ["65.28*", "64.97", "65.00*", "59.00"]
    assert found.verdicts[2].outcome == "not testable"
    found = experts.ablate(replace(setting, seeds=(0,)), jobs=1)
    assert list(found.table["N:M"]) == ["4:1", "4:2", "8:1", "8:2", "12:1", "12:2"] * 2
    assert {verdict.outcome for verdict in found.verdicts} == {"not testable"}


def test_a_trained_network_differs_from_its_base(setting):
    variant, one = NetworkVariant(subset="four"), replace(setting, seeds=(0,))
    table = training.records(one, [variant], ["zero-shot"], jobs=1)
    assert set(table["dataset"]) == {"IMIS layout"}
    assert table["dice"].between(0, 1).all()
    folder = variant.folder(setting, 0)
    log = (folder / training.LOG).read_text()
    assert "epoch 1/1" in log
    assert (folder / "dice-zero-shot.csv").is_file()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["expert"], "unknown ablation expert; there are experts, queries, decoder, size"),
        (["experts", "--data", "{data}"], "--four must name the data sets"),
        (["experts", "--data", "{data}", "--four", "ct"], "no data set ct"),
    ],
)
def test_wrong_requests_are_said_in_a_line(setting, arguments, text, capsys):
    filled = [part.format(data=setting.data) for part in arguments]
    with pytest.raises(SystemExit) as stop:
        main(["ablate", *filled])
    assert stop.value.code == 2
    assert text in capsys.readouterr().err


def test_size_is_written_by_the_command(tmp_path: Path, capsys):

    with pytest.raises(SystemExit) as stop:
        main(["ablate", "size", "--out", str(tmp_path)])
    assert stop.value.code == 0
    assert "17,563,776" in capsys.readouterr().out
    verdicts = (tmp_path / "verdicts.md").read_text().splitlines()
    assert [line.partition(":")[0] for line in verdicts] == ["size", "size"]
