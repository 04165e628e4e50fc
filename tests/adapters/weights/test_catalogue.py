"""The catalogue, fetching over a bad line, and strict loading."""

import errno
import hashlib
import io
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pooch
import pytest
import torch
from safetensors.torch import save_file

import adapters
from adapters import MissingWeights
from adapters.weights import catalogue, checkpoint, download
from adapters.weights.catalogue import CATALOGUE, ENTRIES, Entry, Status
from adapters.weights.download import DownloadError

CONTENT = bytes(range(256)) * 4000


@dataclass
class Behaviour:
    """What the server does wrong, and what it was asked."""

    ranges: bool = True
    cut_after: list[int] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    asked: list[str | None] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    behaviour: Behaviour

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.behaviour.asked.append(asked)
        if self.behaviour.statuses:
            return self.send_error(self.behaviour.statuses.pop(0))
        start = int(re.findall(r"\d+", asked)[0]) if asked and self.behaviour.ranges else 0
        if start >= len(CONTENT):
            return self.send_empty(416, f"bytes */{len(CONTENT)}")
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
        self.end_headers()
        stop = start + self.behaviour.cut_after.pop(0) if self.behaviour.cut_after else None
        self.wfile.write(CONTENT[start:stop])

    def send_empty(self, status: int, content_range: str) -> None:
        self.send_response(status)
        self.send_header("Content-Range", content_range)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def behaviour() -> Behaviour:
    return Behaviour()


@pytest.fixture
def entry(behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch) -> Iterator[Entry]:
    """A catalogue entry whose address is a server of this test."""
    monkeypatch.setattr(download, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(download, "BLOCK_BYTES", 10_000)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"behaviour": behaviour}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield replace(
        CATALOGUE["sam/vit_b"],
        url=f"http://127.0.0.1:{server.server_port}/weights.pth",
        bytes=len(CONTENT),
        sha256=hashlib.sha256(CONTENT).hexdigest(),
    )
    server.shutdown()
    server.server_close()
    thread.join()


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
    with pytest.raises(DownloadError, match=r"gave up after 5 attempts.*are kept in .*run again") as caught:
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


def test_status(entry: Entry, tmp_path: Path) -> None:
    path = tmp_path / entry.file
    assert catalogue.status(entry, tmp_path) is Status.MISSING
    path.write_bytes(CONTENT)
    assert catalogue.status(entry, tmp_path) is Status.PRESENT
    assert catalogue.status(replace(entry, sha256=None), tmp_path) is Status.UNVERIFIED
    path.write_bytes(CONTENT[:-1] + b"x")
    assert catalogue.status(entry, tmp_path) is Status.DIFFERS
    path.write_bytes(CONTENT[:-1])
    assert catalogue.status(entry, tmp_path) is Status.DIFFERS


def test_the_catalogue_is_sound() -> None:
    assert len(CATALOGUE) == len(ENTRIES) == len({entry.file for entry in ENTRIES})
    for entry in ENTRIES:
        assert entry.sha256 is None or re.fullmatch("[0-9a-f]{64}", entry.sha256)
        assert entry.md5 is None or re.fullmatch("[0-9a-f]{32}", entry.md5)
        assert entry.page.startswith("https://")
        assert entry.url is None or (entry.url.endswith(f"/{entry.file}") and entry.sha256)


def test_sam_names_begin_with_their_md5() -> None:
    for variant in ("vit_b", "vit_l", "vit_h"):
        entry = CATALOGUE[f"sam/{variant}"]
        assert entry.md5 and entry.md5[:6] in entry.file


def test_weights_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BENCH_WEIGHTS", raising=False)
    assert catalogue.weights_dir() == Path(pooch.os_cache("segmote-bench")) / "weights"
    monkeypatch.setenv("BENCH_WEIGHTS", str(tmp_path / "set"))
    assert catalogue.weights_dir() == tmp_path / "set"
    assert catalogue.weights_dir(tmp_path) == tmp_path


def test_locate(tmp_path: Path) -> None:
    file = tmp_path / CATALOGUE["sam/vit_b"].file
    file.touch()
    assert catalogue.locate("sam/vit_b", tmp_path) == file
    assert catalogue.locate("sam/vit_h", file) == file
    with pytest.raises(MissingWeights, match="bench download sam/vit_h"):
        catalogue.locate("sam/vit_h", tmp_path)


