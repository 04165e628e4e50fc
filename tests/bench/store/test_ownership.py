import os
from pathlib import Path

import pytest

from bench.config import RunConfig
from bench.errors import RunError
from bench.store.files import partial_path, write_bytes, write_json
from bench.store.ownership import clear_partial, delete_run, noting_files, require_free
from bench.store.run_folder import predictions_path, targets_path
from tests.helpers.fakes import config


def run_of_ours(folder: Path) -> dict[Path, bytes]:
    """A run folder with a file of each kind; what it holds."""
    write_json(folder / "run.json", {})
    places = [predictions_path(folder, "sam/mini", "folder:a", "c"), targets_path(folder, "folder:a", "c")]
    for path in [*places, places[0].with_suffix(".seconds.json"), folder / "records.parquet"]:
        write_bytes(path, b"ours")
    with noting_files(folder):
        for name in ("tables/dice.csv", "figures/bars.png"):
            write_bytes(folder / name, b"ours")
    write_bytes(folder / "protocols" / "ritm" / "records.parquet", b"ours")
    return contents(folder)


def described(folder: Path) -> RunConfig:
    return config(folder, models=("sam/mini",), datasets=("folder:a",))


def contents(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


FOREIGN = (
    "film.mkv.part", "sub/sam_vit_h_4b8939.pth.part", "predictions/c1.npz.4711.part", "predictions/notes.txt",
    "predictions/sam--mini/folder%3Aa/.segmote-bench-x.part", "predictions/sam--mini/folder%3Aa/notes.txt",
    "predictions/other/folder%3Aa/c.npz", "targets/c.npz", "tables/paper.tex", "tables/all.pdf", "figures/mine.png",
    "protocols/mine.json", "images/photo.jpg", ".lock", "log.txt",
)  # fmt: skip


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_files_survive_the_deletion_of_a_run(tmp_path, name):
    run_of_ours(tmp_path)
    write_bytes(tmp_path / name, b"mine")
    clear_partial(tmp_path)
    delete_run(described(tmp_path))
    assert contents(tmp_path).keys() == {Path("run.json"), Path(name)}


def test_the_deletion_of_a_run_leaves_no_empty_folders(tmp_path):
    run_of_ours(tmp_path)
    delete_run(described(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_a_folder_that_is_a_link_is_not_emptied(tmp_path):
    run_of_ours(tmp_path / "r")
    (tmp_path / "r" / "tables" / "dice.csv").rename(tmp_path / "dice.csv")
    for path in (tmp_path / "r" / "tables").iterdir():
        path.unlink()
    (tmp_path / "r" / "tables").rmdir()
    (tmp_path / "r" / "tables").symlink_to(tmp_path)
    before = contents(tmp_path)
    with pytest.raises(RunError, match="tables is a link"):
        delete_run(described(tmp_path / "r"))
    assert contents(tmp_path) == before


def test_a_link_in_the_place_of_a_file_is_left_alone(tmp_path):
    run_of_ours(tmp_path / "r")
    write_bytes(tmp_path / "mine", b"mine")
    shard = predictions_path(tmp_path / "r", "sam/mini", "folder:a", "c")
    shard.unlink()
    shard.symlink_to(tmp_path / "mine")
    delete_run(described(tmp_path / "r"))
    assert shard.is_symlink() and (tmp_path / "mine").read_bytes() == b"mine"


def test_only_our_own_rests_of_a_killed_writer_are_cleared(tmp_path):
    run_of_ours(tmp_path)
    before = contents(tmp_path)
    shard = predictions_path(tmp_path, "sam/mini", "folder:a", "c")
    rests = [partial_path(path) for path in (shard, tmp_path / "run.json")]
    for rest in rests:
        rest.write_bytes(b"half")
    elsewhere = partial_path(tmp_path / "sub" / "x")
    write_bytes(elsewhere, b"not in a folder of the run")
    clear_partial(tmp_path)
    assert contents(tmp_path) == before | {elsewhere.relative_to(tmp_path): b"not in a folder of the run"}


@pytest.mark.parametrize("name", ["tables", "figures", "predictions", "report.html", "records.parquet", "log.txt"])
def test_a_folder_without_run_json_is_not_written_over(tmp_path, name):
    require_free(tmp_path)
    (tmp_path / "film.mkv.part").write_bytes(b"mine")
    require_free(tmp_path)
    os.symlink("nowhere", tmp_path / name)
    with pytest.raises(RunError, match=f"{name} was not written by this run"):
        require_free(tmp_path)


@pytest.mark.parametrize("names", [["../mine", "tables/../mine", "/mine", "mine"], {"a": 1}, "mine", [["mine"], 1]])
def test_a_changed_list_of_files_leads_nowhere_else(tmp_path, names):
    run_of_ours(tmp_path / "r")
    for path in (tmp_path / "mine", tmp_path / "r" / "mine"):
        write_bytes(path, b"mine")
    write_json(tmp_path / "r" / ".segmote-bench-files.json", names)
    delete_run(described(tmp_path / "r"))
    assert (tmp_path / "mine").exists() and (tmp_path / "r" / "mine").exists()
