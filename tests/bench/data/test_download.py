"""Open data sets from a server of the test: resumed, verified, unpacked inside their folder."""

import hashlib
import io
import threading
import zipfile
from http.server import ThreadingHTTPServer

import pytest

from adapters.weights import download as files
from adapters.weights.download import DownloadError, fetch
from bench.data import datasets
from bench.data.download import ARCHIVES, DataArchive, download, unpack
from tests.helpers.command_line import bench, one_line
from tests.helpers.weights_server import Behaviour, Handler

CONTENT = bytes(range(256)) * 400


def zipped(*names, link=False):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            member = zipfile.ZipInfo(name)
            member.external_attr = (0o120777 if link else 0o100644) << 16
            archive.writestr(member, CONTENT)
    return buffer.getvalue()


@pytest.fixture
def behaviour():
    return Behaviour()


@pytest.fixture
def archive(behaviour, monkeypatch):
    """A data set whose archive lies on a server of this test."""
    content = zipped("set/p1/GT.nii.gz", "__MACOSX/._set")
    monkeypatch.setattr(files, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(files, "BLOCK_BYTES", 10_000)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    handler = type("Bound", (Handler,), {"behaviour": behaviour, "content": content})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}/set.zip"
    yield DataArchive("segthor", "test", address, hashlib.sha256(content).hexdigest(), "none")
    server.shutdown()
    thread.join()
    server.server_close()


def test_is_fetched_resumed_and_unpacked_into_a_folder_of_its_name(archive, behaviour, tmp_path):
    behaviour.cut_after = [30_000]
    shown = []
    folder = download(archive, tmp_path / "data", lambda present, total: shown.append(present))
    assert folder == tmp_path / "data" / "segthor" and shown[-1] > 30_000
    assert (folder / "set/p1/GT.nii.gz").read_bytes() == CONTENT
    assert behaviour.asked == [None, "bytes=30000-"]
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["segthor"]
    assert [path.name for path in folder.iterdir()] == ["set"]
    download(archive, tmp_path / "data")
    assert len(behaviour.asked) == 2


def test_another_file_under_the_same_address_is_refused(archive, tmp_path):
    wrong = DataArchive("segthor", "test", archive.url, "0" * 64, "none")
    with pytest.raises(DownloadError, match="expected 0000"):
        download(wrong, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["../out.txt", "set/../../out.txt", "/out.txt", "C:/out.txt", "..\\out.txt"])
def test_members_that_lead_out_are_refused_before_anything_is_written(tmp_path, name):
    (tmp_path / "a.zip").write_bytes(zipped("fine.txt", name))
    (tmp_path / "in").mkdir()
    with pytest.raises(DownloadError, match="leads out of the archive"):
        unpack(tmp_path / "a.zip", tmp_path / "in")
    assert not list((tmp_path / "in").iterdir()) and len(list(tmp_path.iterdir())) == 2


def test_links_and_damaged_archives_are_refused(tmp_path):
    (tmp_path / "a.zip").write_bytes(zipped("link", link=True))
    with pytest.raises(DownloadError, match="leads out"):
        unpack(tmp_path / "a.zip", tmp_path)
    (tmp_path / "a.zip").write_bytes(zipped("a")[:-30])
    with pytest.raises(DownloadError, match="cannot be unpacked"):
        unpack(tmp_path / "a.zip", tmp_path)


def test_what_does_not_fit_is_not_begun(tmp_path, monkeypatch):
    (tmp_path / "a.zip").write_bytes(zipped("a"))
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 10}))
    with pytest.raises(DownloadError, match="10 are free"):
        unpack(tmp_path / "a.zip", tmp_path)


@pytest.mark.parametrize("url", ["http://example.org/a.zip", "ftp://127.0.0.1/a.zip", "file:///etc/passwd"])
def test_only_https_leaves_this_machine(tmp_path, url):
    with pytest.raises(DownloadError, match="https only"):
        fetch(url, tmp_path / "a.zip", None)


def test_every_archive_is_of_a_known_data_set():
    for name, archive in ARCHIVES.items():
        assert datasets.load(name).name == archive.dataset == name
        assert archive.url.startswith("https://") and len(archive.sha256) == 64 and archive.file.endswith(".zip")


def test_the_command(archive, capsys, monkeypatch, tmp_path):
    monkeypatch.setitem(ARCHIVES, "segthor", archive)
    monkeypatch.delenv("BENCH_DATA", raising=False)
    code, out, _ = bench(capsys, "download", "data", "segthor", "--data", tmp_path)
    assert code == 0 and out.splitlines() == ["segthor, test: none", str(tmp_path / "segthor")]
    for arguments in (("data", "segthor"), ("data", "none", "--data", tmp_path), ("data", "--data", tmp_path)):
        code, _, err = bench(capsys, "download", *arguments)
        assert code == 2 and "these can be fetched: isles2022" in one_line(err)
