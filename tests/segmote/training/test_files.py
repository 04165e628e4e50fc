"""The files of a training."""

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from segmote.network.official_names import is_unused
from segmote.training.files import Log, claim, load_checkpoint, save_checkpoint, save_weights, write_json
from tests.helpers.training_world import network, recipe


def test_a_checkpoint_is_replaced_and_read_back(tmp_path: Path) -> None:
    assert load_checkpoint(tmp_path) is None
    for epochs in (1, 2):
        save_checkpoint(tmp_path, {"epochs": epochs, "trained": {"a": torch.ones(2)}})
    found = load_checkpoint(tmp_path)
    assert found is not None and found["epochs"] == 2 and torch.equal(found["trained"]["a"], torch.ones(2))
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_a_folder_with_other_settings_is_refused_or_cleared(tmp_path: Path) -> None:
    claim(tmp_path, {"seed": 0}, resume=True)
    save_checkpoint(tmp_path, {"epochs": 1})
    claim(tmp_path, {"seed": 0}, resume=True)
    with pytest.raises(ValueError, match="another seed: 0, now 1; choose another folder"):
        claim(tmp_path, {"seed": 1}, resume=True)
    claim(tmp_path, {"seed": 1}, resume=False)
    assert load_checkpoint(tmp_path) is None


def test_lines_of_unfinished_epochs_are_dropped(tmp_path: Path) -> None:
    log = Log(tmp_path, "steps.csv", 0)
    for epoch in (1, 2):
        log.add({"epoch": epoch, "loss": 0.5})
    log.close()
    with log.path.open("a") as file:
        file.write("2,")  # killed while writing
    Log(tmp_path, "steps.csv", 1).close()
    assert log.path.read_text().split() == ["epoch,loss", "1,0.5"]


def test_weights_say_what_they_are_and_have_their_vocabulary_beside_them(tmp_path: Path) -> None:
    trained = network()
    for half in (False, True):
        path = save_weights(trained, recipe(), tmp_path, {"seed": 7}, half=half)
        state = load_file(path)
        assert {value.dtype for value in state.values()} == {torch.float16 if half else torch.float32}
        assert any(map(is_unused, state)) != half
    with safe_open(path, "pt") as file:
        about = json.loads(file.metadata()["training"])
    assert about["seed"] == 7 and about["config"]["recipe"]["epochs"] == 3
    assert (tmp_path / trained.vocabulary.name).read_bytes() == trained.vocabulary.read_bytes()


def test_json_is_written_whole(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"x": 1})
    assert json.loads((tmp_path / "a.json").read_text()) == {"x": 1}
    assert len(list(tmp_path.iterdir())) == 1
