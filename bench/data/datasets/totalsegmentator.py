"""TotalSegmentator MRI and CT: one binary mask file a class; classes go by file name, as ids changed meaning."""

import csv
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from bench.data.case import Case, Dataset, Defect, Item, Mask
from bench.data.reading.assemble import trusts_arrays, volume_case
from bench.data.reading.labels import binary
from bench.data.reading.layout import Entry, arranged, children, roots, stem
from bench.data.reading.nifti import ENDINGS, check_grid, place, read_volume

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
TABLE_1_CLASSES = frozenset(name for names in ROWS.values() for name in names)


def has_layout(folder: Path, image: str) -> bool:
    """A subject folder inside that has the image file."""
    return any(_image(path, image) for path in children(folder))


def index(root: Path, dataset: str, modality: str, image: str, classes: frozenset[str]) -> list[Entry]:
    """Subjects with their image, mask files and split; all classes if `classes` is empty."""
    splits = _splits(root / "meta.csv")
    entries: list[Entry] = []
    for folder in children(root):
        name, path, masks = folder.name, _image(folder, image), _masks(folder, classes)
        if path and masks:
            details = {"split": splits.get(name, "")}
            entries.append(Item(dataset, name, name, modality, {"image": path, **masks}, details))
        elif path:
            entries.append(Defect(dataset, name, name, "skipped", f"{place(path)}: image without masks"))
        elif masks:
            reason = f"{name}/segmentations: masks without image {image}.nii.gz"
            entries.append(Defect(dataset, name, name, "skipped", reason))
    return arranged(entries)


def read(item: Item) -> Case:
    """The image with the classes that have foreground.

    Raises:
        DataError: see `read_volume` and `check_grid`; all masks are empty (about 50 MR subjects).
    """
    image = read_volume(item.files["image"])
    masks: dict[str, Mask] = {}
    warnings: list[str] = []
    for name, path in item.files.items():
        if name != "image":
            label = read_volume(path)
            moved = check_grid(image, label, trusts_arrays(item))
            mask, soft = binary(label.voxels, place(path))
            warnings += (*label.warnings, *moved, *soft)
            masks |= {name: mask} if mask.any() else {}
    return volume_case(item, image, masks, warnings)


def _image(folder: Path, name: str) -> Path | None:
    return next((path for ending in ENDINGS if (path := folder / f"{name}{ending}").is_file()), None)


def _masks(folder: Path, classes: frozenset[str]) -> dict[str, Path]:
    paths = (path for path in children(folder / "segmentations") if path.name.endswith(ENDINGS))
    return {stem(path): path for path in paths if not classes or stem(path) in classes}


def _splits(path: Path) -> dict[str, str]:
    """Subject to split from `meta.csv`; the releases separate with semicolons, copies with commas or tabs."""
    if not path.is_file():
        return {}
    lines = path.read_text("utf-8-sig", errors="replace").splitlines()
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
    )


MRI = _dataset(
    "totalsegmentator-mri",
    "TotalSegmentator MRI",
    "MR",
    "mri",
    TABLE_1_CLASSES,
    ROWS,
    (
        "CC BY-NC-SA 2.0 as dataset cards state; see the record",
        "https://doi.org/10.5281/zenodo.11367004",
        "Akinci D'Antonoli et al., Radiology 314(2) (2025)",
    ),
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
        "https://doi.org/10.5281/zenodo.10047292",
        "Wasserthal et al., Radiology: Artificial Intelligence 5(5) (2023)",
    ),
)
