"""ACDC: the ventricles of the heart in short-axis cine MR, end-diastolic and end-systolic frame of each patient."""

from bench.data.reading.pairs import Origin, PairLayout, pair_dataset

FRAME = r"(?P<patient>patient\d{3})/(?P<case>patient\d{3}_frame\d{2})"
PLACES = (FRAME, rf"(?P<part>training|testing)/{FRAME}")

ACDC = pair_dataset(
    "acdc",
    "ACDC",
    "MR",
    "{training,testing}/patientNNN/{patientNNN_frameNN,patientNNN_frameNN_gt}.nii.gz; the series (_4d) is not read",
    PairLayout(PLACES, tuple(f"{place}_gt" for place in PLACES), passed_over=r"patient\d{3}_4d"),
    {"right_ventricle": (1,), "myocardium": (2,), "left_ventricle": (3,)},
    Origin(
        "CC BY-NC-SA 4.0",
        "https://humanheart-project.creatis.insa-lyon.fr/database/",
        "Bernard et al., IEEE Transactions on Medical Imaging 37(11) (2018)",
    ),
)
