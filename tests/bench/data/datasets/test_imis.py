import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from bench.data import catalogue
from bench.data.case import DataError, Defect, Item
from bench.data.check import check
from bench.data.datasets import load
from bench.data.slicing import samples
from bench.protocols import load as load_protocol
from segmote.training import data as training
from tests.helpers.layouts import cut, each_byte_changed, imis, picture, square, write_json, write_png

IMIS = load("imis")
IMIS_ITEM = {"image": "image/ABD_001_100.png", "label": "label/x___ABD_001_100.(2, 8, 10, 1).npz"}


def item(root: Path) -> Item:
    (entry,) = IMIS.index(root)
    assert isinstance(entry, Item), entry
    return entry


@pytest.mark.parametrize("named", [True, False])
def test_channels_become_classes_and_imask_is_not_needed(tmp_path: Path, named: bool) -> None:
    imis(tmp_path, named=named)
    found = item(tmp_path)
    assert (found.patient, found.case, found.modality) == ("ABD_001", "ABD_001_100", "CT")
    case = IMIS.read(found)
    assert case.masks.keys() == {"spleen"}
    np.testing.assert_array_equal(case.masks["spleen"], square() > 0)
    assert case.image.shape == (8, 10, 3)
    assert (case.is_volume, case.spacing_mm) == (False, (1, 1))


def test_splits_and_slices_of_one_patient(tmp_path: Path) -> None:
    imis(tmp_path, ("ABD_037_71", "ABD_001_64", "ABD_001_100"))
    found = [(entry.case, entry.patient, entry.details["split"]) for entry in IMIS.index(tmp_path)]
    assert found == [
        ("ABD_001_100", "ABD_001", "train"),
        ("ABD_001_64", "ABD_001", "train"),
        ("ABD_037_71", "ABD_037", "test"),
    ]


def test_orphans_are_skipped(tmp_path: Path) -> None:
    imis(tmp_path, ("ABD_001_1", "ABD_002_1", "ABD_003_1"))
    (tmp_path / "image/ABD_001_1.png").unlink()
    (tmp_path / "label/x___ABD_002_1.(2, 8, 10, 1).npz").unlink()
    write_png(tmp_path / "image/ABD_008_100.png", picture())
    defects = [entry for entry in IMIS.index(tmp_path) if isinstance(entry, Defect)]
    assert {defect.kind for defect in defects} == {"skipped"}
    assert [defect.reason.split(":")[1].strip()[:18] for defect in defects] == [
        "mask without image",
        "image without mask",
        "image without mask",
    ]
    assert [defect.case for defect in defects] == ["ABD_001_1", "ABD_002_1", "ABD_008_100"]


def test_a_listed_item_without_label_is_skipped(tmp_path: Path) -> None:
    imis(tmp_path)
    content = {"labels": {"1": "spleen"}, "test": [{"image": "image/ABD_001_100.png"}]}
    write_json(tmp_path / "dataset.json", content)
    (defect,) = IMIS.index(tmp_path)
    assert isinstance(defect, Defect) and "image without mask" in defect.reason


@pytest.mark.parametrize("text", ["{", "[]", '{"labels": {"one": "spleen"}}', '{"test": []}'])
def test_an_invalid_list_is_one_defect(tmp_path: Path, text: str) -> None:
    imis(tmp_path)
    (tmp_path / "dataset.json").write_text(text)
    _, (defect,) = catalogue.index("imis", tmp_path, None)
    assert defect.kind == "failed"
    assert "dataset.json: not" in defect.reason


def test_a_truncated_label_fails(tmp_path: Path) -> None:
    imis(tmp_path)
    cut(tmp_path / "label/x___ABD_001_100.(2, 8, 10, 1).npz")
    with pytest.raises(DataError, match=r"x___ABD_001_100\.\(2, 8, 10, 1\)\.npz: cannot be read"):
        IMIS.read(item(tmp_path))


def test_no_changed_byte_of_a_label_escapes_as_another_error(tmp_path: Path) -> None:
    imis(tmp_path)
    one, path = item(tmp_path), tmp_path / "label/x___ABD_001_100.(2, 8, 10, 1).npz"
    failed = 0
    for _ in each_byte_changed(path):
        try:
            IMIS.read(one)
        except DataError:
            failed += 1
    assert failed > path.stat().st_size // 4


def test_a_label_that_does_not_fit_the_image_fails(tmp_path: Path) -> None:
    imis(tmp_path)
    write_png(tmp_path / "image/ABD_001_100.png", picture((10, 8)))
    with pytest.raises(DataError, match=r"the image has \(10, 8\) pixels"):
        IMIS.read(item(tmp_path))


def test_a_label_of_empty_channels_is_skipped(tmp_path: Path) -> None:
    imis(tmp_path)
    empty = sparse.csr_matrix((2, 80), dtype=np.int32)
    sparse.save_npz(tmp_path / "label/x___ABD_001_100.(2, 8, 10, 1).npz", empty)
    with pytest.raises(DataError) as caught:
        IMIS.read(item(tmp_path))
    assert caught.value.kind == "skipped"


def test_a_channel_without_a_name_fails_with_its_id_and_count(tmp_path: Path) -> None:
    imis(tmp_path)
    content = {"labels": {"0": "background"}, "test": [IMIS_ITEM]}
    write_json(tmp_path / "dataset.json", content)
    with pytest.raises(DataError, match=r"npz: class id 1 has 6 pixels and no name; name it in the labels"):
        IMIS.read(item(tmp_path))


