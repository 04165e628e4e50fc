"""The catalogue: what stands in it, and where its files lie."""

import re
from dataclasses import replace
from pathlib import Path

import pooch
import pytest
import xxhash

from adapters import MissingWeights
from adapters.weights import catalogue
from adapters.weights.catalogue import CATALOGUE, Status
from adapters.weights.entries import ENTRIES, Entry
from tests.helpers.weights_server import CONTENT


def test_status(entry: Entry, tmp_path: Path) -> None:
    path = tmp_path / entry.file
    assert catalogue.status(entry, tmp_path) is Status.MISSING
    path.write_bytes(CONTENT)
    assert catalogue.status(entry, tmp_path) is Status.PRESENT
    assert catalogue.status(replace(entry, sha256=None), tmp_path) is Status.UNVERIFIED
    other = replace(entry, sha256=None, xxh128=xxhash.xxh128_hexdigest(CONTENT))
    assert catalogue.status(other, tmp_path) is Status.PRESENT
    assert catalogue.status(replace(other, xxh128="0" * 32), tmp_path) is Status.DIFFERS
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
        assert entry.xxh128 is None or re.fullmatch("[0-9a-f]{32}", entry.xxh128)
        assert entry.url is None or entry.xxh128 or entry.url.endswith(f"/{entry.file}")
        assert entry.url is None or entry.sha256 or entry.xxh128 or re.search("/resolve/[0-9a-f]{40}/", entry.url)


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
