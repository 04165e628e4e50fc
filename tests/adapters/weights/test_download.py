"""Downloads that are cut, wrong, too long, or refused."""

import errno
import io
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pooch
import pytest
import xxhash

from adapters.weights import catalogue, download
from adapters.weights.catalogue import CATALOGUE, Status
from adapters.weights.download import DownloadError
from adapters.weights.entries import Entry
from tests.helpers.weights_server import CONTENT, Behaviour


def part_of(entry: Entry, folder: Path) -> Path:
    return folder / f".segmote-bench-{entry.file}.part"


def assert_complete(entry: Entry, folder: Path) -> None:
    assert (folder / entry.file).read_bytes() == CONTENT
    assert not part_of(entry, folder).exists()
    assert catalogue.status(entry, folder) is Status.PRESENT


def test_download_reports_progress(entry: Entry, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    path = catalogue.download(entry, tmp_path / "new", lambda done, total: seen.append((done, total)))
    assert path == tmp_path / "new" / entry.file
    assert_complete(entry, tmp_path / "new")
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_a_file_that_is_right_is_left_alone(entry: Entry, tmp_path: Path, behaviour: Behaviour) -> None:
    (tmp_path / entry.file).write_bytes(CONTENT)
    catalogue.download(entry, tmp_path)
    assert behaviour.asked == []


def test_a_file_that_is_wrong_is_replaced(entry: Entry, tmp_path: Path) -> None:
    (tmp_path / entry.file).write_bytes(b"wrong")
    catalogue.download(entry, tmp_path)
    assert_complete(entry, tmp_path)


def test_a_partial_file_is_completed(entry: Entry, tmp_path: Path, behaviour: Behaviour) -> None:
    part_of(entry, tmp_path).write_bytes(CONTENT[:1000])
    seen: list[int] = []
    catalogue.download(entry, tmp_path, lambda done, total: seen.append(done))
    assert_complete(entry, tmp_path)
    assert behaviour.asked == ["bytes=1000-"]
    assert min(seen) > 1000


def test_a_cut_line_is_taken_up_again(entry: Entry, tmp_path: Path, behaviour: Behaviour) -> None:
    behaviour.cut_after = [300_000, 200_000]
    catalogue.download(entry, tmp_path)
    assert_complete(entry, tmp_path)
    assert behaviour.asked[0] is None
    assert len(behaviour.asked) == 3
    starts = [int(re.findall(r"\d+", asked)[0]) for asked in behaviour.asked[1:] if asked]
    assert 0 < starts[0] < starts[1]


def test_a_line_that_is_cut_for_good_keeps_what_arrived(entry: Entry, tmp_path: Path, behaviour: Behaviour) -> None:
    behaviour.cut_after = [50_000] * download.ATTEMPTS
    with pytest.raises(
        DownloadError, match=r"gave up after 5 attempts.*are kept in .*run the same command again"
    ) as caught:
        catalogue.download(entry, tmp_path)
    kept = part_of(entry, tmp_path).read_bytes()
    assert f"{len(kept)} bytes" in str(caught.value)
    assert kept == CONTENT[: len(kept)] != b""
    assert not (tmp_path / entry.file).exists()
    catalogue.download(entry, tmp_path)
    assert_complete(entry, tmp_path)


def test_a_server_without_ranges_starts_again(entry: Entry, tmp_path: Path, behaviour: Behaviour) -> None:
    behaviour.ranges = False
    part_of(entry, tmp_path).write_bytes(CONTENT[:1000])
    catalogue.download(entry, tmp_path)
    assert_complete(entry, tmp_path)


def test_a_partial_file_that_is_already_whole(entry: Entry, tmp_path: Path) -> None:
    part_of(entry, tmp_path).write_bytes(CONTENT)
    catalogue.download(entry, tmp_path)
    assert_complete(entry, tmp_path)


def test_a_partial_file_that_is_too_long_is_dropped(entry: Entry, tmp_path: Path) -> None:
    part_of(entry, tmp_path).write_bytes(CONTENT + b"more")
    catalogue.download(entry, tmp_path)
    assert_complete(entry, tmp_path)


def test_a_wrong_checksum_discards_the_file(entry: Entry, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="expected 0000"):
        catalogue.download(replace(entry, sha256="0" * 64), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_busy_server_is_asked_again(entry: Entry, tmp_path: Path, behaviour: Behaviour) -> None:
    behaviour.statuses = [503, 500]
    catalogue.download(entry, tmp_path)
    assert_complete(entry, tmp_path)


def test_a_file_that_is_gone_is_asked_for_once(entry: Entry, tmp_path: Path, behaviour: Behaviour) -> None:
    behaviour.statuses = [404]
    with pytest.raises(DownloadError, match=f"{urlsplit(entry.url).path}: server answered 404"):
        catalogue.download(entry, tmp_path)
    assert behaviour.asked == [None]


def test_a_server_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "PAUSE_SECONDS", 0.0)
    with pytest.raises(DownloadError, match="gave up after 5 attempts"):
        download.fetch("http://127.0.0.1:9/weights.pth", tmp_path / "file", None)


def test_a_full_disk(entry: Entry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class FullDisk(io.BytesIO):
        def write(self, block: Any) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "open", lambda path, mode: FullDisk())
    with pytest.raises(DownloadError, match=r"disk full while writing .*\.part; free some space"):
        download.fetch(entry.url, tmp_path / entry.file, entry.sha256)


def test_a_folder_that_cannot_be_made(entry: Entry, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DownloadError, match="cannot write"):
        catalogue.download(entry, tmp_path / "file" / "folder")


def test_pooch_cannot_resume() -> None:
    """The reason for a downloader of our own."""
    assert "Range" not in Path(pooch.downloaders.__file__).read_text()


def test_a_file_for_people_only(tmp_path: Path) -> None:
    entry = CATALOGUE["medsam/vit_b"]
    with pytest.raises(DownloadError, match=r"by hand from https://drive\.google\.com") as caught:
        catalogue.download(entry, tmp_path)
    assert str(tmp_path / entry.file) in str(caught.value)


def test_a_checksum_of_the_authors_own_kind_is_verified(entry: Entry, tmp_path: Path) -> None:
    other = replace(entry, sha256=None, xxh128="0" * 32)
    with pytest.raises(DownloadError, match=r"xxh128 is [0-9a-f]{32}, expected 0{32}; the file was discarded"):
        catalogue.download(other, tmp_path)
    assert not list(tmp_path.iterdir())
    found = replace(other, xxh128=xxhash.xxh128_hexdigest(CONTENT))
    assert catalogue.download(found, tmp_path).read_bytes() == CONTENT
