"""What the steps do, where it takes no network."""

from pathlib import Path

import pytest

from bench.store.files import write_json
from bench.studies.reproduction import parts
from bench.studies.reproduction.programme import MissingInputError, Programme


def test_the_four_runs_ask_for_what_their_names_say(tmp_path: Path) -> None:
    programme = Programme(tmp_path)
    write_json(tmp_path / parts.SET_ASIDE, ["imis:a", "imis:b"])
    configs = {one.folder: parts.configured(one, programme) for one in parts.BENCHMARK_RUNS}
    assert [config.out for config in configs.values()] == [tmp_path / folder for folder in configs]
    own = {folder: config.models == ("segmote/mini",) for folder, config in configs.items()}
    assert own == {folder: folder.endswith("-own") for folder in configs}
    for folder, config in configs.items():
        asked = ("click", "box") if "held-out" in folder else ("box",)
        assert config.prompts == asked and (config.datasets == ("imis:a", "imis:b")) == ("held-out" in folder)
        assert (config.weights == tmp_path / "segmote/weights.safetensors") == own[folder]


def test_nothing_is_run_before_it_is(tmp_path: Path) -> None:
    assert not any(parts.is_run(one, Programme(tmp_path)) for one in parts.BENCHMARK_RUNS)


def test_real_runs_need_data_and_weights(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with pytest.raises(MissingInputError, match=r"data: none of isles2022.*; weights: none of .*sam_vit_b_01ec64"):
        parts.configured(parts.ZERO_SHOT_ALL, Programme(tmp_path, tmp_path / "data", tmp_path / "none"))
