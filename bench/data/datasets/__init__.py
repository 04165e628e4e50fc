"""The data sets by name: one `Dataset` each, imported when asked for."""

import pkgutil
from difflib import get_close_matches
from importlib.metadata import entry_points

from bench.data.case import Dataset

REGISTRY = {
    "isles2022": "bench.data.datasets.isles2022:DWI",
    "isles2022-adc": "bench.data.datasets.isles2022:ADC",
    "isles2022-flair": "bench.data.datasets.isles2022:FLAIR",
    "isles2015-siss": "bench.data.datasets.isles2015:FLAIR",
    "isles2015-siss-dwi": "bench.data.datasets.isles2015:DWI",
    "segthor": "bench.data.datasets.segthor:SEGTHOR",
    "totalsegmentator-mri": "bench.data.datasets.totalsegmentator:MRI",
    "totalsegmentator-ct": "bench.data.datasets.totalsegmentator:CT",
    "amos-ct": "bench.data.datasets.abdomen:AMOS_CT",
    "amos-mri": "bench.data.datasets.abdomen:AMOS_MRI",
    "btcv": "bench.data.datasets.abdomen:BTCV",
    "word": "bench.data.datasets.abdomen:WORD",
    "acdc": "bench.data.datasets.acdc:ACDC",
    "chaos-t1": "bench.data.datasets.chaos:T1",
    "chaos-t1-outphase": "bench.data.datasets.chaos:T1_OUT_PHASE",
    "chaos-t2": "bench.data.datasets.chaos:T2",
    "chaos-ct": "bench.data.datasets.chaos:CT",
    "sz-cxr": "bench.data.datasets.sz_cxr:SZ_CXR",
    "isic2016": "bench.data.datasets.isic:ISIC2016",
    "isic2017": "bench.data.datasets.isic:ISIC2017",
    "isic2018": "bench.data.datasets.isic:ISIC2018",
    "imis": "bench.data.datasets.imis:IMIS",
    "sam-med2d": "bench.data.datasets.sam_med2d:SAM_MED2D",
    "msd": "bench.data.datasets.msd:MSD",
    "nnunet": "bench.data.datasets.nnunet:NNUNET",
    "bids": "bench.data.datasets.bids:BIDS",
    "medsam-npz": "bench.data.datasets.medsam_npz:MEDSAM_NPZ",
    "dicom": "bench.data.datasets.dicom:DICOM",
    "folder": "bench.data.datasets.folder:FOLDER",
}
# Other channels of a data set that is listed already: read when named, not part of "all".
VARIANTS = ("isles2022-adc", "isles2022-flair", "isles2015-siss-dwi", "chaos-t1-outphase")


def names() -> list[str]:
    """Names that `load` knows, the paper's sets first, those of other packages last."""
    return [*REGISTRY, *others()]


def others() -> dict[str, str]:
    """The data sets of other installed packages: those of the entry points `segmote_bench.datasets`, by name.

    Raises:
        ValueError: one has the name of a data set of this package.
    """
    found = {point.name: point.value for point in entry_points(group="segmote_bench.datasets")}
    if taken := sorted(set(found) & set(REGISTRY)):
        raise ValueError(f"the entry point {taken[0]} = {found[taken[0]]} has the name of a data set of this package")
    return found


def load(name: str) -> Dataset:
    """A data set by its name.

    Raises:
        ValueError: no such name.

    Example:
        >>> load("segthor").modality
        'CT'
    """
    where = REGISTRY.get(name) or others().get(name)
    if where is None:
        likely = get_close_matches(name, names()) or names()
        raise ValueError(f"no data set {name!r}; did you mean {' or '.join(likely)}?")
    found: Dataset = pkgutil.resolve_name(where)
    return found
