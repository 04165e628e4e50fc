from pathlib import Path

import pytest

from bench import protocols
from bench.data import catalogue
from bench.studies.curation import judging
from bench.studies.curation.judging import judge
from tests.helpers.curation import add, picture

PROTOCOL = protocols.load("segmote")


def test_only_changed_and_damaged_cases_are_judged_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, kept = tmp_path / "data", tmp_path / "kept"
    for number in range(4):
        add(data, f"P{number}", *picture(number))
    (data / "images/P3.png").write_bytes(b"no picture")
    items, _ = catalogue.index("folder", data, None)
    rows, defects = judge(items, PROTOCOL, kept, 1, "local", "judge")
    assert (rows["case"].tolist(), [one.case for one in defects]) == (["P0", "P1", "P2"], ["P3"])

    again: list[str] = []
    original = judging.scan
    monkeypatch.setattr(judging, "scan", lambda item, protocol: again.append(item.case) or original(item, protocol))
    damaged = next(path for path in kept.iterdir() if '"P1"' in path.read_text())
    damaged.write_bytes(damaged.read_bytes()[:50])
    add(data, "P2", *picture(77))
    changed, _ = judge(items, PROTOCOL, kept, 1, "local", "judge")
    assert again == ["P1", "P2"]
    assert changed["pixels_sha256"][0] == rows["pixels_sha256"][0]
    assert changed["pixels_sha256"][2] != rows["pixels_sha256"][2]
