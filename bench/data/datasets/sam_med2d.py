"""The SAM-Med2D layout: PNG slices with one mask file per class and component."""

import re
from collections import defaultdict
from functools import partial
from pathlib import Path

from bench.data.case import Case, DataError, Dataset, Defect, Item, Mask
from bench.data.reading import pictures
from bench.data.reading.assemble import picture_case
from bench.data.reading.labels import binary
from bench.data.reading.layout import Entry, arranged, case_of, files, listed_file, patient_of, roots, stem
from bench.data.reading.opening import is_file, is_listed, place, read_json
from bench.data.reading.pictures import read_label_picture, read_picture

NAME = "sam-med2d"
IMAGE_FIRST = ("image2label_train.json", "image2label_test.json", "SAMed2D_v1.json")
MASK_FIRST = ("label2image_test.json", "label2image_train.json")
COMPONENT = re.compile(r"_\d{3,}$")


def has_layout(folder: Path) -> bool:
    """One of the lists beside a folder of images."""
    return (folder / "images").is_dir() and any(is_file(folder / name) for name in (*IMAGE_FIRST, *MASK_FIRST))


def index(root: Path) -> list[Entry]:
    """Images with the masks that the lists name, and images that no list names.

    A case is named after its image's path below `images/`.

    Raises:
        DataError: a list is not valid.
    """
    pairs, entries = _listed(root)
    entries += [entry for image, masks in pairs.items() for entry in _entries(root, image, sorted(masks))]
    spare = (path for path in files(root / "images", pictures.ENDINGS) if path not in pairs)
    return arranged([*entries, *(_unlisted(root, path) for path in spare)])


def _listed(root: Path) -> tuple[dict[Path, set[Path]], list[Entry]]:
    """Image to masks, from all lists, and the entries that lead to no file or to several."""
    pairs: dict[Path, set[Path]] = defaultdict(set)
    defects: list[Entry] = []
    for name in filter(lambda name: is_listed(root / name), (*IMAGE_FIRST, *MASK_FIRST)):
        content = read_json(root / name)
        if not isinstance(content, dict):
            raise DataError(f"{place(root / name)}: not a mapping between images and masks")
        for key, value in content.items():
            image, masks = (key, value) if name in IMAGE_FIRST else (value, [key])
            if not (isinstance(image, str) and isinstance(masks, list) and all(isinstance(one, str) for one in masks)):
                raise DataError(f"{place(root / name)}: {key!r} leads to {value!r}, not to file names")
            try:
                found = listed_file(root, image, drop_folders=True)
                pairs[found].update(listed_file(root, mask, drop_folders=True) for mask in masks)
            except DataError as error:
                defects.append(Defect(NAME, image, image, "failed", f"{place(root / name)}: {error}"))
    return pairs, defects


def _entries(root: Path, image: Path, masks: list[Path]) -> list[Entry]:
    """One item, and a defect for each class of which a file is missing, and for each mask of no known class."""
    case = case_of(image, root / "images")
    patient = _patient(case)
    if not is_listed(image):
        return [Defect(NAME, patient, case, "skipped", f"masks without image {place(image)}")]
    parts: dict[str, list[Path]] = defaultdict(list)
    foreign: list[Entry] = []
    for mask in masks:
        if name := _class(stem(image), stem(mask)):
            parts[name].append(mask)
        else:
            reason = f"{place(mask)}: not named {stem(image)}_<class>_<number>, so that its class is not known"
            foreign.append(Defect(NAME, patient, case, "failed", reason))
    missing = {name: path for name, paths in parts.items() for path in paths if not is_listed(path)}
    defects = foreign + [
        Defect(NAME, patient, case, "failed", f"{place(path)}: listed, but missing", name)
        for name, path in missing.items()
    ]
    whole = {name: tuple(map(str, paths)) for name, paths in parts.items() if name not in missing}
    if not whole:
        return defects or [_unlisted(root, image)]
    roles = {"image": image} | {part: Path(part) for paths in whole.values() for part in paths}
    return [Item(NAME, patient, case, "any", roles, {"classes": whole}), *defects]


def _class(image: str, mask: str) -> str | None:
    """`liver` of mask `amos_0004_75_liver_000` and image `amos_0004_75`; None if the mask is not named that way."""
    rest = mask.removeprefix(image) if mask.startswith(image) else ""
    return COMPONENT.sub("", rest).lstrip("_-") or None if rest.startswith(("_", "-")) else None


def _patient(case: str) -> str:
    """SA-Med2D-20M names are `<modality>--<set>--<case>--<axis>_<slice>`, the demo's `<set>_<case>_<slice>`."""
    tokens = case.split("--")
    return "--".join(tokens[1:3]) if len(tokens) > 3 else patient_of(case)


def _unlisted(root: Path, image: Path) -> Defect:
    case = case_of(image, root / "images")
    return Defect(NAME, _patient(case), case, "skipped", f"{place(image)}: image without mask in the lists")


def read(item: Item) -> Case:
    """The slice with the components of each class united.

    Raises:
        DataError: an unreadable file, masks of another size, no foreground.
    """
    image = read_picture(item.files["image"])
    masks: dict[str, Mask] = {}
    warnings: list[str] = []
    for name, parts in item.details["classes"].items():
        for path in (item.files[part] for part in parts):
            values, odd = read_label_picture(path)
            mask, cut = binary(values, place(path))
            if name in masks and masks[name].shape != mask.shape:
                raise DataError(
                    f"mask files of {name} differ in size: {', '.join(place(Path(part)) for part in parts)}"
                )
            masks[name] = masks[name] | mask if name in masks else mask
            warnings += (*odd, *cut)
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
    index=index,
    read=read,
)
