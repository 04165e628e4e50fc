import errno
import os
import subprocess
import sys

import numpy as np
import pytest

from bench.errors import RunError
from bench.store.files import write_bytes, write_json
from bench.store.masks import MaskShard
from bench.store.run_folder import one_writer, predictions_path
from tests.helpers.layouts import each_byte_changed


def shard(seed: int = 0) -> MaskShard:
    rng = np.random.default_rng(seed)
    masks = [rng.random(shape) > 0.5 for shape in ((1, 1), (3, 5), (17, 9))]
    return MaskShard([{"slice": i, "target": "liver"} for i in range(4)], [masks[0], None, *masks[1:]])


def test_masks_survive_packing_and_failures_stay_in_place(tmp_path):
    shard().save(tmp_path / "a.npz")
    loaded = MaskShard.load(tmp_path / "a.npz")
    assert loaded.index == shard().index
    assert loaded.masks[1] is None
    for before, after in zip(shard().masks, loaded.masks, strict=True):
        assert before is None or np.array_equal(before, after)


def test_empty_shard(tmp_path):
    MaskShard([], []).save(tmp_path / "a.npz")
    assert list(MaskShard.load(tmp_path / "a.npz").masks) == []


def test_equal_shards_give_equal_bytes(tmp_path):
    for name in "ab":
        shard().save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    shard(1).save(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() != (tmp_path / "b").read_bytes()


def test_damaged_shard_says_what_to_do(tmp_path):
    (tmp_path / "a.npz").write_bytes(b"PK\x03\x04 truncated")
    with pytest.raises(RunError, match="delete it and resume"):
        MaskShard.load(tmp_path / "a.npz")


def test_interrupted_write_leaves_the_old_file_and_no_rest(tmp_path, monkeypatch):
    path = tmp_path / "run.json"
    write_bytes(path, b"old")

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["run.json"]


def test_json_never_holds_nan(tmp_path):
    with pytest.raises(ValueError):
        write_json(tmp_path / "a.json", {"value": float("nan")})


def test_odd_characters_of_a_case_stay_inside_the_folder(tmp_path):
    path = predictions_path(tmp_path, "sam/mini", "folder:x", "../../a (1), b")
    assert path.resolve().is_relative_to(tmp_path / "predictions" / "sam--mini")


def test_second_writer_is_refused(tmp_path):
    code = (
        "import sys, pathlib; from bench.errors import RunError; from bench.store.run_folder import one_writer\n"
        "try:\n    with one_writer(pathlib.Path(sys.argv[1])): pass\n"
        "except RunError as error: print(error); sys.exit(3)\n"
    )
    with one_writer(tmp_path):
        other = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    assert other.returncode == 3 and "another run" in other.stdout


def test_rests_of_a_killed_writer_are_cleared(tmp_path):
    (tmp_path / "predictions").mkdir()
    rest = tmp_path / "predictions" / "c1.npz.4711.part"
    rest.write_bytes(b"half")
    with one_writer(tmp_path):
        assert not rest.exists()


def test_no_changed_byte_of_a_shard_escapes_as_another_error(tmp_path):
    path = tmp_path / "x.npz"
    MaskShard([{"slice": n} for n in range(2)], [np.eye(9, dtype=bool), None]).save(path)
    failed = 0
    for _ in each_byte_changed(path):
        try:
            MaskShard.load(path)
        except RunError:
            failed += 1
    assert failed > path.stat().st_size // 4
