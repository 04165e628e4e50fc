"""Names from headers, lists and file systems, brought to one form."""

import re
import unicodedata

MODALITIES = {
    "CT": ("ct", "cta", "ct scan", "ct image", "ct angiography", "computed tomography"),
    "MR": ("mr", "mri", "mr scan", "mri scan", "mr image", "magnetic resonance", "magnetic resonance imaging"),
}


def folded(name: str) -> str:
    """A name by which those are equal that some file system or reader takes for the same: capitals, composed letters.

    Example:
        >>> folded("Liver") == folded("LIVER")
        True
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def modality_of(name: object) -> str:
    """A modality as readers name it: "CT" and "MR" whatever their spelling, others as given.

    Example:
        >>> modality_of("ct"), modality_of("CT_scan"), modality_of("MRI"), modality_of("T2")
        ('CT', 'CT', 'MR', 'T2')
    """
    given = str(name).strip()
    words = " ".join(re.split(r"[\s_-]+", given.casefold()))
    return next((known for known, names in MODALITIES.items() if words in names), given or "any")
