"""ISLES 2015 SISS: sub-acute stroke lesions in brain MR; all channels and the mask share one grid of 1 mm."""

from bench.data.case import Case, DataError, Dataset, Item
from bench.data.reading import nifti
from bench.data.reading.assemble import labelled_case
from bench.data.reading.opening import place
from bench.data.reading.pairs import Origin, PairLayout, pair_dataset

TARGET = "ischemic stroke lesion"
TABLE = {TARGET: (1,)}
META_IMAGE = ".mha"
FILE = r"VSD\..*{}\.\d+"  # the folder and the file in it have one name; the number at the end says nothing
CASE = r"(?P<case>\d+)"


def read(item: Item) -> Case:
    """One channel with the lesion.

    Raises:
        DataError: see `labelled_case`; a MetaImage (`.mha`), which some copies have and which is not read.
    """
    for path in item.files.values():
        if path.name.lower().endswith(META_IMAGE):
            raise DataError(f"{place(path)}: a MetaImage is not read; convert it to .nii.gz (SimpleITK, c3d)")
    return labelled_case(item, TABLE)


def _dataset(name: str, channel: str, title: str) -> Dataset:
    image, label = (FILE.format(token) for token in (rf"MR_{channel}", r"\.OT"))
    others = "|".join(FILE.format(f"MR_{token}") for token in ("Flair", "T1", "T1c", "T2", "DWI"))
    return pair_dataset(
        name,
        title,
        "MR",
        f"N/VSD.Brain.XX.O.MR_{channel}.NNNNN/VSD.Brain.XX.O.MR_{channel}.NNNNN.nii and "
        "N/VSD.Brain_3more.XX.XX.OT.NNNNN/VSD.Brain_3more.XX.XX.OT.NNNNN.nii",
        PairLayout(
            (f"{CASE}/{image}/{image}",),
            (f"{CASE}/{label}/{label}",),
            passed_over=others,
            endings=(*nifti.ENDINGS, META_IMAGE),
            case="isles2015_{}",
        ),
        TABLE,
        Origin(
            "CC BY 4.0 by a third party's card of the Zenodo record",
            "https://doi.org/10.5281/zenodo.17736412",
            "Maier et al., Medical Image Analysis 35 (2017)",
        ),
        read=read,
        rows={"Ischemic stroke lesion": (TARGET,)},
        lesions=(TARGET,),
    )


FLAIR = _dataset("isles2015-siss", "Flair", "ISLES 2015 SISS")
DWI = _dataset("isles2015-siss-dwi", "DWI", "ISLES 2015 SISS (DWI)")
