import numpy as np
import pytest

from bench.errors import RunError
from bench.running import run
from bench.scoring.stored_case import load_case
from bench.store.masks import MaskShard
from bench.store.run_folder import targets_path
from tests.helpers.fakes import config

pytestmark = pytest.mark.usefixtures("registered", "without_figures")


def test_a_case_is_read_with_its_targets(tmp_path):
    run.run(config(tmp_path / "r"))
    stored = load_case(tmp_path / "r", "baseline/box", "squares", "c0")
    assert stored.grid.shape == (3, 16, 20)
    assert set(stored.targets) == {(0, "square"), (1, "square"), (2, "bar")}
    assert np.count_nonzero(stored.reference((2, "bar"))) == 18 * 2
    assert stored.candidates(0) == [] and len(stored.seconds) == 3


def test_a_prediction_without_a_target_is_damage(tmp_path):
    run.run(config(tmp_path / "r"))
    about = {"dataset": "squares", "case": "c0"}
    path = targets_path(tmp_path / "r", "squares", "c0")
    whole = MaskShard.load(path)
    MaskShard(whole.index[:1], [whole.masks[0]], about).save(path)
    with pytest.raises(RunError, match="no target for"):
        load_case(tmp_path / "r", "baseline/box", "squares", "c0")
