"""What the trainings share."""

from pathlib import Path

import pandas as pd
import pytest

from bench.studies.curation.curate import MANIFEST
from bench.studies.reproduction import networks
from bench.studies.reproduction.programme import MissingInputError, Programme


@pytest.fixture
def curated(tmp_path: Path) -> Path:
    modalities = {"CT": 5, "MR": 4, "X-ray": 3, "skin": 2, "US": 1}
    rows = [(f"Set-{name}", name, "train") for name, count in modalities.items() for _ in range(count)]
    rows += [("Set-US", "US", "test")] * 9 + [("Set-tested", "CT", "test"), ("Other-MR", "MR", "train")]
    pd.DataFrame(rows, columns=["folder", "modality", "split"]).to_parquet(tmp_path / MANIFEST)
    return tmp_path


def test_the_largest_set_of_each_of_the_four_most_common_modalities_is_in_the_smaller_subset(curated: Path) -> None:
    few, many = networks.subsets(curated)
    assert few == ("set-ct", "set-mr", "set-skin", "set-x-ray")
    assert set(many) - set(few) == {"set-us", "other-mr"}


def test_the_pace_decides_how_much_is_trained(curated: Path, tmp_path: Path) -> None:
    mini, quick = Programme(tmp_path / "out"), Programme(tmp_path / "out", quick=True)
    full_pace, quick_pace = (networks.ablation_setting(one, curated, tmp_path) for one in (mini, quick))
    assert (full_pace.recipe.epochs, full_pace.limit, full_pace.most_seeds, full_pace.slices) == (6, 28, 3, 3)
    assert (quick_pace.recipe.epochs, quick_pace.limit, quick_pace.most_seeds, quick_pace.slices) == (1, 2, 1, 1)
    assert networks.ablation_setting(mini, curated, tmp_path, 12).recipe.epochs == 12
    assert full_pace.card == "segmote/mini" and full_pace.data == curated


def test_real_data_need_official_weights(curated: Path, tmp_path: Path) -> None:
    real = Programme(tmp_path / "out", tmp_path, tmp_path / "none")
    with pytest.raises(MissingInputError, match=r"weights: .*IMISNet-B\.pth"):
        networks.ablation_setting(real, curated, tmp_path)
