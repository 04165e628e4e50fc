import json
import re
from ast import literal_eval
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy import sparse

from bench import protocols
from bench.data import catalogue
from bench.data.case import Item
from bench.data.curation.scan import scan
from bench.studies.curation import imis_folders
from bench.studies.curation.imis_folders import export, safe_name
from tests.helpers.layouts import corner, nnunet

PROTOCOL = protocols.load("segmote")


@pytest.fixture
def source(tmp_path: Path) -> tuple[list[Item], pd.DataFrame]:
    """A volume of two organs in three slices; of the second organ only one slice is chosen."""
    label = corner()
    label[4:, 4:, 1:4] = 2
    nnunet(tmp_path / "data", {"background": 0, "liver": 1, "spleen": 2}, label=label)
    items, _ = catalogue.index("nnunet", tmp_path / "data", None)
    rows = pd.DataFrame(scan(items[0], PROTOCOL).rows)
    chosen = rows[rows["slice"] < 3].assign(split=["train", "train", "train"])
    return items, chosen


def test_the_layout_is_read_as_the_released_code_reads_it(
    source: tuple[list[Item], pd.DataFrame], tmp_path: Path
) -> None:
    items, chosen = source
    manifest = export(chosen, items, PROTOCOL, tmp_path / "set", tmp_path / "kept", 1, "local")
    folder = tmp_path / "set/nnunet"
    content = json.loads((folder / "dataset.json").read_text())
    assert content["labels"] == {"0": "background", "1": "liver", "2": "spleen"}
    assert (content["numTraining"], content["numTest"], len(content["training"])) == (2, 0, 2)
    first = content["training"][0]
    shape = literal_eval(first["label"].split(".")[-2])  # between the last two dots of the whole path, as released
    labels = sparse.load_npz(folder / first["label"]).toarray().reshape(shape)
    assert shape == (2, 7, 6, 1) and labels.dtype == np.int32
    assert labels.sum(axis=(1, 2, 3)).tolist() == [6, 6]
    with Image.open(folder / first["image"]) as picture:
        assert (picture.mode, picture.size) == ("RGB", (6, 7))
    regions = np.load(folder / first["imask"])
    assert regions.shape == (7, 6, 1)
    assert {int(number): int((regions == number).sum()) for number in np.unique(regions)} == {-1: 30, 0: 6, 1: 6}
    assert manifest["class_id"].tolist() == [1, 2, 2]
    assert not re.search(r"[^A-Za-z0-9_-]", Path(first["image"]).stem)


def test_a_damaged_file_is_written_again_and_a_whole_case_is_not(
    source: tuple[list[Item], pd.DataFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    items, chosen = source
    there = chosen, items, PROTOCOL, tmp_path / "set", tmp_path / "kept", 1, "local"
    manifest = export(*there)
    damaged = tmp_path / "set" / manifest["image"][0]
    sound = damaged.read_bytes()
    damaged.write_bytes(b"")
    pd.testing.assert_frame_equal(export(*there), manifest)
    assert damaged.read_bytes() == sound
    monkeypatch.setattr(imis_folders, "_write_case", None)
    pd.testing.assert_frame_equal(export(*there), manifest)


def test_names_that_differ_stay_different() -> None:
    names = ["a b", "a-b", "a/b", "a.b", "x" * 300, "x" * 301]
    assert len({safe_name(name) for name in names}) == len(names)
    assert max(map(len, map(safe_name, names))) < 120
