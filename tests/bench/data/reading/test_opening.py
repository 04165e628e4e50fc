import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from bench.data.case import DataError
from bench.data.check import check
from bench.data.reading.opening import is_file, only_below, place, read_bytes, read_json, require_plausible
from tests.helpers import layouts
from tests.helpers.time_limit import timed


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.nii.gz")
    (tmp_path / "zero").symlink_to("/dev/zero")
    for name, kind in (("x.nii.gz", "a pipe"), ("zero", "a device"), (".", "a folder")):
        with timed(), pytest.raises(DataError, match=f"not a regular file, but {kind}"):
            read_bytes(tmp_path / name, most=2**20)


def test_links_out_of_the_data_folder_are_refused_by_name_unless_followed(tmp_path: Path) -> None:
    data, outside = tmp_path / "data", tmp_path / "x.json"
    data.mkdir()
    outside.write_text("1")
    (data / "inside.json").write_text("2")
    (data / "out").symlink_to(outside)
    (data / "in").symlink_to(data / "inside.json")
    with only_below(data):
        assert read_bytes(data / "in") == b"2"
        for path in (data / "out", data / "../x.json", outside):
            with pytest.raises(DataError, match=r"leads out of the data folder, to .*x\.json;.*--follow-links"):
                read_bytes(path)
        with only_below(data, follow_links=True):
            assert read_bytes(data / "out") == b"1"
        with pytest.raises(DataError, match="leads out"):
            read_bytes(data / "out")
    assert read_bytes(data / "out") == b"1"


def test_links_in_a_circle_and_impossible_names_are_no_files(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    for path in (tmp_path / "a", tmp_path / ("x" * 5000), tmp_path / "nul\0"):
        assert not is_file(path)
        with only_below(tmp_path), pytest.raises(DataError, match=r"cannot be read \("):
            read_bytes(path)


@pytest.mark.parametrize(
    ("name", "build", "optional"),
    [
        ("folder", lambda root: layouts.folder(root, layouts.square()), "labels.json"),
        ("sam-med2d", layouts.sam_med2d, "image2label_test.json"),
        (
            "totalsegmentator-mri",
            lambda root: layouts.totalsegmentator(root, "s1", "mri", {"liver": layouts.corner()}),
            "meta.csv",
        ),
    ],
)
@pytest.mark.parametrize("kind", ["pipe", "folder", "link that leads nowhere"])
def test_an_optional_file_that_is_none_is_refused_and_not_passed_over(
    tmp_path: Path, name: str, build: Callable[[Path], object], optional: str, kind: str
) -> None:
    build(tmp_path)
    path = tmp_path / optional
    {"pipe": os.mkfifo, "folder": os.mkdir, "link that leads nowhere": partial(os.symlink, "nowhere")}[kind](path)
    with timed():
        report = check(name, tmp_path)
    assert not report.cases and report.failed == 1
    assert optional in report.defects[0].reason


def test_large_files_are_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "labels.json").open("wb") as file:
        file.truncate(2**29)
    with pytest.raises(DataError, match="536,870,912 bytes; at most 268,435,456 are read"):
        read_json(tmp_path / "labels.json")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "Expecting property name"),
        ("[" * 100_000 + "]" * 100_000, "nested too deeply"),
        ('{"liver": Infinity}', "Infinity is no number of JSON"),
        ('{"kidney": 1, "kidney": 2}', "the name 'kidney' is given twice"),
        (json.dumps({"\ud800": 1}), "surrogates not allowed"),
        (json.dumps(["\udfff"]), "surrogates not allowed"),
    ],
)
def test_json_that_is_none_fails_with_the_reason(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "labels.json").write_text(text)
    with pytest.raises(DataError, match=rf"labels\.json: not valid JSON \(.*{reason}"):
        read_json(tmp_path / "labels.json")


def test_whole_characters_beyond_16_bits_are_read(tmp_path: Path) -> None:
    (tmp_path / "labels.json").write_text(json.dumps({"\U0001fac0": 1}))
    assert read_json(tmp_path / "labels.json") == {"\U0001fac0": 1}


def test_places_are_safe_to_print() -> None:
    assert place(Path("a\x1b[31m/b\n\udcff.png")) == "a\\x1b[31m/b\\n\\udcff.png"


def test_a_header_may_ask_for_what_deflate_can_hold() -> None:
    require_plausible(Path("a/b.nii.gz"), 1032 * 50, 50)
    with pytest.raises(DataError, match=r"a/b\.nii\.gz: cannot be read \(its header asks for 51,601 bytes"):
        require_plausible(Path("a/b.nii.gz"), 1032 * 50 + 1, 50)
    with pytest.raises(DataError, match="at most 4,294,967,296 are read"):
        require_plausible(Path("a/b.nii.gz"), 2**33, 2**33)
