"""Hostile files for every reader: sound tiny data sets, one of whose files is changed."""

import copy
import gzip
import io
import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st
from PIL import Image

from bench.data.check import check
from bench.errors import RunError
from segmote.training import data as training
from tests.fuzz.outcomes import Tally
from tests.helpers import dicom, layouts, source_layouts

Build = Callable[[Path], object]
Change = tuple[int, int, int]


def _segthor(root: Path) -> None:
    for name, array in (("Patient_01.nii.gz", layouts.voxels()), ("GT.nii", layouts.corner())):
        layouts.write_nifti(root / "train/Patient_01" / name, array)


def _totalsegmentator(root: Path) -> None:
    layouts.totalsegmentator(root, "s0001", "mri", {"liver": layouts.corner(), "spleen": layouts.corner()[::-1]})
    (root / "meta.csv").write_text("image_id;age;split\ns0001;40;test\n")


def _huang(root: Path) -> None:
    layouts.folder(root, layouts.square(120))
    table = {"info": {"1": "liver"}, "color": {"1": 120}}
    layouts.write_json(root / "data_infor_json" / f"{root.name}.json", table)


def _msd(root: Path) -> None:
    for kind, array in (("image", layouts.voxels()), ("label", layouts.corner())):
        layouts.write_nifti(root / f"{kind}sTr/spleen_2.nii.gz", array)
    pair = {"image": "./imagesTr/spleen_2.nii.gz", "label": "./labelsTr/spleen_2.nii.gz"}
    table = {"0": "background", "1": "spleen"}
    layouts.write_json(root / "dataset.json", {"modality": {"0": "CT"}, "labels": table, "training": [pair]})


def _isic(root: Path) -> None:
    layouts.write_png(root / "ISIC-2017_Training_Data/ISIC_0000001.jpg", layouts.picture())
    layouts.write_png(root / "ISIC-2017_Training_Part1_GroundTruth/ISIC_0000001_segmentation.png", layouts.square())


def _amos_mri(root: Path) -> None:
    source_layouts.amos(root, 507)


def _dicom(root: Path, kind: str) -> None:
    images = dicom.series(root / "ct", dicom.stored(2))
    mask = np.zeros((2, dicom.ROWS, dicom.COLUMNS), np.uint8)
    mask[:, 1:3, 2] = 1
    if kind == "seg":
        dicom.segmentation(root / "seg.dcm", images, {"liver": mask, "vessel": mask})
    else:
        dicom.structures(root / "rt.dcm", {"liver": [dicom.rectangle(0, 0, 2, 2, 0)]})


def _medsam(root: Path) -> None:
    source_layouts.medsam_npz(root, layouts.voxels(), layouts.corner(), spacing=np.ones(3))
    layouts.write_json(root / "labels.json", {"liver": 1})


def _pictures(root: Path, ending: str) -> None:
    layouts.folder(root, layouts.square())
    for path in (root / "images/a.png", root / "masks/a_mask.png"):
        with Image.open(path) as picture:
            picture.load()
        path.unlink()
        picture.save(path.with_suffix(ending), quality=100)
    layouts.write_json(root / "labels.json", {"liver": 1})


