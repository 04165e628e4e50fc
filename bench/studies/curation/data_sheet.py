"""The data sheet of a training set, after Gebru et al., Datasheets for Datasets, CACM 64 (2021): Markdown and HTML."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bench.data.case import class_name
from bench.data.catalogue import load
from bench.studies.document import SheetEntry, write_document

NUMBER = re.compile(r"\d[\d.e+-]*")
EXAMPLES = 20  # kinds of reasons named one by one


@dataclass(frozen=True, slots=True, eq=False)
class DataSheet:
    """What a data sheet is written from.

    Attributes:
        facts: as in `curation.json`.
        manifest, left_out: see `bench.studies.curation.curate.Curated`.
    """

    facts: Mapping[str, Any]
    manifest: pd.DataFrame
    left_out: pd.DataFrame


def write_data_sheet(sheet: DataSheet, out: Path) -> None:
    """Write `data-sheet.md` and `data-sheet.html`, with the same content."""
    sections = {
        "Motivation": _motivation(),
        "Composition": _composition(sheet),
        "Collection and cleaning": _cleaning(sheet),
        "Uses": _uses(sheet),
        "Distribution and maintenance": _distribution(sheet),
    }
    write_document("Data sheet", sections, out / "data-sheet")


def _motivation() -> list[SheetEntry]:
    return [
        SheetEntry(
            "For what purpose was the data set created?",
            "To train interactive segmentation models on few masks of high quality, by the procedure of MedSeg-HQ "
            "(SegMoTE, section 3.6). The paper's own set is not published and its formulas are not given; this one was "
            "chosen from copies of the sources by bench curate. No experts have checked it.",
        )
    ]


def _composition(sheet: DataSheet) -> list[SheetEntry]:
    manifest = sheet.manifest.assign(class_name=sheet.manifest["target"].map(class_name))
    head = ["data set", "modality", "patients", "images", "masks", "classes", "held-out patients", "held-out masks"]
    rows = [
        [dataset, modality, *_counts(mine)] for (dataset, modality), mine in manifest.groupby(["dataset", "modality"])
    ]
    per_class = manifest.groupby(["dataset", "class_name"]).size().reset_index()
    classes = [["data set", "class", "masks"], *per_class.to_numpy().tolist()]
    return [
        SheetEntry(
            "What do the instances represent, and how many are there?",
            f"Pairs of a two-dimensional image and the mask of one class in it: {len(manifest):,} masks.",
            [head, *rows],
        ),
        SheetEntry("Which classes are there?", "", classes),
        SheetEntry(
            "Is it a sample from a larger set?",
            f"Yes: of {sheet.facts['masks_read']:,} masks that could be read. Those that passed all limits were drawn "
            f"at random with seed {sheet.facts['rules']['seed']}.",
        ),
        SheetEntry(
            "Is an image complete with its masks?",
            "No. A class of an image that was not chosen is background in its label, so what a label leaves empty is "
            "not proof of absence. The regions (imask) are the components of the chosen masks, not a model's.",
        ),
        SheetEntry(
            "Are there recommended splits?",
            f"{sheet.facts['rules']['held_out']:.0%} of the patients of each data set are held out, as the list "
            '"test". A patient is on one side in all data sets; an ISIC id is one patient in all years.',
        ),
        SheetEntry(
            "Does it identify individuals?",
            "File names hold the ids of the sources. Whether images are free of identifying marks rests with them.",
        ),
    ]


def _counts(rows: pd.DataFrame) -> list[int]:
    held_out = rows[rows["split"] == "test"]
    images = len(rows[["case", "slice"]].drop_duplicates())
    return [
        rows["person"].nunique(), images, len(rows), rows["class_name"].nunique(),
        held_out["person"].nunique(), len(held_out),
    ]  # fmt: skip


def _cleaning(sheet: DataSheet) -> list[SheetEntry]:
    rules = [
        ["rule", "value"],
        *([name, "-" if value is None else value] for name, value in sheet.facts["rules"].items()),
    ]
    kinds = sheet.left_out.assign(why=sheet.left_out["reason"].map(kind_of_reason))
    counted = kinds.groupby(["dataset", "kind", "why"]).agg(count=("reason", "size"), first=("reason", "first"))
    counted = counted.sort_values("count", ascending=False).reset_index()
    shown = counted.head(EXAMPLES)
    rest = f" The {len(counted) - len(shown)} rarest kinds of reasons are not shown." if len(counted) > EXAMPLES else ""
    tested = ", ".join(sheet.facts["evaluation"])
    unchecked = sheet.facts["evaluation_not_checked"]
    leak = (
        f"Every image was compared with those of {tested}, pixel by pixel and by perceptual hash; {len(unchecked)} of "
        "their cases could not be read and were not compared."
        if tested
        else "No. No evaluation set was named."
    )
    return [
        SheetEntry(
            "How was the quality judged?",
            "Clarity (variance of the Laplacian), contrast (RMS) and entropy of each image, foreground ratio and "
            "number of regions of each mask; each as a robust z-score within data set and modality. Volumes were cut "
            f"and intensities mapped by the protocol {sheet.facts['protocol']}. See quality.png and contact-sheet.png.",
        ),
        SheetEntry("By which rules was it chosen?", "", rules),
        SheetEntry(
            "What was left out, and why?",
            f"{len(sheet.left_out):,} masks or cases; each has its reason in left-out.parquet.{rest}",
            [
                ["data set", "kind", "count", "first reason"],
                *shown[["dataset", "kind", "count", "first"]].to_numpy().tolist(),
            ],
        ),
        SheetEntry("Is it free of the images that models are tested on?", leak),
    ]


def kind_of_reason(reason: str) -> str:
    """A reason without what differs from case to case, so that reasons of one kind can be counted.

    Example:
        >>> kind_of_reason("near-duplicate of isic ISIC_0000001 slice 0")
        'near-duplicate'
        >>> kind_of_reason("score -1.52 is below -1")
        'score -# is below -#'
    """
    for start in ("near-duplicate", "leaked", "not drawn", "constant image"):
        if reason.startswith(start):
            return start
    return NUMBER.sub("#", reason.split(": ", 1)[-1])


def _uses(sheet: DataSheet) -> list[SheetEntry]:
    return [
        SheetEntry(
            "What can it be used for?",
            "bench train segmote --data on this folder reads the training lists; bench run --datasets imis reads "
            "both lists. The folders have the layout of IMIS-Bench.",
        ),
        SheetEntry(
            "What should it not be used for?",
            "For claims about the published MedSeg-HQ, for evaluation of a model that was trained on its sources, or "
            "for any decision about a patient.",
        ),
    ]


def _distribution(sheet: DataSheet) -> list[SheetEntry]:
    names = sorted(set(sheet.manifest["dataset"]))
    sources = [["data set", "licence", "source", "citation"]]
    sources += [[name, (one := load(name)).licence, one.source, one.citation] for name in names]
    return [
        SheetEntry(
            "Under which terms?",
            "Those of the sources, which may forbid passing images on; a mixture has the strictest of all. The "
            "manifest alone holds no image and is enough to make the set again from the sources.",
            sources,
        ),
        SheetEntry(
            "How is it verified and kept up?",
            "manifest.parquet holds the SHA-256 of every file and of its sources "
            f"(its own is {sheet.facts['manifest_sha256']}). The same sources, rules and version "
            f"({sheet.facts['version']}) give the same files, with any number of workers.",
        ),
    ]
