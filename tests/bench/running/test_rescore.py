import pandas as pd
import pytest

from bench import protocols
from bench.running import run
from bench.running.rescore import rescore
from bench.store.masks import MaskShard
from bench.store.run_folder import candidates_path
from tests.helpers.fakes import config
from tests.helpers.run_folders import files

pytestmark = pytest.mark.usefixtures("registered", "without_figures")


def test_masks_are_scored_by_other_rules_beside_the_runs_own(tmp_path):
    folder = tmp_path / "r"
    run.run(config(folder, models=("fake/several",)))
    before = files(folder)
    records = pd.read_parquet(folder / "records.parquet").set_index(["case", "slice", "target", "metric"])["value"]
    bar = records["c0", 2, "bar"]
    assert bar["dice"] == pytest.approx(2 / 3) and bar["oracle_dice"] == 1 and bar["regret"] == pytest.approx(0.5)
    shard = MaskShard.load(candidates_path(folder, "fake/several", "squares", "c0"))
    assert [(e["entry"], e["candidate"]) for e in shard.index[:4]] == [(0, 1), (0, 2), (1, 1), (1, 2)]
    made = rescore(folder, protocols.PROTOCOLS["huang"])
    other = pd.read_parquet(made.records).set_index(["case", "slice", "target", "metric"])["value"]
    assert other["c0", 2, "bar", "dice"] == 1 and "multimask: None -> True" in made.needs_new_run
    after = files(folder)
    assert {name: after[name] for name in before} == before
    assert {name for name in after if name not in before} == {
        "protocols/huang/records.parquet", "protocols/huang/failures.parquet", "protocols/huang/protocol.json",
    }  # fmt: skip
    table = pd.read_csv(folder / "tables" / "ranking-protocols.csv").query(
        "protocol == 'huang' and dataset == 'squares'"
    )
    own = other.xs("dice", level="metric").groupby("target").mean().mean()
    assert table["value"].item() == pytest.approx(own)
