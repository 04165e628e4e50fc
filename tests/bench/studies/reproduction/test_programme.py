"""What a reproduction has, and what it lacks, by name."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench.errors import RunError
from bench.miniworld.phantoms.sources.twelve import draw_sources
from bench.studies.reproduction import programme as of
from bench.studies.reproduction.programme import MissingInputError, Programme
from tests.helpers import curation


@pytest.fixture
def real(tmp_path: Path) -> Programme:
    (tmp_path / "data").mkdir()
    return Programme(tmp_path / "out", tmp_path / "data", tmp_path / "weights")


def test_a_folder_belongs_to_one_programme(tmp_path: Path) -> None:
    mine = Programme(tmp_path / "out")
    of.claim(mine)
    of.claim(replace(mine, jobs=1))  # which changes no result
    with pytest.raises(RunError, match="other quick"):
        of.claim(replace(mine, quick=True))
    with pytest.raises(RunError, match="other data"):
        of.claim(replace(mine, data=tmp_path))


def test_the_mini_world_lacks_nothing(tmp_path: Path) -> None:
    mini = Programme(tmp_path)
    assert of.missing_models(mini) == of.missing_zero_shot(mini) == ()
    assert of.models(mini)[-7:] == of.MINIS and mini.base().is_file()
    assert "Mini weights on phantom data" in mini.text() and "mean nothing" not in mini.text()
    assert "mean nothing" in replace(mini, quick=True).text()


def test_the_mini_world_has_the_papers_sources(tmp_path: Path) -> None:
    mini = Programme(tmp_path / "out")
    draw_sources(mini.sources, 0, 1, 2)
    assert of.source_names(mini) == tuple(of.PAPER_SOURCES.values()) and of.missing_sources(mini) == ()
    assert [of.title_of(name) for name in of.source_names(mini)] == list(of.PAPER_SOURCES)


def test_without_pydicom_chaos_is_missing_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydicom", None)
    mini = Programme(tmp_path / "out")
    draw_sources(mini.sources, 0, 1, 2)
    assert of.source_names(mini) == tuple(of.PAPER_SOURCES.values())[2:]
    first, second = of.missing_sources(mini)
    assert first.startswith("CHAOS (T1) (") and second.startswith("CHAOS (T2) (")
    assert "pip install 'segmote-bench[dicom]'" in first


def test_an_empty_folder_lacks_everything(real: Programme) -> None:
    assert of.missing_sources(real) == tuple(of.PAPER_SOURCES) and len(of.PAPER_SOURCES) == 12
    assert of.missing_zero_shot(real) == ("isles2022", "segthor", "totalsegmentator-mri")
    assert set(of.missing_models(real)) == set(of.PAPER_MODELS) and len(of.PAPER_MODELS) == 7
    assert any("medsam_vit_b.pth from https" in text for text in of.missing_weights(real))
    for ask in (of.source_names, of.zero_shot_names, of.models, Programme.base):
        with pytest.raises(MissingInputError, match=r"data: |weights: "):
            ask(real)


def test_what_is_there_is_used(real: Programme) -> None:
    curation.add(real.sources / "hospital", "P1_1", *curation.picture(1))
    assert of.source_names(real) == ("folder",)
    assert real.weights is not None
    real.weights.mkdir()
    (real.weights / "sam_vit_b_01ec64.pth").write_bytes(b"")
    assert of.models(real)[-1] == "sam/vit_b" and "sam/vit_b" not in of.missing_models(real)
