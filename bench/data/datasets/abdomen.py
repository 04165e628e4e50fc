"""Abdominal organs in one label map per scan: BTCV, AMOS (CT and MR) and WORD.

Organs are named as TotalSegmentator names them, so that an organ is one class in all sets; the sets number them
differently (WORD has the left kidney before the right one).
"""

import re
from collections.abc import Callable

from bench.data.case import Dataset
from bench.data.reading.pairs import Origin, PairLayout, pair_dataset

FIRST_MR = 500  # AMOS: cases below are CT, those from here on MR
NUMBER = re.compile(r"\d+")
BTCV_ORGANS = (
    "spleen", "kidney_right", "kidney_left", "gallbladder", "esophagus", "liver", "stomach", "aorta",
    "inferior_vena_cava", "portal_vein_and_splenic_vein", "pancreas", "adrenal_gland_right", "adrenal_gland_left",
)  # fmt: skip
AMOS_ORGANS = (
    "spleen", "kidney_right", "kidney_left", "gallbladder", "esophagus", "liver", "stomach", "aorta",
    "inferior_vena_cava", "pancreas", "adrenal_gland_right", "adrenal_gland_left", "duodenum", "urinary_bladder",
    "prostate_or_uterus",
)  # fmt: skip
WORD_ORGANS = (
    "liver", "spleen", "kidney_left", "kidney_right", "stomach", "gallbladder", "esophagus", "pancreas", "duodenum",
    "colon", "small_bowel", "adrenal_gland", "rectum", "urinary_bladder", "femoral_head_left", "femoral_head_right",
)  # fmt: skip


def is_ct(case: str) -> bool:
    """Whether a case of AMOS is a CT, by the number in its name."""
    return int(NUMBER.findall(case)[-1]) < FIRST_MR


def _numbered(organs: tuple[str, ...]) -> dict[str, tuple[int, ...]]:
    return {organ: (number,) for number, organ in enumerate(organs, 1)}


BTCV = pair_dataset(
    "btcv",
    "BTCV",
    "CT",
    "RawData/Training/img/imgNNNN.nii.gz and RawData/Training/label/labelNNNN.nii.gz",
    PairLayout(
        (r"img/img(?P<case>\d{4})", r"(?P<part>Training|Testing)/img/img(?P<case>\d{4})"),
        (r"label/label(?P<case>\d{4})", r"(?P<part>Training|Testing)/label/label(?P<case>\d{4})"),
        case="btcv_{}",
    ),
    _numbered(BTCV_ORGANS),
    Origin(
        "terms of Synapse; registration",
        "https://www.synapse.org/Synapse:syn3193805",
        "Landman et al., MICCAI Multi-Atlas Labeling Beyond the Cranial Vault (2015)",
    ),
    tubes=("aorta", "esophagus", "inferior_vena_cava", "portal_vein_and_splenic_vein"),
)


def _amos(name: str, title: str, modality: str, wanted: Callable[[str], bool]) -> Dataset:
    """The cases of one modality; both lie in the same folders."""
    return pair_dataset(
        name,
        title,
        modality,
        "images{Tr,Va,Ts}/amos_NNNN.nii.gz and labels{Tr,Va,Ts}/amos_NNNN.nii.gz; ids below 500 are CT, the others MR",
        PairLayout(
            (r"images(?P<part>Tr|Va|Ts)/(?P<case>amos_\d{4})",),
            (r"labels(?P<part>Tr|Va|Ts)/(?P<case>amos_\d{4})",),
            wanted=wanted,
        ),
        _numbered(AMOS_ORGANS),
        Origin(
            "sources conflict: Zenodo says CC BY 4.0, the set's own dataset.json CC BY-SA 4.0",
            "https://doi.org/10.5281/zenodo.7155725",
            "Ji et al., NeurIPS Datasets and Benchmarks (2022)",
        ),
        tubes=("aorta", "esophagus", "inferior_vena_cava"),
    )


AMOS_CT = _amos("amos-ct", "AMOS 2022 (CT)", "CT", is_ct)
AMOS_MRI = _amos("amos-mri", "AMOS 2022 (MRI)", "MR", lambda case: not is_ct(case))
WORD = pair_dataset(
    "word",
    "WORD",
    "CT",
    "images{Tr,Val,Ts}/word_NNNN.nii.gz and labels{Tr,Val,Ts}/word_NNNN.nii.gz",
    PairLayout(
        (r"images(?P<part>Tr|Val|Ts)/(?P<case>word_\d{4})",),
        (r"labels(?P<part>Tr|Val|Ts)/(?P<case>word_\d{4})",),
    ),
    _numbered(WORD_ORGANS),
    Origin(
        "GPL-3.0 (repository), academic use; permission to download was withdrawn in September 2024",
        "https://github.com/HiLab-git/WORD",
        "Luo et al., Medical Image Analysis 82 (2022)",
    ),
    tubes=("esophagus",),
)
