"""The training set in the layout of MedSeg-HQ."""

import json
import re

import numpy as np
import pytest
from scipy import sparse

from bench.data import datasets
from bench.data.case import Item
from bench.miniworld.phantoms import write_medseg_hq
from bench.miniworld.phantoms.medical import CLASSES
from bench.miniworld.phantoms.medseg_hq import CODES


@pytest.fixture(scope="module")
def medseg_hq(tmp_path_factory):
    folder = tmp_path_factory.mktemp("medseg-hq")
    write_medseg_hq(folder, images=12)
    return folder


@pytest.mark.parametrize("code", CODES)
def test_medseg_hq_is_read_by_the_imis_reader(medseg_hq, code):
    imis = datasets.load("imis")
    items = imis.index(medseg_hq / code)
    assert len(items) == 12
    assert all(isinstance(item, Item) for item in items)
    patients = {
        split: {item.patient for item in items if item.details["split"] == split} for split in ("train", "test")
    }
    assert len(patients["train"]) == 5
    assert len(patients["test"]) == 1
    assert not patients["train"] & patients["test"]
    case = imis.read(items[0])
    assert set(case.masks) <= set(CLASSES[CODES[code]])


def test_medseg_hq_labels_keep_the_stated_format(medseg_hq):
    listed = json.loads((medseg_hq / "PHANTOM_CT" / "dataset.json").read_text())
    item = listed["training"][0]
    shape = tuple(int(side) for side in re.search(r"\(([^)]*)\)\.npz$", item["label"]).group(1).split(","))
    matrix = sparse.load_npz(medseg_hq / "PHANTOM_CT" / item["label"])
    assert set(item) == {"image", "label"}
    assert matrix.format == "csr"
    assert matrix.dtype == np.int32
    assert matrix.shape == (shape[0], shape[1] * shape[2])
    assert shape[0] == len(listed["labels"]) - 1
    assert listed["numTraining"] == len(listed["training"])


def test_medseg_hq_is_the_same_byte_for_byte(medseg_hq, tmp_path):
    write_medseg_hq(tmp_path, images=12)
    paths = [path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()]
    assert len(paths) == len(CODES) * (12 * 2 + 1)
    assert all((tmp_path / path).read_bytes() == (medseg_hq / path).read_bytes() for path in paths)


def test_too_few_images_for_a_test_list_are_refused(tmp_path):
    with pytest.raises(ValueError, match="at least 12"):
        write_medseg_hq(tmp_path, images=4)
