import errno
import os

import pytest

from bench.errors import RunError
from bench.store.files import temporary_folder, write_bytes, write_json


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
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "a.json", {"value": float("nan")})


def test_a_temporary_folder_begins_empty_and_is_gone_after_an_error(tmp_path):
    write_bytes(tmp_path / "t" / "of a killed process", b"")

    def filled():
        with temporary_folder(tmp_path / "t") as folder:
            assert list(folder.iterdir()) == []
            write_bytes(folder / "a", b"")
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        filled()
    assert not (tmp_path / "t").exists()


def test_a_temporary_folder_that_is_a_link_is_not_followed(tmp_path):
    write_bytes(tmp_path / "mine" / "scan", b"mine")
    (tmp_path / "t").symlink_to(tmp_path / "mine")
    with pytest.raises(RunError, match="is a link"), temporary_folder(tmp_path / "t"):
        pass
    assert (tmp_path / "mine" / "scan").read_bytes() == b"mine"