def two_patients(root: Path, *names: str) -> None:
    """Listed pictures of the same file name in a folder per patient."""
    imis(root, ())
    channels = sparse.csr_matrix(square(1).reshape(1, -1).astype(np.int32))
    listed = []
    for name in names:
        write_png(root / f"image/{name}.png", picture())
        (root / f"label/{name}").parent.mkdir(parents=True, exist_ok=True)
        sparse.save_npz(root / f"label/{name}.(1, 8, 10, 1).npz", channels)
        listed.append({"image": f"image/{name}.png", "label": f"label/{name}.(1, 8, 10, 1).npz"})
    write_json(root / "dataset.json", {"modality": {"0": "ct"}, "labels": {"1": "liver"}, "training": listed})


def test_a_case_is_its_path_below_the_images(tmp_path: Path) -> None:
    two_patients(tmp_path, "p1/001", "p2/001", "p2/002")
    assert list(IMIS.find(tmp_path)) == [tmp_path]
    found = [(entry.case, entry.patient) for entry in IMIS.index(tmp_path)]
    assert found == [("p1/001", "p1"), ("p2/001", "p2"), ("p2/002", "p2")]


def test_channels_of_one_name_are_one_class(tmp_path: Path) -> None:
    imis(tmp_path)
    both = np.stack([square(1), np.roll(square(1), 4, axis=0)]).reshape(2, -1).astype(np.int32)
    sparse.save_npz(tmp_path / IMIS_ITEM["label"], sparse.csr_matrix(both))
    write_json(tmp_path / "dataset.json", {"labels": {"1": "kidney", "2": "kidney"}, "test": [IMIS_ITEM]})
    assert {name: int(mask.sum()) for name, mask in IMIS.read(item(tmp_path)).masks.items()} == {"kidney": 12}


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"image": "/etc/x.png"}, "leads out of the data set"),
        ({"image": "../x.png"}, "leads out of the data set"),
        ({"image": "x" * 5000 + ".png"}, "without image"),
        ({"image": "nul\0.png"}, "is no name of a file"),
        ({"image": "image"}, "not a regular file, but a folder"),
        ({"image": "image/loop.png"}, "Symlink loop"),
        ({"image": "image/dangling.png"}, "cannot be read"),
        ({"image": 7}, "names no image and label"),
        ({"image": None}, "names no image and label"),
        ({"image": "a.png", "label": 7}, "names no image and label"),
        (None, "names no image and label"),
    ],
)
def test_an_impossible_entry_leaves_the_others(tmp_path: Path, entry: dict[str, Any] | None, reason: str) -> None:
    imis(tmp_path)
    (tmp_path / "image/loop.png").symlink_to("loop.png")
    (tmp_path / "image/dangling.png").symlink_to("nowhere.png")
    odd = entry and {"label": IMIS_ITEM["label"], **entry}
    write_json(tmp_path / "dataset.json", {"labels": {"1": "spleen"}, "test": [IMIS_ITEM, odd]})
    report = check("imis", tmp_path)
    assert report.cases == ("ABD_001_100",)
    assert sum(reason in defect.reason for defect in report.defects) == 1


def test_a_picture_that_is_listed_twice_fails(tmp_path: Path) -> None:
    imis(tmp_path)
    content = {"labels": {"1": "spleen"}, "training": [IMIS_ITEM], "test": [IMIS_ITEM]}
    write_json(tmp_path / "dataset.json", content)
    (defect,) = IMIS.index(tmp_path)
    assert isinstance(defect, Defect) and "listed 2 times" in defect.reason


def test_backslashes_separate_folders_and_letters_may_be_composed(tmp_path: Path) -> None:
    two_patients(tmp_path, "M\u00fcller/1")
    (tmp_path / "image/M\u00fcller").rename(tmp_path / "image/Mu\u0308ller")
    content = (tmp_path / "dataset.json").read_text().replace("/M", "\\\\M")
    (tmp_path / "dataset.json").write_text(content)
    assert item(tmp_path).case == "M\u00fcller/1"


def test_training_reads_what_evaluation_reads(tmp_path: Path) -> None:
    """16-bit pictures keep their tissues apart, and a label of another size is used by neither."""
    two_patients(tmp_path, "p1/1", "p2/1")
    deep = np.full((8, 10), 1000, np.uint16)
    deep[:, 5:] = 3000
    write_png(tmp_path / "image/p1/1.png", deep)
    write_png(tmp_path / "image/p2/1.png", picture((10, 8)))
    usable, excluded = training.check(training.find_items(tmp_path), 20, False)
    report = check("imis", tmp_path)
    assert [one.image.parent.name for one in usable] == [case.partition("/")[0] for case in report.cases] == ["p1"]
    assert "named (1, 8, 10, 1); the image has (10, 8) pixels" in excluded[0].reason
    pixels = training.read_image(usable[0].image, 20)[0]
    (item, _), _ = catalogue.index("imis", tmp_path, None)
    (sample,) = samples(catalogue.read(item), load_protocol("segmote"))
    shown = sample.image if sample.image.ndim == 2 else sample.image[..., 0]
    assert set(np.unique(shown)) == {0, 255}
    assert len(pixels.unique()) == 2


def test_the_list_may_name_the_patient(tmp_path: Path) -> None:
    imis(tmp_path)
    path = tmp_path / "dataset.json"
    content = json.loads(path.read_text())
    content["test"][0]["patient"] = "isic_0000001"
    write_json(path, content)
    assert item(tmp_path).patient == "isic_0000001"
