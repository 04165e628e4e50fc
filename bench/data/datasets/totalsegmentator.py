"""TotalSegmentator MRI and CT: one binary mask file per class; classes go by file name, as ids changed meaning."""

import csv
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from bench.data import mapped
from bench.data.case import Case, DataError, Dataset, Defect, FoundRelease, Item, Mask
from bench.data.reading.assemble import trusts_arrays, volume_case
from bench.data.reading.labels import binary
from bench.data.reading.layout import Entry, arranged, by_key, children, roots, stem
from bench.data.reading.names import folded
from bench.data.reading.nifti import ENDINGS, read_label_volume, read_volume
from bench.data.reading.opening import is_listed, place, read_text
from bench.data.reading.releases import FolderSigns, ReleaseSigns, recognise
from bench.data.reading.volumes import label_on_grid

IMAGE = "image"
ROWS = {
    "Adrenal gland": ("adrenal_gland_left", "adrenal_gland_right"),
    "Aorta": ("aorta",),
    "Colon": ("colon",),
    "Duodenum": ("duodenum",),
    "Gallbladder": ("gallbladder",),
    "Iliopsoas": ("iliopsoas_left", "iliopsoas_right"),
    "Kidney": ("kidney_left", "kidney_right"),
    "Inferior vena cava": ("inferior_vena_cava",),
    "Liver": ("liver",),
    "Pancreas": ("pancreas",),
    "Spleen": ("spleen",),
    "Stomach": ("stomach",),
}
TUBES = (
    "aorta",
    "brachiocephalic_trunk",
    "brachiocephalic_vein_left",
    "brachiocephalic_vein_right",
    "common_carotid_artery_left",
    "common_carotid_artery_right",
    "esophagus",
    "iliac_artery_left",
    "iliac_artery_right",
    "iliac_vena_left",
    "iliac_vena_right",
    "inferior_vena_cava",
    "portal_vein_and_splenic_vein",
    "pulmonary_vein",
    "subclavian_artery_left",
    "subclavian_artery_right",
    "superior_vena_cava",
    "trachea",
)
TWO, THREE = frozenset({"train", "test"}), frozenset({"train", "val", "test"})
MRI_RELEASES = (
    ReleaseSigns("v1", 298, "mri_dataset_v1", frozenset({"fibula", "tibia", "sartorius_left"}), THREE),
    ReleaseSigns("v2", 616, "mri_dataset_v2", frozenset({"scapula_left", "clavicula_left"}), TWO),
    # Both archives of v3 hold a folder of one name, without "MRI"; the file of the image tells them apart.
    ReleaseSigns("v3", 1296, "dataset_v3", frozenset({"scapula_left", "clavicula_left"}), TWO),
)
CT_RELEASES = (
    ReleaseSigns("v1", 1204, "dataset_v1", frozenset({"heart_atrium_left", "heart_myocardium"}), None),
    ReleaseSigns("v2", 1228, "dataset_v2", frozenset({"vertebrae_S1", "atrial_appendage_left"}), THREE),
    ReleaseSigns("v3", 1939, "dataset_v3", frozenset({"vertebrae_L6", "atrial_appendage_left"}), TWO),
)
TABLE_1_CLASSES = frozenset(name for names in ROWS.values() for name in names)


def has_layout(folder: Path, image: str) -> bool:
    """A subject folder inside that has the image file."""
    return any(_image(path, image) for path in children(folder))


def index(root: Path, dataset: str, modality: str, image: str, classes: frozenset[str]) -> list[Entry]:
    """Subjects with their image, mask files and split; all classes if `classes` is empty."""
    splits = _splits(root / "meta.csv")
    entries: list[Entry] = []
    for folder in children(root):
        name, images, masks = folder.name, _image(folder, image), _masks(folder, classes)
        if images and masks:
            entries += _subject(dataset, modality, name, images, masks, {"split": splits.get(name, "")})
        elif images:
            entries.append(Defect(dataset, name, name, "skipped", f"{place(images[0])}: image without masks"))
        elif masks:
            reason = f"{place(folder / 'segmentations')}: masks without image {image}.nii.gz"
            entries.append(Defect(dataset, name, name, "skipped", reason))
    return arranged(entries)


def _subject(
    dataset: str,
    modality: str,
    name: str,
    images: Sequence[Path],
    masks: Mapping[str, Sequence[Path]],
    details: Mapping[str, str],
) -> list[Entry]:
    """One item, and a defect for each class that has several files."""
    if len(images) > 1:
        return [Defect(dataset, name, name, "failed", _several(images))]
    if IMAGE in masks:
        return [Defect(dataset, name, name, "failed", f"{place(masks[IMAGE][0])}: {IMAGE!r} names no class; rename it")]
    defects: list[Entry] = [
        Defect(dataset, name, name, "failed", _several(paths), target)
        for target, paths in masks.items()
        if len(paths) > 1
    ]
    roles = {target: paths[0] for target, paths in masks.items() if len(paths) == 1}
    return [Item(dataset, name, name, modality, {IMAGE: images[0], **roles}, details), *defects]


