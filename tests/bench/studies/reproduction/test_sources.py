"""The phantom sources are drawn once, as a whole."""

from pathlib import Path

import pytest

from bench.studies.reproduction import sources


def test_they_are_written_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def draw(root: Path, *chosen: int) -> None:
        asked.append(chosen)
        (root / "phantom").write_text("drawn")

    monkeypatch.setattr(sources, "draw_sources", draw)
    for _ in range(2):
        sources.write_sources(tmp_path / "new/sources", 8, 2)
    assert asked == [(sources.SEED, 8, 2)]
    assert [path.name for path in (tmp_path / "new").rglob("*")] == ["sources", "phantom"]


def test_an_interrupted_drawing_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(root: Path, *chosen: int) -> None:
        (root / "half").touch()
        raise KeyboardInterrupt

    monkeypatch.setattr(sources, "draw_sources", stopped)
    with pytest.raises(KeyboardInterrupt):
        sources.write_sources(tmp_path / "sources", 8, 2)
    assert list(tmp_path.iterdir()) == []
