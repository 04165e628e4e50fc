"""Who is held out: whole persons, never some of their images."""

import hashlib
import re

import pandas as pd

from bench.data.reading.names import folded

ISIC = re.compile(r"ISIC_\d{7}", re.IGNORECASE)  # the same id in all years is the same lesion


def person_of(patient: str) -> str:
    """The name under which a patient is known in all data sets: the ISIC id if there is one, else the patient's own.

    Patients of one name in two data sets are taken for one person, which is too careful rather than too bold.

    Example:
        >>> person_of("isic2017/ISIC_0000001"), person_of("Patient_01")
        ('isic_0000001', 'patient_01')
    """
    found = ISIC.search(patient)
    return folded(found[0] if found else patient)


def held_out(rows: pd.DataFrame, share: float, seed: int) -> set[str]:
    """The persons held out: that share of the persons of each data set, at least one where there are two or more.

    Args:
        rows: `dataset` and `person` of each mask.
        share: of the persons, 0 holds out nobody.
        seed: of the choice, which otherwise depends on the persons' names alone.
    """
    chosen: set[str] = set()
    for _, mine in rows.groupby("dataset"):
        persons = sorted(set(mine["person"]), key=lambda person: draw(seed, person))
        count = max(1, round(share * len(persons))) if share and len(persons) > 1 else 0
        already = [person for person in persons if person in chosen]
        others = [person for person in persons if person not in chosen]
        chosen.update(others[: max(0, min(count - len(already), len(persons) - 1 - len(already)))])
    return chosen


def draw(seed: int, *names: object) -> bytes:
    """A place in a random order that depends on seed and names alone, not on how many others there are."""
    return hashlib.sha256("|".join(map(str, (seed, *names))).encode()).digest()
