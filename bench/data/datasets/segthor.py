"""SegTHOR: four thoracic organs at risk in CT."""

import re
from collections import defaultdict
from functools import partial
from pathlib import Path

from bench.data.case import Case, DataError, Dataset, Defect, Item
from bench.data.reading.assemble import labelled_case
from bench.data.reading.layout import Entry, arranged, children, files, only, roots, stem
from bench.data.reading.names import folded
from bench.data.reading.nifti import ENDINGS
from bench.data.reading.opening import place

NAME = "segthor"
LABELS = {"esophagus": (1,), "heart": (2,), "trachea": (3,), "aorta": (4,)}
PATIENT = re.compile(r"Patient_\d+", re.IGNORECASE)


def has_layout(folder: Path) -> bool:
    """Patient folders in the folder itself or in its `train`, one of them with a file of the layout."""
    patients = (path for parent in (folder, folder / "train") for path in children(parent))
    return any(_role(file) for path in patients if PATIENT.fullmatch(path.name) for file in children(path))


def index(root: Path) -> list[Entry]:
    """Cases by patient, capitals ignored; test patients come without labels and are defects."""
    patients: dict[str, dict[str, list[Path]]] = defaultdict(lambda: defaultdict(list))
    names: dict[str, str] = {}
    for path in files(root, ENDINGS):
        if role := _role(path):
            name = path.parent.name if role == "mask" else stem(path)
            patients[folded(name)][role].append(path)
            names.setdefault(folded(name), name)
    return arranged(_entry(names[patient], found) for patient, found in patients.items())


def _role(path: Path) -> str | None:
    """What a file is: altered copies such as `GT2.nii.gz` are nothing."""
    if stem(path).lower() == "gt" and PATIENT.fullmatch(path.parent.name):
        return "mask"
    return "image" if PATIENT.fullmatch(stem(path)) else None


def _entry(patient: str, found: dict[str, list[Path]]) -> Entry:
    images, masks = found["image"], found["mask"]
    if not images:
        return Defect(NAME, patient, patient, "skipped", f"{place(masks[0])}: mask without image")
    if not masks:
        reason = f"{place(images[0])}: image without mask (GT.nii.gz)"
        return Defect(NAME, patient, patient, "skipped", reason)
    try:
        mask = only(masks, "label map")
        beside = [path for path in images if path.parent == mask.parent]
        image = only(beside or images, "image")
    except DataError as error:
        return Defect(NAME, patient, patient, "failed", str(error))
    others = [place(path) for path in images if path != image]
    warnings = (f"images in other folders not read: {', '.join(others)}",) if others else ()
    return Item(NAME, patient, patient, "CT", {"image": image, "mask": mask}, {"warnings": warnings})


def read(item: Item) -> Case:
    """The CT in Hounsfield units with the organs its label map has.

    Raises:
        DataError: see `labelled_case`.
    """
    return labelled_case(item, LABELS)


SEGTHOR = Dataset(
    name=NAME,
    title="SegTHOR",
    modality="CT",
    rows={name.capitalize(): (name,) for name in ("esophagus", "heart", "aorta", "trachea")},
    licence="data usage agreement of the challenge, to be signed; redistributed on Zenodo all the same",
    source="https://competitions.codalab.org/competitions/21145 (official), https://zenodo.org/records/16663661",
    citation="Lambert et al., IPTA (2020)",
    layout="train/Patient_NN/{Patient_NN,GT}.nii.gz",
    find=partial(roots, has_layout=has_layout),
    index=index,
    read=read,
    tubes=("esophagus", "aorta", "trachea"),
    labels=LABELS,
)
