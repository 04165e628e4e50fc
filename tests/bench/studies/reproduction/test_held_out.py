"""Held-out patients as data sets of their own."""

from pathlib import Path

import pandas as pd
import pytest

from bench.data import catalogue
from bench.errors import RunError
from bench.miniworld.phantoms import medseg_hq
from bench.store.files import read_json, write_json
from bench.studies.curation.curate import MANIFEST
from bench.studies.reproduction.held_out import held_out, origins


@pytest.fixture
def curated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(medseg_hq, "CODES", {"XRAY": "X-ray"})
    medseg_hq.write_medseg_hq(tmp_path / "curated", images=12)
    return tmp_path / "curated"


def test_only_the_test_lists_are_there(curated: Path, tmp_path: Path) -> None:
    for _ in range(2):  # a second time changes nothing
        assert held_out(curated, tmp_path / "out") == ("imis:XRAY",)
        items, defects = catalogue.index("imis:XRAY", tmp_path / "out", None)
        assert {item.patient for item in items} == {"XRAY_006"} and len(items) == 2 and not defects
        assert {item.details["split"] for item in items} == {"test"}
        assert catalogue.read(items[0]).masks
    listed = read_json(curated / "XRAY/dataset.json")["test"][0]["image"]
    assert (tmp_path / "out/XRAY" / listed).samefile(curated / "XRAY" / listed), "a link, not a copy"


def test_nobody_held_out_is_an_error(curated: Path, tmp_path: Path) -> None:
    content = read_json(curated / "XRAY/dataset.json")
    write_json(curated / "XRAY/dataset.json", content | {"test": []})
    with pytest.raises(RunError, match=r"no patient of .* is held out"):
        held_out(curated, tmp_path / "out")


def test_a_folder_is_known_by_its_source(tmp_path: Path) -> None:
    rows = {"folder": ["imis-X-1", "imis-X-1", "btcv"], "dataset": ["imis:X", "imis:X", "btcv"]}
    pd.DataFrame(rows).to_parquet(tmp_path / MANIFEST)
    assert origins(tmp_path) == {"imis:imis-X-1": "imis:X", "imis:btcv": "btcv"}
