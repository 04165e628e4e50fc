"""BIDS: subjects with images below `anat` or `dwi`, and masks among the derivatives."""

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from bench.data.case import Case, DataError, Dataset, Defect, Item, Mask
from bench.data.reading.assemble import trusts_arrays, volume_case
from bench.data.reading.labels import LabelTable, binary, by_id, by_name, unnamed
from bench.data.reading.layout import Entry, arranged, children, files, roots, stem
from bench.data.reading.nifti import ENDINGS, read_label_volume, read_volume
from bench.data.reading.opening import is_listed, place, read_text
from bench.data.reading.volumes import label_on_grid

NAME = "bids"
SUBJECT = re.compile(r"sub-(?!strokecase)[A-Za-z0-9]+")  # subjects of ISLES 2022 have a reader of their own
KINDS = ("anat", "dwi")
DERIVATIVES = "derivatives"
MASK = re.compile(r"(?:(?P<what>.+)-)?(?:msk|mask)")
LABEL_MAP = "dseg"
IMAGE_SUFFIXES = frozenset({"t1w", "t2w", "flair", "t2star", "pdw", "dwi", "adc", "t1ce", "swi", "ct"})
OF_THE_MASK = frozenset({"label", "desc", "space", "hemi", "atlas", "seg", "res", "den"})  # say nothing of the image


@dataclass(frozen=True, slots=True)
class Named:
    """What the name of a file says.

    Attributes:
        entities: key to value (`sub`, `ses`, `run` ...).
        suffix: the last part, such as `T1w`, `dwi`, `mask` or `lesion-msk`.
        words: parts without a key.
    """

    path: Path
    entities: Mapping[str, str]
    suffix: str
    words: tuple[str, ...]


def parse(path: Path) -> Named:
    """The entities of a file's name.

    Example:
        >>> parse(Path("sub-01_ses-2_space-T1w_label-liver_mask.nii.gz")).suffix
        'mask'
    """
    *parts, suffix = stem(path).split("_")
    entities = dict(part.split("-", 1) for part in parts if "-" in part)
    return Named(path, entities, suffix, tuple(part for part in parts if "-" not in part))


def has_layout(folder: Path) -> bool:
    """Subjects with images, in the folder itself or in its `rawdata`, beside a folder of derivatives."""
    if not (folder / DERIVATIVES).is_dir():
        return False
    return any(True for _ in _images(folder))


def _images(root: Path) -> Iterable[Path]:
    for above in (root, root / "rawdata"):
        for subject in (path for path in children(above) if SUBJECT.fullmatch(path.name)):
            for session in (subject, *(path for path in children(subject) if path.name.startswith("ses-"))):
                for kind in KINDS:
                    yield from (path for path in children(session / kind) if path.name.lower().endswith(ENDINGS))


def index(root: Path) -> list[Entry]:
    """One case per image that a mask fits: by the entities that both have, never by order."""
    images = [parse(path) for path in _images(root)]
    masks = [one for one in map(parse, files(root / DERIVATIVES, ENDINGS)) if _is_mask(one)]
    fitting: dict[Path, list[Path]] = defaultdict(list)
    entries: list[Entry] = []
    for mask in masks:
        found = [image for image in images if _fits(mask, image)]
        case, patient = stem(mask.path), f"sub-{mask.entities.get('sub', '')}"
        suffixes = [image.suffix for image in found]
        if not found:
            entries.append(Defect(NAME, patient, case, "skipped", f"{place(mask.path)}: mask without image"))
        elif several := sorted({suffix for suffix in suffixes if suffixes.count(suffix) > 1}):
            names = ", ".join(place(image.path) for image in found if image.suffix in several)
            reason = f"{place(mask.path)}: fits several images: {names}; name the run or session in the mask"
            entries.append(Defect(NAME, patient, case, "failed", reason))
        else:
            for image in found:
                fitting[image.path].append(mask.path)
    return arranged([*entries, *(_entry(image, fitting[image.path]) for image in images)])


