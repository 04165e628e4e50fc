"""SZ-CXR: the Shenzhen chest X-rays with the lungs as one mask, which 566 of the 662 have."""

from functools import partial

from bench.data.reading import pictures
from bench.data.reading.assemble import one_class_picture
from bench.data.reading.pairs import Origin, PairLayout, pair_dataset

TARGET = "lungs"
IMAGE = r"(?P<case>(?P<patient>CHNCXR_\d{4})_[01])"

SZ_CXR = pair_dataset(
    "sz-cxr",
    "SZ-CXR",
    "X-ray",
    "CXR_png/CHNCXR_NNNN_N.png and mask/CHNCXR_NNNN_N_mask.png",
    PairLayout((f"CXR_png/{IMAGE}",), (f"masks?/{IMAGE}_mask",), endings=pictures.ENDINGS),
    {},
    Origin(
        "CC BY-NC-SA 4.0 (masks); images: National Library of Medicine, to be cited",
        "https://www.kaggle.com/datasets/yoctoman/shcxr-lung-mask",
        "Jaeger et al., Quant. Imaging Med. Surg. 4(6) (2014); masks: Stirenko et al., IEEE ELNANO (2018)",
    ),
    read=partial(one_class_picture, target=TARGET),
    rows={"Lungs": (TARGET,)},
)
