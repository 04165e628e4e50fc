"""The data sets by name: one `Dataset` each, imported when asked for."""

import pkgutil
from difflib import get_close_matches

from bench.data.case import Dataset

REGISTRY = {
    "isles2022": "bench.data.datasets.isles2022:DWI",
    "isles2022-adc": "bench.data.datasets.isles2022:ADC",
    "isles2022-flair": "bench.data.datasets.isles2022:FLAIR",
    "segthor": "bench.data.datasets.segthor:SEGTHOR",
    "totalsegmentator-mri": "bench.data.datasets.totalsegmentator:MRI",
    "totalsegmentator-ct": "bench.data.datasets.totalsegmentator:CT",
    "imis": "bench.data.datasets.imis:IMIS",
    "sam-med2d": "bench.data.datasets.sam_med2d:SAM_MED2D",
    "nnunet": "bench.data.datasets.nnunet:NNUNET",
    "folder": "bench.data.datasets.folder:FOLDER",
}
# Other channels of a data set that is listed already: read when named, not part of "all".
VARIANTS = ("isles2022-adc", "isles2022-flair")


def names() -> list[str]:
    """Names that `load` knows, the paper's sets first."""
    return list(REGISTRY)


def load(name: str) -> Dataset:
    """A data set by its name.

    Raises:
        ValueError: no such name.

    Example:
        >>> load("segthor").modality
        'CT'
    """
    if name not in REGISTRY:
        likely = get_close_matches(name, REGISTRY) or names()
        raise ValueError(f"no data set {name!r}; did you mean {' or '.join(likely)}?")
    found: Dataset = pkgutil.resolve_name(REGISTRY[name])
    return found
