"""Every case of a data set read once: what is usable, what is not and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tabulate import tabulate

from bench.data import catalogue, mapped
from bench.data.case import Case, DataError, Defect, Item, class_name


@dataclass(frozen=True, slots=True)
class ClassCount:
    """In how many cases a class occurs, and its smallest and largest area (pixels, or voxels of a volume)."""

    cases: int
    smallest: int
    largest: int


@dataclass(frozen=True, slots=True)
class DataCheck:
    """The state of a data set on disk.

    Attributes:
        dataset: as on the command line.
        cases: ids that can be evaluated.
        defects: what cannot, and why.
        warnings: (case, sentence) of cases that can, with a reservation.
        classes: target to its count, by name.
    """

    dataset: str
    cases: tuple[str, ...]
    defects: tuple[Defect, ...]
    warnings: tuple[tuple[str, str], ...]
    classes: Mapping[str, ClassCount]

    @property
    def failed(self) -> int:
        """How many defects are failures, not cases with nothing to evaluate."""
        return sum(defect.kind == "failed" for defect in self.defects)

    def text(self) -> str:
        """The report for people: counts, defects, warnings and a table of the classes."""
        skipped = len(self.defects) - self.failed
        counts = f"{len(self.cases)} usable, {skipped} skipped, {self.failed} failed"
        defects = (f"{d.kind} {' '.join(filter(None, (d.case, d.target)))}: {d.reason}" for d in self.defects)
        warnings = (f"warning {case}: {sentence}" for case, sentence in self.warnings)
        rows = [(class_name(name), count.cases, count.smallest, count.largest) for name, count in self.classes.items()]
        table = tabulate(rows, headers=["class", "cases", "smallest (px)", "largest (px)"])
        return "\n".join((f"{self.dataset}: {counts}", *defects, *warnings, table))


def check(name: str, data: Path, trust_arrays: bool = False, follow_links: bool = False) -> DataCheck:
    """Read all cases of a data set at or below a folder, one at a time.

    Raises:
        ValueError: no such data set.
        RunError: nothing with its layout lies below the folder.
    """
    items, unusable = catalogue.index(name, data, None, trust_arrays, follow_links)
    defects = list(unusable)
    cases: list[str] = []
    warnings: list[tuple[str, str]] = []
    areas: dict[str, list[int]] = {}
    for item in items:
        found = _attempt(item)
        if isinstance(found, Defect):
            defects.append(found)
            continue
        cases.append(found.case)
        warnings += ((found.case, text) for text in found.warnings)
        for target, mask in found.masks.items():
            areas.setdefault(target, []).append(mapped.count(mask, np.asarray))
    defects.sort(key=lambda defect: (defect.case, defect.reason))
    classes = {target: ClassCount(len(found), min(found), max(found)) for target, found in sorted(areas.items())}
    return DataCheck(name, tuple(cases), tuple(defects), tuple(warnings), classes)


def _attempt(item: Item) -> Case | Defect:
    try:
        return catalogue.read(item)
    except DataError as error:
        return Defect(item.dataset, item.patient, item.case, error.kind, str(error))
