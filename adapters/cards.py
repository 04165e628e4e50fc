"""The cards of all models: what each is, accepts and was trained on.

They stand here, apart from the families' code, so that lists and run descriptions need not load torch.
"""

from dataclasses import replace

from adapters.interface import Card, PromptKind

BOX: PromptKind = "box"
POINTS: PromptKind = "points"
MASK: PromptKind = "mask"
TEXT: PromptKind = "text"
AUTO: PromptKind = "auto"
BOXES_ALONE = frozenset({frozenset({BOX})})
INTERACTIVE = frozenset(
    frozenset(kinds) for kinds in ((BOX,), (POINTS,), (BOX, POINTS), (POINTS, MASK), (BOX, MASK), (BOX, POINTS, MASK))
)
SHAPES, PHANTOMS = "generic shapes and textures", "mini MedSeg-HQ phantoms"
MEDICAL_VOLUMES = "medical volumes and videos whose list was not read, on top of SAM 2.1"


def _sam(variant: str, title: str, parameters: int, trained_on: str = "SA-1B") -> Card:
    return Card(
        name=f"sam/{variant}",
        title=title,
        accepts=frozenset({BOX, POINTS, MASK}),
        trained=INTERACTIVE,
        parameters=parameters,
        weights=f"sam/{variant}",
        licence="Apache-2.0",
        source="facebookresearch/segment-anything at dca509f",
        citation="Kirillov et al., Segment Anything, ICCV 2023, arXiv 2304.02643",
        trained_on=trained_on,
    )


def _sam2(variant: str, title: str, parameters: int, trained_on: str = "SA-1B, SA-V, internal video") -> Card:
    return Card(
        name=f"sam2/{variant}",
        title=title,
        accepts=frozenset({BOX, POINTS, MASK}),
        trained=INTERACTIVE,
        parameters=parameters,
        weights=f"sam2/{variant}",
        licence="Apache-2.0",
        source="facebookresearch/sam2 at 2b90b9f",
        citation="Ravi et al., SAM 2: Segment Anything in Images and Videos, arXiv 2408.00714",
        trained_on=trained_on,
        propagates=True,
    )


def _medsam2(variant: str, title: str, trained_on: str) -> Card:
    return Card(
        name=f"medsam2/{variant}",
        title=title,
        accepts=frozenset({BOX, POINTS, MASK}),
        trained=frozenset(frozenset(kinds) for kinds in ((BOX,), (POINTS, MASK), (BOX, POINTS, MASK))),
        parameters=38_962_498,
        weights=f"medsam2/{variant}",
        licence="CC-BY-SA-4.0, for research and education only",
        source="bowang-lab/MedSAM2 at 332f30d, on the package sam2",
        citation="Ma et al., MedSAM2: Segment Anything in 3D Medical Images and Videos, arXiv 2504.03600",
        trained_on=trained_on,
        propagates=True,
    )


def _baseline(variant: str, title: str, source: str) -> Card:
    return Card(
        name=f"baseline/{variant}",
        title=title,
        accepts=frozenset({BOX}),
        trained=BOXES_ALONE,
        parameters=0,
        weights=None,
        licence="Apache-2.0",
        source=source,
        citation="none",
        trained_on="nothing",
    )


MEDSAM = Card(
    name="medsam/vit_b",
    title="MedSAM ViT-B",
    accepts=frozenset({BOX, POINTS}),
    trained=BOXES_ALONE,
    parameters=93_735_472,
    weights="medsam/vit_b",
    licence="Apache-2.0",
    source="bowang-lab/MedSAM at d71e8a1",
    citation="Ma et al., Segment anything in medical images, Nature Communications 15:654, 2024",
    trained_on="public medical sets of 10 modalities (1.57 million image-mask pairs)",
)
MEDICOSAM = Card(
    name="medicosam/vit_b",
    title="MedicoSAM ViT-B",
    accepts=frozenset({BOX, POINTS, MASK}),
    trained=frozenset(
        frozenset(kinds) for kinds in ((BOX,), (POINTS,), (BOX, POINTS), (POINTS, MASK), (BOX, POINTS, MASK))
    ),
    parameters=93_735_472,
    weights="medicosam/vit_b",
    licence="MIT",
    source="computational-cell-analytics/medico-sam, vit_b_medical_imaging of micro-sam 1.8.14",
    citation="Archit et al., MedicoSAM: Robust Improvement of SAM for Medical Imaging, IEEE TMI, 2025",
    trained_on="medical images whose list was not read, on top of SA-1B",
)
SAM3 = Card(
    name="sam3/tracker",
    title="SAM 3",
    accepts=frozenset({BOX, POINTS, MASK}),
    trained=INTERACTIVE,
    parameters=458_260_369,
    weights="sam3/tracker",
    licence="SAM License (19 November 2025)",
    source="Sam3TrackerModel of transformers 5.24, facebookresearch/sam3",
    citation="Carion et al., SAM 3: Segment Anything with Concepts, arXiv 2511.16719",
    trained_on="SA-Co and other images and videos; the full list was not read",
)
HUANG = Card(
    name="huang/vit_b",
    title="Huang et al. ViT-B",
    accepts=frozenset({BOX, POINTS}),
    trained=BOXES_ALONE,
    parameters=93_735_472,
    weights="huang/vit_b",
    licence="none stated",
    source="yuhoo0302/Segment-Anything-Model-for-Medical-Images at b2f0d41",
    citation="Huang et al., Segment anything model for medical images?, Medical Image Analysis 92:103061, 2024",
    trained_on="COSMOS 1050K (53 public medical sets), on top of SA-1B",
)
SAM_MED2D = Card(
    name="sam-med2d/vit_b",
    title="SAM-Med2D ViT-B",
    accepts=frozenset({BOX, POINTS, MASK}),
    trained=frozenset(frozenset(kinds) for kinds in ((BOX,), (POINTS,), (POINTS, MASK), (MASK,))),
    parameters=271_241_776,
    weights="sam-med2d/vit_b",
    licence="Apache-2.0",
    source="OpenGVLab/SAM-Med2D at bfd2b93",
    citation="Cheng et al., SAM-Med2D, arXiv 2308.16184",
    trained_on="SA-Med2D-20M, on top of SA-1B",
)
IMIS = Card(
    name="imis/vit_b",
    title="IMIS-Net ViT-B",
    accepts=frozenset({BOX, POINTS, MASK, TEXT}),
    trained=frozenset(
        frozenset(kinds) for kinds in ((BOX,), (POINTS,), (TEXT,), (POINTS, MASK), (POINTS, TEXT), (TEXT, MASK))
    ),
    parameters=182_516_560,
    weights="imis/vit_b",
    licence="none stated",
    source="uni-medical/IMIS-Bench at f4519c0",
    citation="Cheng et al., Interactive medical image segmentation: a benchmark dataset and baseline, CVPR 2025",
    trained_on="IMed-361M",
)
SEGMOTE = Card(
    name="segmote/released",
    title="SegMoTE",
    accepts=IMIS.accepts | {AUTO},
    trained=IMIS.trained | {frozenset({AUTO}), frozenset({MASK})},
    parameters=200_080_336,
    weights="segmote/released",
    licence="not known",
    source="InMyDreammer/SegMoTE at 77668f0, its router at ba6e178",
    citation="Lu et al., SegMoTE: token-level mixture of experts for medical image segmentation",
    trained_on="MedSeg-HQ, on top of IMISNet-B",
)