def _is_mask(one: Named) -> bool:
    return one.suffix == LABEL_MAP or bool(MASK.fullmatch(one.suffix))


def _fits(mask: Named, image: Named) -> bool:
    """Whether a mask was drawn on an image: all that the image's name says is in the mask's, too, where it says so."""
    said = {key: value for key, value in mask.entities.items() if key not in OF_THE_MASK}
    shared = {"sub", "ses"} | (said.keys() & image.entities.keys())
    if any(said.get(key) != image.entities.get(key) for key in shared) or said.keys() - image.entities.keys():
        return False
    kinds = [word for word in (*mask.words, mask.entities.get("space", "")) if word.lower() in IMAGE_SUFFIXES]
    return not kinds or image.suffix.lower() in map(str.lower, kinds)


def _entry(image: Named, masks: Sequence[Path]) -> Entry:
    case, patient = stem(image.path), f"sub-{image.entities.get('sub', '')}"
    if not masks:
        return Defect(NAME, patient, case, "skipped", f"{place(image.path)}: image without mask")
    roles = {"image": image.path} | {f"mask {number}": path for number, path in enumerate(sorted(masks), 1)}
    return Item(NAME, patient, case, "CT" if image.suffix.lower() == "ct" else "MR", roles)


def read(item: Item) -> Case:
    """The image with the classes of its masks and label maps, those on its grid.

    A mask is named by its entities `label` and `desc`, or by its suffix (`lesion-msk`); ids of a label map by the table
    `_dseg.tsv` beside it.

    Raises:
        DataError: see `read_volume` and `label_on_grid`; two masks of one class; no foreground.
    """
    image = read_volume(item.files["image"])
    masks: dict[str, Mask] = {}
    warnings: list[str] = []
    for path in (path for role, path in item.files.items() if role != "image"):
        label = read_label_volume(path)
        voxels, moved = label_on_grid(image, label, trusts_arrays(item))
        named = parse(path)
        if named.suffix == LABEL_MAP:
            table = _table(path)
            found, said = by_id(voxels, table, place(path)) if table else unnamed(voxels, place(path))
        else:
            mask, said = binary(voxels, place(path))
            found = {class_of_mask(named): np.asarray(mask)}
        if twice := masks.keys() & found.keys():
            raise DataError(f"{place(path)}: the class {min(twice)!r} is in another mask of {item.case}, too")
        masks |= found
        warnings += (*label.warnings, *moved, *said)
    return volume_case(item, image, masks, warnings)


def class_of_mask(named: Named) -> str:
    """The class in the name of a mask.

    Example:
        >>> class_of_mask(parse(Path("sub-01_label-L_desc-T1lesion_mask.nii.gz")))
        'L T1lesion'
    """
    found = MASK.fullmatch(named.suffix)
    words = [named.entities.get("label"), named.entities.get("desc"), found["what"] if found else None]
    return " ".join(word for word in words if word) or "foreground"


def _table(path: Path) -> LabelTable:
    """Class to ids from the table beside a label map; empty if there is none."""
    beside = path.parent / f"{stem(path)}.tsv"
    if not is_listed(beside):
        return {}
    rows = csv.DictReader(read_text(beside).splitlines(), delimiter="\t")
    try:
        named = [(int(row["index"]), row["name"]) for row in rows]
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{place(beside)}: not a table of index and name ({error!r})") from error
    return by_name((number, name) for number, name in named if number)


BIDS = Dataset(
    name=NAME,
    title="BIDS with derivatives",
    modality="MR",
    rows={},
    licence="that of the source data set",
    source="https://bids-specification.readthedocs.io",
    citation="Gorgolewski et al., Scientific Data 3:160044 (2016)",
    layout="sub-*/[ses-*/]{anat,dwi}/*.nii.gz (also below rawdata/) and masks derivatives/**/*_{mask,msk,dseg}.nii.gz",
    find=partial(roots, has_layout=has_layout),
    index=index,
    read=read,
)
