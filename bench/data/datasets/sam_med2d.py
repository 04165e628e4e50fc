"""The SAM-Med2D layout: PNG slices with one mask file a class and component."""

import re
from collections import defaultdict
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np

from bench.data.case import Case, DataError, Dataset, Defect, Item, Mask
from bench.data.reading import pictures
from bench.data.reading.assemble import picture_case
from bench.data.reading.labels import binary
from bench.data.reading.layout import Entry, arranged, children, indexed, patient_of, read_json, roots, stem
from bench.data.reading.nifti import place
from bench.data.reading.pictures import read_label_picture, read_picture

NAME = "sam-med2d"
IMAGE_FIRST = ("image2label_train.json", "image2label_test.json", "SAMed2D_v1.json")
MASK_FIRST = ("label2image_test.json", "label2image_train.json")
COMPONENT = re.compile(r"_\d{3,}$")


def has_layout(folder: Path) -> bool:
    """One of the lists beside a folder of images."""
    return (folder / "images").is_dir() and any((folder / name).is_file() for name in (*IMAGE_FIRST, *MASK_FIRST))


def index(root: Path) -> list[Entry]:
    """Images with the masks the lists name, and images that no list names.

    Raises:
        DataError: a list is not valid.
    """
    listed = _listed(root)
    entries = [entry for image, masks in listed.items() for entry in _entries(image, sorted(masks))]
    spare = (path for path in children(root / "images") if path not in listed)
    return arranged([*entries, *(_unlisted(path) for path in spare if path.suffix.lower() in pictures.ENDINGS)])


def _listed(root: Path) -> dict[Path, set[Path]]:
    """Image to masks, from all lists."""
    pairs: dict[Path, set[Path]] = defaultdict(set)
    for name in filter(lambda name: (root / name).is_file(), (*IMAGE_FIRST, *MASK_FIRST)):
        content = read_json(root / name)
        if not isinstance(content, dict):
            raise DataError(f"{place(root / name)}: not a mapping between images and masks")
        for key, value in content.items():
            image, masks = (key, value) if name in IMAGE_FIRST else (value, [key])
            if not (isinstance(image, str) and isinstance(masks, list) and all(isinstance(one, str) for one in masks)):
                raise DataError(f"{place(root / name)}: {key!r} leads to {value!r}, not to file names")
            pairs[_resolve(root, image)].update(_resolve(root, mask) for mask in masks)
    return pairs


def _resolve(root: Path, listed: str) -> Path:
    """A listed path below `root`: lists start at a folder of their makers, so leading parts are dropped."""
    parts = PurePosixPath(listed.replace("\\", "/")).parts
    tails = (root.joinpath(*parts[start:]) for start in range(len(parts)))
    return next((path for path in tails if path.is_file()), root.joinpath(*parts[-2:]))


def _entries(image: Path, masks: list[Path]) -> list[Entry]:
    """One item, and a defect for each class of which a file is missing."""
    case, patient = stem(image), _patient(stem(image))
    if not image.is_file():
        return [Defect(NAME, patient, case, "skipped", f"masks without image {place(image)}")]
    parts: dict[str, list[Path]] = defaultdict(list)
    for mask in masks:
        parts[_class(case, stem(mask))].append(mask)
    missing = {name: path for name, paths in parts.items() for path in paths if not path.is_file()}
    defects: list[Entry] = [
        Defect(NAME, patient, case, "failed", f"{place(path)}: listed, but missing", name)
        for name, path in missing.items()
    ]
    whole = {name: paths for name, paths in parts.items() if name not in missing}
    if not whole:
        return defects or [_unlisted(image)]
    files = {"image": image} | {path.name: path for paths in whole.values() for path in paths}
    details = {"classes": {name: tuple(path.name for path in paths) for name, paths in whole.items()}}
    return [Item(NAME, patient, case, "any", files, details), *defects]


def _class(image: str, mask: str) -> str:
    """`liver` of mask `amos_0004_75_liver_000` and image `amos_0004_75`."""
    return COMPONENT.sub("", mask.removeprefix(image)).lstrip("_-")


def _patient(case: str) -> str:
    """SA-Med2D-20M names are `<modality>--<set>--<case>--<axis>_<slice>`, the demo's `<set>_<case>_<slice>`."""
    tokens = case.split("--")
    return "--".join(tokens[1:3]) if len(tokens) > 3 else patient_of(case)


def _unlisted(image: Path) -> Defect:
    reason = f"{place(image)}: image without mask in the lists"
    return Defect(NAME, _patient(stem(image)), stem(image), "skipped", reason)


def read(item: Item) -> Case:
    """The slice with the components of each class united.

    Raises:
        DataError: an unreadable file, masks of another size, no foreground.
    """
    image = read_picture(item.files["image"])
    masks: dict[str, Mask] = {}
    warnings: list[str] = []
    for name, parts in item.details["classes"].items():
        found = [binary(read_label_picture(item.files[part]), part) for part in parts]
        if len({mask.shape for mask, _ in found}) > 1:
            raise DataError(f"mask files of {name} differ in size: {', '.join(parts)}")
        masks[name] = np.logical_or.reduce([mask for mask, _ in found])
        warnings += (text for _, texts in found for text in texts)
    return picture_case(item, image, masks, warnings)


SAM_MED2D = Dataset(
    name=NAME,
    title="SAM-Med2D layout",
    modality="any",
    rows={},
    licence="that of the source data sets",
    source="https://github.com/OpenGVLab/SAM-Med2D",
    citation="Cheng et al., SAM-Med2D (2023)",
    layout="images/<name>.png, masks/<name>_<class>_<component>.png and image2label_train.json or "
    "label2image_test.json",
    find=partial(roots, has_layout=has_layout),
    index=partial(indexed, dataset=NAME, index=index),
    read=read,
)
