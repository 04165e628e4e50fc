"""Whose files a training may replace."""

from pathlib import Path

import pytest

from segmote.training import files
from segmote.training.files import Log, claim, load_checkpoint

SETTINGS = {"seed": 0, "recipe": {"name": "paper"}}


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
