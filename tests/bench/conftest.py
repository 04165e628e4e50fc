"""Fake models and data in the registries, a folder to work in, and an untrained SegMoTE with two data sets."""

from pathlib import Path

import pytest
import torch

import adapters
from adapters.families.segmote import MINI, SegmoteSegmenter
from bench.miniworld.phantoms.medseg_hq import write_medseg_hq
from bench.studies.questions import DataSet, PromptedSlice, all_asked, data_sets
from tests.helpers import fakes
from tests.helpers.networks import network_of


@pytest.fixture
def registered(monkeypatch):
    """The fakes stand in the registries, never asked before."""
    fakes.register(monkeypatch)


@pytest.fixture(scope="module")
def registered_throughout():
    """The fakes stand in the registries while the tests of one file run."""
    with pytest.MonkeyPatch.context() as patch:
        fakes.register(patch)
        yield


@pytest.fixture
def without_figures(monkeypatch):
    """Runs end with their tables; figures, galleries and pages take seconds."""
    fakes.leave_out_figures(monkeypatch)


@pytest.fixture(scope="session")
def segmenter() -> SegmoteSegmenter:
    """An untrained SegMoTE of mini size."""
    return SegmoteSegmenter(adapters.card("segmote/mini"), network_of(MINI), torch.device("cpu"), "fp32")


@pytest.fixture(scope="session")
def two_data_sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two phantom data sets in the IMIS layout: PHANTOM_XRAY and PHANTOM_DERMOSCOPY."""
    root = tmp_path_factory.mktemp("two-data-sets")
    with pytest.MonkeyPatch.context() as patch:
        codes = {"PHANTOM_XRAY": "X-ray", "PHANTOM_DERMOSCOPY": "dermoscopy"}
        patch.setattr("bench.miniworld.phantoms.medseg_hq.CODES", codes)
        write_medseg_hq(root, seed=0, images=24)
    return root


@pytest.fixture(scope="session")
def slices(two_data_sets: Path) -> list[tuple[DataSet, PromptedSlice]]:
    """The slices of their test lists, with a box for each target."""
    return list(all_asked(data_sets(["imis"], two_data_sets), "box", "bench", 0, []))


@pytest.fixture
def working_folder(registered, without_figures, monkeypatch, tmp_path):
    """An empty folder to work in, with a data folder; the fakes stand in the registries."""
    monkeypatch.chdir(tmp_path)
    for name in ("BENCH_DATA", "BENCH_WEIGHTS"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "data").mkdir()
