"""The files of a training, and whose files it may replace."""

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from segmote.network.official_names import is_unused
from segmote.training import files
from segmote.training.files import Log, claim, load_checkpoint, save_checkpoint, save_weights, write_json
from tests.helpers.training_world import network, recipe

SETTINGS = {"seed": 0, "recipe": {"name": "paper"}}


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


def trained(folder: Path) -> Path:
    """A folder with all that a training writes, and a user's own files beside it."""
    claim(folder, SETTINGS, resume=True)
    for name in files.WRITTEN:
        (folder / name).write_text("old")
    (folder / files.STEPS).write_text("epoch,loss\n")
    log = Log(folder, files.STEPS, 0)
    log.add({"epoch": 1.0, "loss": 0.5})
    log.close()
    for name in ("notes.txt", "tensorboard/mine.txt", "tensorboard/steps/events.out.tfevents.1.host"):
        (folder / name).write_text("mine")
    return folder


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_starting_anew_deletes_what_a_training_wrote_and_nothing_else(tmp_path: Path) -> None:
    trained(tmp_path)
    assert len(names(tmp_path)) == 10
    claim(tmp_path, SETTINGS | {"seed": 1}, resume=False)
    assert names(tmp_path) == {
        "training.json",
        "notes.txt",
        "tensorboard/mine.txt",
        "tensorboard/steps/events.out.tfevents.1.host",
    }


@pytest.mark.parametrize("resume", [True, False])
@pytest.mark.parametrize("name", files.WRITTEN)
def test_files_that_no_training_has_written_are_refused_and_stay(tmp_path: Path, name: str, resume: bool) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(ValueError, match=rf"{name} was not written by this training: .* choose another folder"):
        claim(tmp_path, SETTINGS, resume)
    assert names(tmp_path) == {name}


@pytest.mark.parametrize("content", ["{", "[]", '{"epochs": 3}', "[" * 100_000])
def test_settings_of_something_else_are_refused_and_stay(tmp_path: Path, content: str) -> None:
    (tmp_path / files.SETTINGS).write_text(content)
    (tmp_path / files.WEIGHTS).write_text("mine")
    with pytest.raises(ValueError, match=r"training\.json was not written by a training, or is damaged"):
        claim(tmp_path, SETTINGS, resume=False)
    assert (tmp_path / files.WEIGHTS).read_text() == "mine"


@pytest.mark.parametrize("name", [files.WEIGHTS, files.CURVES])
def test_links_are_refused(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "out"
    claim(folder, SETTINGS, resume=True)
    (tmp_path / "elsewhere").mkdir()
    (folder / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match="is a link"):
        claim(folder, SETTINGS, resume=False)


def test_a_half_written_file_of_the_user_stays(tmp_path: Path) -> None:
    for name in (files.CHECKPOINT, files.SETTINGS):
        (tmp_path / f"{name}.partial").write_text("mine")
    claim(tmp_path, SETTINGS, resume=True)
    files.save_checkpoint(tmp_path, {"epoch": 1})
    assert load_checkpoint(tmp_path) == {"epoch": 1}
    assert all(path.read_text() == "mine" for path in tmp_path.glob("*.partial"))


def test_a_cut_checkpoint_is_said_in_a_sentence(tmp_path: Path) -> None:
    files.save_checkpoint(tmp_path, {"epoch": 1})
    path = tmp_path / files.CHECKPOINT
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(ValueError, match=r"checkpoint\.pt is cut off or damaged .*; start anew without resuming"):
        load_checkpoint(tmp_path)
