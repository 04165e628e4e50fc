import pkgutil
from pathlib import Path

import numpy as np
import pytest

from bench.data import datasets
from bench.data.case import Dataset
from bench.data.reading.layout import files, patient_of, roots, stem
from tests.helpers import dicom, layouts, source_layouts


def everything(data: Path) -> dict[str, str]:
    """One folder with all layouts, and the data set that each sub-folder belongs to."""
    layouts.isles_a(data / "isles_a" / "ISLES-2022")
    layouts.isles_b(data / "isles_b")
    layouts.segthor(data / "thorax")
    layouts.totalsegmentator(data / "ts_mri", "s0001", "mri", {"liver": layouts.corner()})
    layouts.totalsegmentator(data / "ts_ct", "s0001", "ct", {"liver": layouts.corner()})
    layouts.imis(data / "imis" / "BTCV")
    layouts.sam_med2d(data / "med2d" / "data_demo")
    layouts.nnunet(data / "nn" / "Dataset001_Liver", {"background": 0, "liver": 1})
    layouts.folder(data / "plain", layouts.square())
    source_layouts.chaos_ct(data / "chaos")
    source_layouts.chaos_mr(data / "chaos")
    images = dicom.series(data / "study/ct")
    dicom.segmentation(data / "study/seg.dcm", images, {"liver": np.ones(dicom.stored().shape, np.uint8)})
    source_layouts.amos(data / "amos", 4, 507)
    source_layouts.btcv(data / "btcv")
    source_layouts.word(data / "word")
    source_layouts.isles2015(data / "siss")
    source_layouts.medsam_npz(data / "npz", layouts.picture(), layouts.square(1))
    source_layouts.bids(data / "bids")
    source_layouts.acdc(data / "acdc")
    source_layouts.sz_cxr(data / "shenzhen")
    pair = {"image": "./imagesTr/spleen_2.nii.gz", "label": "./labelsTr/spleen_2.nii.gz"}
    layouts.write_nifti(data / "msd" / "imagesTr/spleen_2.nii.gz", layouts.voxels())
    layouts.write_nifti(data / "msd" / "labelsTr/spleen_2.nii.gz", layouts.corner())
    table = {"modality": {"0": "CT"}, "labels": {"0": "background", "1": "spleen"}, "training": [pair]}
    layouts.write_json(data / "msd" / "dataset.json", table)
    layouts.write_png(data / "skin" / "ISIC-2017_Training_Data/ISIC_0000001.jpg", layouts.picture())
    masks = data / "skin" / "ISIC-2017_Training_Part1_GroundTruth"
    layouts.write_png(masks / "ISIC_0000001_segmentation.png", layouts.square())
    isles = "isles_a/ISLES-2022 isles_b"
    return {
        "isles2022": isles,
        "isles2022-adc": isles,
        "isles2022-flair": isles,
        "segthor": "thorax",
        "totalsegmentator-mri": "ts_mri",
        "totalsegmentator-ct": "ts_ct",
        "imis": "imis/BTCV",
        "sam-med2d": "med2d/data_demo",
        "nnunet": "nn/Dataset001_Liver",
        "folder": "plain",
        "msd": "msd",
        "amos-ct": "amos",
        "amos-mri": "amos",
        "btcv": "btcv/RawData",
        "word": "word",
        "chaos-t1": "chaos/Train_Sets",
        "chaos-t1-outphase": "chaos/Train_Sets",
        "chaos-t2": "chaos/Train_Sets",
        "chaos-ct": "chaos/Train_Sets",
        "dicom": "study",
        "isles2015-siss": "siss/SISS2015_Training",
        "isles2015-siss-dwi": "siss/SISS2015_Training",
        "medsam-npz": "npz",
        "bids": "bids",
        "acdc": "acdc/ACDC/database",
        "sz-cxr": "shenzhen",
        "isic2016": "",
        "isic2017": "skin",
        "isic2018": "",
    }


def test_no_layout_is_taken_for_another(tmp_path: Path) -> None:
    expected = everything(tmp_path)
    found = {
        name: " ".join(root.relative_to(tmp_path).as_posix() for root in datasets.load(name).find(tmp_path))
        for name in datasets.names()
    }
    assert found == expected


@pytest.mark.parametrize("name", datasets.REGISTRY)
def test_every_name_leads_to_its_data_set(name: str) -> None:
    dataset = pkgutil.resolve_name(datasets.REGISTRY[name])
    assert isinstance(dataset, Dataset)
    assert dataset.name == name
    assert dataset.title and dataset.licence and dataset.source and dataset.citation and dataset.layout


@pytest.mark.parametrize("name", datasets.REGISTRY)
def test_every_usable_item_of_the_whole_folder_reads(tmp_path: Path, name: str) -> None:
    everything(tmp_path)
    dataset = datasets.load(name)
    for root in dataset.find(tmp_path):
        entries = dataset.index(root)
        assert [entry.case for entry in entries] == sorted(entry.case for entry in entries)
        for item in (entry for entry in entries if hasattr(entry, "files")):
            case = dataset.read(item)
            assert (case.dataset, case.case, case.patient) == (name, item.case, item.patient)
            assert case.masks
            for mask in case.masks.values():
                assert mask.dtype == np.bool_
                assert mask.any()
                assert mask.shape == case.image.shape[: mask.ndim]
            assert len(case.spacing_mm) == (3 if case.is_volume else 2)


def test_an_unknown_name_is_refused_with_what_was_meant() -> None:
    with pytest.raises(ValueError, match=r"no data set 'segtor'; did you mean segthor"):
        datasets.load("segtor")


@pytest.mark.parametrize("name", datasets.REGISTRY)
def test_nothing_is_found_in_an_empty_or_missing_folder(tmp_path: Path, name: str) -> None:
    assert list(datasets.load(name).find(tmp_path)) == []
    assert list(datasets.load(name).find(tmp_path / "missing")) == []


def test_roots_are_the_topmost_and_not_too_deep(tmp_path: Path) -> None:
    for folder in ("a/hit/inner/hit", "b/c/d/hit", "b/c/d/e/hit"):
        (tmp_path / folder).mkdir(parents=True)
    found = roots(tmp_path, lambda folder: folder.name == "hit")
    assert [path.relative_to(tmp_path).as_posix() for path in found] == ["a/hit", "b/c/d/hit"]


def test_hidden_files_and_previews_are_no_files(tmp_path: Path) -> None:
    for name in ("x.png", "._x.png", "x_snp.png", "x_superpixels.png", "__MACOSX/y.png", "Y (1, 2).PNG"):
        layouts.write_png(tmp_path / name, layouts.picture())
    assert [path.name for path in files(tmp_path, (".png",))] == ["Y (1, 2).PNG", "x.png"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.nii.gz", "a"), ("a.NII.GZ", "a"), ("i0000,0000b.png", "i0000,0000b"), ("x.(2, 8).npz", "x.(2, 8)")],
)
def test_stem_drops_one_ending(name: str, expected: str) -> None:
    assert stem(Path(name)) == expected


@pytest.mark.parametrize(
    ("name", "patient"),
    [
        ("ABD_001_100", "ABD_001"),
        ("amos_0004_75", "amos_0004"),
        ("s0114_111", "s0114"),
        ("BIDMC04_22", "BIDMC04"),
        ("CHNCXR_0001_0", "CHNCXR_0001"),
        ("patient018_slice_3", "patient018"),
        ("ISIC_0000001", "ISIC_0000001"),
        ("1", "1"),
        ("liver", "liver"),
    ],
)
def test_patient_of_a_slice(name: str, patient: str) -> None:
    assert patient_of(name) == patient