def test_a_folder_that_is_not_there_yet_is_no_file(tmp_path: Path) -> None:
    folder = tmp_path / "not-yet"
    assert catalogue.locate("sam/mini", folder).parent == catalogue.MINI_FOLDER
    with pytest.raises(MissingWeights, match=r"not-yet/sam_vit_b_01ec64\.pth; get sam_vit_b_01ec64\.pth with"):
        catalogue.locate("sam/vit_b", folder)
    with pytest.raises(MissingWeights, match=r"mine\.safetensors"):
        catalogue.locate("sam/mini", tmp_path / "mine.safetensors")


# Loading


def network() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Linear(3, 1))


def filled(path: Path) -> dict[str, torch.Tensor]:
    other = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Linear(3, 1))
    checkpoint.fill(other, path)
    return other.state_dict()


def assert_loaded(path: Path) -> None:
    for key, value in network().state_dict().items():
        torch.testing.assert_close(filled(path)[key], value, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("wrapped", [False, True])
def test_bare_wrapped_and_training_files_load(tmp_path: Path, prefix: str, wrapped: bool) -> None:
    net = network()
    state: dict[str, Any] = {prefix + key: value for key, value in net.state_dict().items()}
    optimizer = torch.optim.AdamW(net.parameters()).state_dict()
    content = {"model": state, "optimizer": optimizer, "epoch": 3} if wrapped else state
    torch.save(content, tmp_path / "weights.pth")
    assert_loaded(tmp_path / "weights.pth")


def test_half_precision_safetensors_load_as_float32(tmp_path: Path) -> None:
    save_file({key: value.half() for key, value in network().state_dict().items()}, tmp_path / "w.safetensors")
    assert_loaded(tmp_path / "w.safetensors")
    assert all(value.dtype == torch.float32 for value in filled(tmp_path / "w.safetensors").values())


def test_every_kind_of_wrong_key_is_named(tmp_path: Path) -> None:
    state = network().state_dict()
    state["extra.weight"] = state.pop("0.bias")
    state["1.weight"] = torch.zeros(1, 4)
    torch.save(state, tmp_path / "weights.pth")
    with pytest.raises(ValueError, match="does not fit") as caught:
        filled(tmp_path / "weights.pth")
    for part in ("1 missing: 0.bias", "1 unexpected: extra.weight", "1 wrong shape: 1.weight (1, 4) for (1, 3)"):
        assert part in str(caught.value)


def test_long_lists_of_keys_are_shortened(tmp_path: Path) -> None:
    torch.save({f"key{n}": torch.zeros(1) for n in range(100)}, tmp_path / "weights.pth")
    with pytest.raises(ValueError, match=r"100 unexpected: key0, .* and 95 more"):
        filled(tmp_path / "weights.pth")


def test_a_file_that_needs_unpickling_is_refused(tmp_path: Path) -> None:
    content = {"model": network().state_dict(), "optimizer": torch.optim.Adam(network().parameters())}
    torch.save(content, tmp_path / "weights.pth")
    with pytest.raises(ValueError, match=r"weights\.pth holds more than plain tensors.*refused"):
        filled(tmp_path / "weights.pth")


@pytest.mark.parametrize("name", ["weights.pth", "weights.safetensors"])
@pytest.mark.parametrize("content", [b"", b"<html>Google Drive</html>", b"PK\x03\x04 cut off"])
def test_a_damaged_file_is_named(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=name.replace(".", r"\.")):
        filled(tmp_path / name)


@pytest.mark.parametrize("content", [[1, 2], {"epoch": 3}, {"model": {"a": 1}}])
def test_a_file_without_a_state_dict(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "weights.pth")
    with pytest.raises(ValueError, match="no state dict"):
        filled(tmp_path / "weights.pth")


@pytest.mark.parametrize("name", ["sam/mini", "sam2/mini", "medsam/mini", "huang/mini"])
def test_load_takes_a_file(tmp_path: Path, name: str) -> None:
    state = adapters.load(name, weights="random").network.state_dict()
    torch.save({"model": state}, tmp_path / "mine.pt")
    loaded = adapters.load(name, weights=tmp_path / "mine.pt").network.state_dict()
    assert all(torch.equal(loaded[key], value) for key, value in state.items())


def test_load_does_not_mix_up_families(tmp_path: Path) -> None:
    torch.save(adapters.load("sam/mini", weights="random").network.state_dict(), tmp_path / "sam.pt")
    with pytest.raises(ValueError, match="does not fit this network"):
        adapters.load("sam2/mini", weights=tmp_path / "sam.pt")
