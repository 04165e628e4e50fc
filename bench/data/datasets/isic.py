"""ISIC 2016, 2017 and 2018, task 1: dermoscopy with the border of the lesion."""

from functools import partial

from bench.data.case import Dataset
from bench.data.reading import pictures
from bench.data.reading.assemble import one_class_picture
from bench.data.reading.pairs import Origin, PairLayout, pair_dataset

TARGET = "skin lesion"
PART = "(?P<part>Training|Validation|Test|Test_v2)"  # the last as the challenge serves the test part of 2017
IMAGE = r"(?P<case>ISIC_\d{7})"


def _dataset(year: int, images: str, masks: str, licence: str, citation: str) -> Dataset:
    """A year; its folders of images and of masks have the part in place of the braces."""
    shown = f"{images}/ISIC_NNNNNNN.jpg and {masks}/ISIC_NNNNNNN_segmentation.png".format("Training", "Training")
    return pair_dataset(
        f"isic{year}",
        f"ISIC {year}",
        "dermoscopy",
        f"{shown}, and so on for the other parts",
        PairLayout(
            (f"{images.format(PART)}/{IMAGE}",),
            (f"{masks.format(PART)}/{IMAGE}_segmentation",),
            endings=pictures.ENDINGS,
        ),
        {},
        Origin(licence, "https://challenge.isic-archive.com/data/", citation),
        read=partial(one_class_picture, target=TARGET),
        rows={"Skin lesion": (TARGET,)},
    )


ISIC2016 = _dataset(
    2016,
    "ISBI2016_ISIC_Part1_{}_Data",
    "ISBI2016_ISIC_Part1_{}_GroundTruth",
    "CC0",
    "Gutman et al., arXiv:1605.01397 (2016)",
)
ISIC2017 = _dataset(
    2017,
    "ISIC-2017_{}_Data",
    "ISIC-2017_{}_Part1_GroundTruth",
    "CC0",
    "Codella et al., ISBI 2018, arXiv:1710.05006",
)
ISIC2018 = _dataset(
    2018,
    "ISIC2018_Task1-2_{}_Input",
    "ISIC2018_Task1_{}_GroundTruth",
    "CC BY-NC",
    "Codella et al., arXiv:1902.03368 (2019)",
)
