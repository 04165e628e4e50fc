"""Names from headers, lists and file systems, brought to one form."""

import unicodedata


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
        >>> modality_of("ct"), modality_of("MRI"), modality_of("T2")
        ('CT', 'MR', 'T2')
    """
    given = str(name).strip()
    return {"ct": "CT", "computed tomography": "CT", "mr": "MR", "mri": "MR"}.get(given.casefold(), given or "any")