def given_masks(name: str) -> Card:
    """The card of a tool whose masks are given: it answers every kind of prompt, whatever it was prompted with.

    Args:
        name: "masks/" and the tool's name.
    """
    kinds: tuple[PromptKind, ...] = (BOX, POINTS, TEXT, AUTO)
    return Card(
        name=name,
        title=name.partition("/")[2],
        accepts=frozenset({BOX, POINTS, MASK, TEXT, AUTO}),
        trained=INTERACTIVE | {frozenset({kind}) for kind in kinds},
        parameters=0,
        weights=None,
        licence="that of the tool",
        source="masks that were given",
        citation="none",
        trained_on="not known",
    )


def _mini(official: Card, title: str, parameters: int) -> Card:
    """The card of a family's mini, which is trained on phantoms like its original on data."""
    name = f"{official.name.partition('/')[0]}/mini"
    return replace(
        official,
        name=name,
        title=title,
        parameters=parameters,
        weights=name,
        licence="Apache-2.0",
        trained_on=PHANTOMS,
    )


CARDS = {
    card.name: card
    for card in (
        _sam("vit_b", "SAM ViT-B", 93_735_472),
        _sam("vit_l", "SAM ViT-L", 312_342_832),
        _sam("vit_h", "SAM ViT-H", 641_090_608),
        _sam("mini", "SAM mini", 1_135_538, SHAPES),
        _sam2("hiera_tiny", "SAM 2.1 Hiera-T", 38_962_498),
        _sam2("hiera_small", "SAM 2.1 Hiera-S", 46_060_354),
        _sam2("hiera_base_plus", "SAM 2.1 Hiera-B+", 80_850_178),
        _sam2("hiera_large", "SAM 2.1 Hiera-L", 224_446_642),
        _sam2("mini", "SAM 2 mini", 1_551_925, SHAPES),
        MEDSAM,
        _mini(MEDSAM, "MedSAM mini", 1_135_538),
        MEDICOSAM,
        _medsam2("latest", "MedSAM2", MEDICAL_VOLUMES),
        _medsam2("2411", "MedSAM2 (November 2024)", MEDICAL_VOLUMES),
        _medsam2("us_heart", "MedSAM2 (heart, ultrasound)", f"heart ultrasound, on top of {MEDICAL_VOLUMES}"),
        _medsam2("mri_liverlesion", "MedSAM2 (liver lesions, MRI)", f"liver MRI, on top of {MEDICAL_VOLUMES}"),
        _medsam2("ctlesion", "MedSAM2 (lesions, CT)", f"lesions in CT, on top of {MEDICAL_VOLUMES}"),
        SAM3,
        HUANG,
        _mini(HUANG, "Huang et al. mini", 1_135_538),
        SAM_MED2D,
        replace(SAM_MED2D, name="sam-med2d/vit_b-bgr", title="SAM-Med2D ViT-B (BGR)"),
        replace(SAM_MED2D, name="sam-med2d/vit_b-pad", title="SAM-Med2D ViT-B (BGR, padded)"),
        _mini(SAM_MED2D, "SAM-Med2D mini", 1_303_538),
        IMIS,
        _mini(IMIS, "IMIS-Net mini", 1_200_896),
        SEGMOTE,
        replace(SEGMOTE, name="segmote/paper", title="SegMoTE by the paper's formulas"),
        replace(
            _mini(SEGMOTE, "SegMoTE mini", 1_571_192),
            trained=frozenset(frozenset({kind}) for kind in (BOX, POINTS, TEXT, AUTO)),
        ),
        _baseline("box", "Filled box", "all pixels of the box"),
        _baseline("ellipse", "Inscribed ellipse", "the largest ellipse in the box"),
        _baseline("otsu", "Otsu in box", "scikit-image, threshold_otsu; the side nearer to the box's centre"),
    )
}
