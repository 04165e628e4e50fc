import errno
import os
import subprocess
import sys

import numpy as np
import pytest

from bench.errors import RunError
from bench.store.files import write_bytes, write_json
from bench.store.masks import MaskShard
from bench.store.run_folder import case_path, one_writer, predictions_path, read_run, timings
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


def test_a_long_name_is_cut_and_stays_its_own(tmp_path):
    names = ["x" * 400, "x" * 399 + "y", "肝" * 100, "x" * 242, "x" * 243]
    paths = {case_path(tmp_path, "folder", name) for name in names}
    assert len(paths) == len(names)
    assert all(len(path.name) <= 255 - len(".seconds.json") + len(".npz") for path in paths)
    assert case_path(tmp_path, "folder", "a b").name == "a%20b.npz"


def test_a_shard_says_what_it_is_of(tmp_path):
    about = {"dataset": "folder", "case": "肝" * 100}
    MaskShard([{"slice": 0}], [np.eye(3, dtype=bool)], about).save(tmp_path / "a.npz")
    assert MaskShard.load(tmp_path / "a.npz", about).about == about
    with pytest.raises(RunError, match=r"is of .*delete it and resume"):
        MaskShard.load(tmp_path / "a.npz", about | {"case": "b"})


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[" * 100_000, b"\xff\xfe", b'{"config": 1}', b"[]", b'{"config": {"models": [1]}}']
)
def test_a_damaged_run_json_is_named(tmp_path, content):
    (tmp_path / "run.json").write_bytes(content)
    with pytest.raises(RunError, match=r"run\.json"):
        read_run(tmp_path)


def test_seconds_of_another_number_of_masks_are_refused(tmp_path):
    write_json(tmp_path / "a.seconds.json", [{"seconds_encode": 0.5, "seconds_decode": 1}])
    assert timings(tmp_path / "a.npz", 1) == [{"seconds_encode": 0.5, "seconds_decode": 1.0}]
    with pytest.raises(RunError, match="1 entries for 2 masks"):
        timings(tmp_path / "a.npz", 2)
