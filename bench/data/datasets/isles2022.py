"""ISLES 2022: stroke lesions in brain MR; the mask is drawn on DWI."""

import re
from collections import defaultdict
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from bench.data.case import Case, DataError, Dataset, Defect, Item
from bench.data.reading.assemble import trusts_arrays, volume_case
from bench.data.reading.labels import binary
from bench.data.reading.layout import Entry, arranged, children, files, only, roots
from bench.data.reading.nifti import ENDINGS, read_label_volume, read_volume
from bench.data.reading.opening import place
from bench.data.reading.volumes import Volume, label_on_grid, resample

TARGET = "ischemic stroke lesion"
SUBJECT = re.compile(r"sub-strokecase\d+", re.IGNORECASE)
FILE = re.compile(
    r"(?P<subject>sub-strokecase\d+)(?:_(?P<session>ses-[^_]+))?.*_(?P<token>dwi|adc|flair|msk)\.nii(?:\.gz)?",
    re.IGNORECASE,
)
KINDS = ("dwi", "anat")
FOLDERS = ("rawdata", "derivatives")


def has_layout(folder: Path) -> bool:
    """Subjects in the folder itself, or in its `rawdata` or `derivatives`."""
    return any(SUBJECT.match(path.name) for path in children(folder)) or any(
        SUBJECT.match(path.name) for name in FOLDERS for path in children(folder / name)
    )


def index(root: Path, dataset: str, channel: str) -> list[Entry]:
    """Cases by mask file; the release's folders, those of the preview, and flat copies alike."""
    sessions: dict[tuple[str, str], dict[str, list[Path]]] = defaultdict(lambda: defaultdict(list))
    for path in files(root, ENDINGS):
        if found := FILE.fullmatch(path.name):
            session = (found["session"] or "ses-0001").lower()
            sessions[found["subject"].lower(), session][found["token"].lower()].append(path)
    return arranged(_entry(dataset, channel, *key, tokens) for key, tokens in sessions.items())


def _entry(dataset: str, channel: str, subject: str, session: str, tokens: dict[str, list[Path]]) -> Entry:
    case = subject if session == "ses-0001" else f"{subject}_{session}"
    images, masks = tokens.get(channel, []), tokens.get("msk", [])
    if not images and not masks:
        (other, *_), *_ = tokens.values()
        return Defect(dataset, subject, case, "skipped", f"{place(other)}: neither {channel.upper()} image nor mask")
    if not images:
        reason = f"{place(masks[0])}: mask without {channel.upper()} image"
        return Defect(dataset, subject, case, "skipped", reason)
    if not masks:
        return Defect(dataset, subject, case, "skipped", f"{place(images[0])}: image without mask")
    try:
        image, mask = _original(images, f"{channel.upper()} image"), _original(masks, "mask")
    except DataError as error:
        return Defect(dataset, subject, case, "failed", str(error))
    copies = [place(path) for path in (*images, *masks) if path not in (image, mask)]
    warnings = (f"further copies not read: {', '.join(copies)}",) if copies else ()
    return Item(dataset, subject, case, "MR", {"image": image, "mask": mask}, {"warnings": warnings})


def _original(paths: list[Path], what: str) -> Path:
    """The file in the folder that the release has it in; a processed copy of an image lies below `derivatives`.

    Raises:
        DataError: several files lie there.
    """
    ranks = [(what != "mask" and "derivatives" in path.parts, path.parent.name not in KINDS) for path in paths]
    return only([path for path, rank in zip(paths, ranks, strict=True) if rank == min(ranks)], what)


def read(item: Item) -> Case:
    """DWI or ADC with the mask that lies on their grid.

    Raises:
        DataError: see `read_volume` and `label_on_grid`; no lesion (three cases of the release).
    """
    image, mask = read_volume(item.files["image"]), read_label_volume(item.files["mask"])
    voxels, moved = label_on_grid(image, mask, trusts_arrays(item))
    return _case(item, image, replace(mask, voxels=voxels), moved)


def read_resampled(item: Item) -> Case:
    """FLAIR brought to the mask's grid by the affines of both, which stands in for a registration.

    Raises:
        DataError: see `read_volume` and `resample`; no lesion.
    """
    image, mask = read_volume(item.files["image"]), read_label_volume(item.files["mask"])
    moved = resample(image, mask)
    outside = np.count_nonzero(np.isnan(moved) & (mask.voxels > 0))
    moved = np.nan_to_num(moved, nan=float(np.nanmin(moved)))
    warnings = (f"{outside} mask voxels lie outside of the image",) if outside else ()
    return _case(item, replace(mask, path=image.path, voxels=moved, warnings=image.warnings), mask, warnings)


def _case(item: Item, image: Volume, mask: Volume, warnings: tuple[str, ...]) -> Case:
    lesion, soft = binary(mask.voxels, place(mask.path))
    if not lesion.any():
        raise DataError(f"{place(mask.path)}: empty mask, no lesion", "skipped")
    return volume_case(item, image, {TARGET: lesion}, (*mask.warnings, *warnings, *soft))


def _dataset(name: str, channel: str, title: str) -> Dataset:
    return Dataset(
        name=name,
        title=title,
        modality="MR",
        rows={"Ischemic stroke lesion": (TARGET,)},
        licence="CC BY 4.0 or CC BY-SA 4.0: sources conflict, the organisers' README says the latter",
        source="https://doi.org/10.5281/zenodo.7153326",
        citation="Hernandez Petzsche et al., Scientific Data 9:762 (2022)",
        layout="sub-strokecaseNNNN/ses-0001/{dwi,anat}/*_{dwi,adc,FLAIR}.nii.gz (also below rawdata/, also flat) and "
        "derivatives/sub-strokecaseNNNN/ses-0001/*_msk.nii.gz",
        find=partial(roots, has_layout=has_layout),
        index=partial(index, dataset=name, channel=channel),
        read=read_resampled if channel == "flair" else read,
        lesions=(TARGET,),
    )


DWI = _dataset("isles2022", "dwi", "ISLES 2022")
ADC = _dataset("isles2022-adc", "adc", "ISLES 2022 (ADC)")
FLAIR = _dataset("isles2022-flair", "flair", "ISLES 2022 (FLAIR)")