# By target: the data set as the command line names it, how it is written, and which of its files are changed.
DATASETS: Mapping[str, tuple[str, Build, tuple[str, ...]]] = {
    "imis": ("imis", layouts.imis, ("dataset.json", "label/*.npz", "image/*.png")),
    "training": ("training", partial(layouts.imis, cases=("ABD_001_100", "ABD_002_7")), ("dataset.json", "label/*7*")),
    "folder": ("folder", partial(_pictures, ending=".png"), ("labels.json", "masks/*.png", "images/*.png")),
    "folder of TIFF": ("folder", partial(_pictures, ending=".tif"), ("masks/*.tif", "images/*.tif")),
    "folder of JPEG": ("folder", partial(_pictures, ending=".jpg"), ("masks/*.jpg", "images/*.jpg")),
    "folder of grey levels": ("folder", _huang, ("data_infor_json/*.json", "masks/*.png")),
    "nnunet": (
        "nnunet",
        partial(layouts.nnunet, labels={"background": 0, "liver": 1}),
        ("dataset.json", "labelsTr/*.nii.gz", "imagesTr/*.nii.gz"),
    ),
    "msd": ("msd", _msd, ("dataset.json", "labelsTr/*.nii.gz", "imagesTr/*.nii.gz")),
    "isic2017": ("isic2017", _isic, ("*_Data/*.jpg", "*_GroundTruth/*.png")),
    "amos-mri": ("amos-mri", _amos_mri, ("labelsTr/amos*.nii.gz", "imagesTr/amos*.nii.gz")),
    "acdc": ("acdc", source_layouts.acdc, ("**/*frame01.nii.gz", "**/*frame01_gt.nii.gz")),
    "sz-cxr": ("sz-cxr", source_layouts.sz_cxr, ("CXR_png/*.png", "mask/*.png")),
    "chaos-t2": (
        "chaos-t2",
        source_layouts.chaos_mr,
        ("**/T2SPIR/DICOM_anon/*.dcm", "**/T2SPIR/Ground/*.png"),
    ),
    "isles2015": ("isles2015-siss", source_layouts.isles2015, ("**/*Flair*.nii", "**/*OT*.nii")),
    "medsam-npz": ("medsam-npz", _medsam, ("*.npz", "labels.json")),
    "bids": ("bids", source_layouts.bids, ("sub-01/anat/*.nii.gz", "derivatives/**/*_mask.nii.gz", "**/*_dseg.tsv")),
    "dicom of segments": ("dicom", partial(_dicom, kind="seg"), ("ct/*.dcm", "seg.dcm")),
    "dicom of contours": ("dicom", partial(_dicom, kind="rt"), ("rt.dcm",)),
    "sam-med2d": (
        "sam-med2d",
        layouts.sam_med2d,
        ("image2label_train.json", "label2image_test.json", "masks/*.png", "images/*.png"),
    ),
    "segthor": ("segthor", _segthor, ("train/*/Patient_01.nii.gz", "train/*/GT.nii")),
    "isles2022": ("isles2022", layouts.isles_a, ("*/*/dwi/*_dwi.nii.gz", "derivatives/*/*/*_msk.nii.gz")),
    "isles2022-flair": ("isles2022-flair", layouts.isles_a, ("*/*/anat/*.nii.gz", "derivatives/*/*/*_msk.nii.gz")),
    "totalsegmentator-mri": (
        "totalsegmentator-mri",
        _totalsegmentator,
        ("*/mri.nii.gz", "*/segmentations/liver.nii.gz", "meta.csv"),
    ),
}
TARGETS = tuple((name, number) for name, (_, _, patterns) in DATASETS.items() for number in range(len(patterns)))
SIDE = 32  # of the pictures of a training
NO_PNG = ("PA", "CMYK", "YCbCr", "LAB", "I", "F")
MODES = ("1", "L", "P", "LA", "RGB", "RGBA", "I;16", *NO_PNG)
WORDS = (0, 1, 127, 128, 255, 32767, 65535, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1)
ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.just("../../etc/passwd"),
    st.just("/dev/zero"), st.just("\ud800"), st.just("\x1b[2J"), st.just("x" * 300), st.just(10**400),
)  # fmt: skip
VALUES = st.recursive(
    ODD,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
CHANGE = st.tuples(st.integers(0, 4), st.integers(0, 2**16), st.integers(0, len(WORDS) + 255))
CASES = st.tuples(st.lists(CHANGE, min_size=1, max_size=4), VALUES, st.sampled_from((None, None, *MODES)))


class Attacked:
    """One file of a sound data set, which is written once; each attack changes it from how it was."""

    def __init__(self, name: str, number: int, root: Path) -> None:
        self.dataset, build, patterns = DATASETS[name]
        self.root = root / f"{name} {number}"
        build(self.root)
        self.path = sorted(self.root.glob(patterns[number]))[0]
        self.sound = self.path.read_bytes()
        self.name = f"{name}: {patterns[number]}"

    def attack(self, tally: Tally, case: tuple[Sequence[Change], Any, str | None]) -> None:
        """Change the file, read all of the data set."""
        self.path.write_bytes(_changed(self.path, self.sound, *case))
        tally.add(self.name, self.read, (ValueError,) if self.dataset == "training" else (RunError,))

    def read(self) -> bool:
        """Whether every case of the data set can be used."""
        if self.dataset == "training":
            _, excluded = training.check(training.find_items(self.root), SIDE, pseudo=False)
            return not excluded
        found = check(self.dataset, self.root)
        return bool(found.text()) and not found.failed


def _changed(path: Path, raw: bytes, changes: Sequence[Change], value: Any, mode: str | None) -> bytes:
    if path.suffix == ".json" and changes[0][0] < 3:
        return _other_json(json.loads(raw), changes, value)
    if path.suffix == ".png" and mode:
        raw = _in_mode(raw, mode, changes[0][2])
    inside = path.suffix == ".gz" and changes[0][0] != 4  # the header below the compression, or the compressed bytes
    raw = gzip.decompress(raw) if inside else raw
    for what, where, number in changes:
        raw = edit(raw, what, where, number)
    if path.suffix == ".png" and changes[0][0] in (1, 2):
        raw = _right_checksums(raw)
    return gzip.compress(raw, 1) if inside else raw


def _in_mode(raw: bytes, mode: str, number: int) -> bytes:
    """The picture in a mode, as TIFF where PNG has none such: readers go by the content."""
    with Image.open(io.BytesIO(raw)) as picture:
        grey = picture.convert("L")
    if mode in ("I;16", "F"):
        values = np.asarray(grey).astype(np.uint16 if mode == "I;16" else np.float32) * (number % 300)
        turned = Image.fromarray(values)
    else:
        turned = (grey.convert("RGB") if mode == "LAB" else grey).convert(mode)
    file = io.BytesIO()
    turned.save(file, "TIFF" if mode in NO_PNG else "PNG")
    return file.getvalue()


def edit(raw: bytes, what: int, where: int, number: int) -> bytes:
    """Bytes with a word or a byte put in, changed or cut off at a place; mostly in the first 360, where headers are."""
    place = where % max(1, min(len(raw), 360 if what else len(raw)))
    if what == 3 and where % 3 == 0:
        return raw[:place]
    if number < len(WORDS):
        size = 2 if WORDS[number] < 2**16 else 4 if WORDS[number] < 2**32 else 8
        return raw[:place] + WORDS[number].to_bytes(size, "little") + raw[place + size :]
    byte = bytes([number - len(WORDS)])
    return raw[:place] + byte + raw[place + (what != 2) :]


def _right_checksums(raw: bytes) -> bytes:
    """A PNG whose chunks have the checksums of what they hold, so that a decoder reads on."""
    out, place = raw[:8], 8
    while place + 12 <= len(raw):
        size = int.from_bytes(raw[place : place + 4], "big")
        body = raw[place + 4 : place + 8 + size]
        out += raw[place : place + 4] + body + zlib.crc32(body).to_bytes(4, "big")
        place += 12 + size
    return out


def _other_json(content: Any, changes: Sequence[Change], value: Any) -> bytes:
    for _, where, _ in changes:
        holder, key = _places(content)[where % len(_places(content))]
        if holder is None:
            content = copy.deepcopy(value)
        else:
            holder[key] = copy.deepcopy(value)
    return json.dumps(content).encode("utf-8", "surrogatepass")


def _places(content: Any) -> list[tuple[Any, Any]]:
    places, left = [(None, None)], [content]
    while left and len(places) < 200:
        holder = left.pop()
        keys = list(holder) if isinstance(holder, dict) else range(len(holder)) if isinstance(holder, list) else ()
        places += [(holder, key) for key in keys]
        left += [holder[key] for key in keys]
    return places