def _several(paths: Sequence[Path]) -> str:
    return f"more than one file of one name: {', '.join(map(place, paths))}; keep one of them"


def read(item: Item) -> Case:
    """The image with the classes that have foreground.

    Raises:
        DataError: see `read_volume` and `label_on_grid`; all masks are empty (about 50 MR subjects).
    """
    image = read_volume(item.files[IMAGE])
    masks: dict[str, Mask] = {}
    warnings: list[str] = []
    for name, path in item.files.items():
        if name != IMAGE:
            label = read_label_volume(path)
            voxels, moved = label_on_grid(image, label, trusts_arrays(item))
            mask, soft = binary(voxels, place(path))
            warnings += (*label.warnings, *moved, *soft)
            masks |= {name: mask} if mapped.holds(mask, np.asarray) else {}
    return volume_case(item, image, masks, warnings)


def _image(folder: Path, name: str) -> list[Path]:
    """The files of that name with one of the endings, capitals ignored."""
    wanted = tuple(name + ending for ending in ENDINGS)
    return [path for path in children(folder) if path.name.lower() in wanted]


def _masks(folder: Path, classes: frozenset[str]) -> Mapping[str, Sequence[Path]]:
    """Class to its files, capitals ignored; several are a mistake that is refused by name."""
    paths = (path for path in children(folder / "segmentations") if path.name.lower().endswith(ENDINGS))
    known = {folded(name): name for name in classes}
    by_fold = by_key(paths, lambda path: folded(stem(path)))
    named = {known.get(fold, stem(found[0])): found for fold, found in by_fold.items()}
    return {name: found for name, found in named.items() if not classes or name in classes}


def release(root: Path, image: str, releases: Sequence[ReleaseSigns]) -> FoundRelease:
    """The release of a folder: by its subjects, its list, its class files and its name."""
    subjects = [folder for folder in children(root) if _image(folder, image)]
    try:
        splits = _splits(root / "meta.csv")
    except DataError:  # a record of the index already
        splits = {}
    classes = frozenset(name for folder in subjects for name in _masks(folder, frozenset()))
    known = frozenset(filter(None, splits.values()))
    return recognise(FolderSigns(root.name, len(subjects), len(splits), classes, known), releases)


def _splits(path: Path) -> dict[str, str]:
    """Subject to split from `meta.csv`; the releases separate with semicolons, copies with commas or tabs."""
    if not is_listed(path):
        return {}
    lines = read_text(path).splitlines()
    delimiter = max(";,\t", key="".join(lines[:1]).count)
    rows = csv.DictReader(lines, delimiter=delimiter)
    return {row["image_id"]: row["split"] or "" for row in rows if "image_id" in row and "split" in row}


def _dataset(
    name: str,
    title: str,
    modality: str,
    image: str,
    classes: frozenset[str],
    rows: Mapping[str, tuple[str, ...]],
    origin: tuple[str, str, str],
    releases: Sequence[ReleaseSigns],
) -> Dataset:
    licence, source, citation = origin
    return Dataset(
        name=name,
        title=title,
        modality=modality,
        rows=rows,
        licence=licence,
        source=source,
        citation=citation,
        layout=f"sNNNN/{image}.nii.gz, sNNNN/segmentations/<class>.nii.gz and meta.csv",
        find=partial(roots, has_layout=partial(has_layout, image=image)),
        index=partial(index, dataset=name, modality=modality, image=image, classes=classes),
        read=read,
        tubes=TUBES,
        release=partial(release, image=image, releases=releases),
    )


MRI = _dataset(
    "totalsegmentator-mri",
    "TotalSegmentator MRI",
    "MR",
    "mri",
    TABLE_1_CLASSES,
    ROWS,
    (
        "v3: CC BY 4.0; v2 and earlier: CC BY-NC-SA 2.0",
        "https://doi.org/10.5281/zenodo.22688334 (v3.0.0), https://doi.org/10.5281/zenodo.11367004 (v2)",
        "Akinci D'Antonoli et al., Radiology 314(2) (2025)",
    ),
    MRI_RELEASES,
)
CT = _dataset(
    "totalsegmentator-ct",
    "TotalSegmentator CT",
    "CT",
    "ct",
    frozenset(),
    {},
    (
        "CC BY 4.0",
        "https://doi.org/10.5281/zenodo.22688904 (v3.0.0), https://doi.org/10.5281/zenodo.10047292 (v2.0.1)",
        "Wasserthal et al., Radiology: Artificial Intelligence 5(5) (2023)",
    ),
    CT_RELEASES,
)
