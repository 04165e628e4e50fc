"""The stages of each family's training."""

from dataclasses import replace

from adapters.families.small_networks import DEPTH
from bench.miniworld.training.batches import Variation
from bench.miniworld.training.stages import Stage

GENERIC, MEDICAL = ("blots", "shapes"), ("medical", "blots")
BOXES = {"box": 1.0}

BOXES_STAGE = Stage(
    "boxes",
    steps=450,
    worlds=("blots",),
    muon=3e-2,
    adamw=3e-3,
    weight_decay=0.01,
    frozen_share=1.0,
    first=BOXES,
    noisy_share=0.0,
    brightness=1.0,
    localises=True,
)
FROM_NOTHING = (
    BOXES_STAGE,
    replace(BOXES_STAGE, name="boxes again"),
    Stage(
        "masks",
        steps=550,
        worlds=GENERIC,
        muon=1.2e-2,
        adamw=3e-3,
        frozen_share=0.5,
        first={"box": 0.7, "click": 0.3},
        rounds=3,
        rounds_share=(0.1, 0.1),
        brightness=0.5,
        membership=1.0,
        one_contrast=(0.1, 0.3),
    ),
    Stage(
        "all",
        steps=2200,
        worlds=GENERIC,
        muon=4e-3,
        adamw=1e-3,
        rounds=5,
        rounds_share=(0.3, 0.5),
        brightness=0.3,
        membership=1.0,
    ),
)


SAM = (*FROM_NOTHING, replace(FROM_NOTHING[-1], name="all again", steps=4000, rounds_share=(0.5, 0.5)))
SAM2 = (*FROM_NOTHING, replace(SAM[-1], steps=2000), replace(SAM[-1], name="all once more"))


def _on_medical(steps: int, first: dict[str, float], rounds: int, learns: tuple[str, ...]) -> Stage:
    return Stage(
        "medical",
        steps=steps,
        worlds=MEDICAL,
        muon=4e-3,
        adamw=1e-3,
        learns=learns,
        first=first,
        rounds=rounds,
        rounds_share=(0.3, 0.5) if rounds > 1 else (0.0, 0.0),
        brightness=0.3,
        membership=1.0,
        variation=Variation(zoom=(0.3, 1.6)),
    )


# What learned in the originals: all but the prompts in MedSAM, the decoder alone in Huang et al., adapters, prompts and
# decoder in SAM-Med2D, all but the transformer of the encoder in IMIS-Net.
LEARNED = {
    "medsam": ("image_encoder.", "mask_decoder."),
    "huang": ("mask_decoder.",),
    "sam-med2d": (
        *(f"image_encoder.blocks.{block}.Adapter." for block in range(DEPTH)),
        "prompt_encoder.",
        "mask_decoder.",
    ),
    "imis": ("image_encoder.neck.", "prompt_encoder.", "mask_decoder.", "text_model.", "text_out_dim."),
}

MEDSAM = (_on_medical(900, BOXES, 1, LEARNED["medsam"]),)
HUANG = (_on_medical(900, BOXES, 1, LEARNED["huang"]),)
_MED2D = _on_medical(600, {"box": 0.5, "click": 0.5}, 5, LEARNED["sam-med2d"])
SAM_MED2D = (
    _MED2D,
    replace(_MED2D, name="medical again", steps=2000, muon=2e-3, adamw=5e-4, rounds_share=(0.5, 0.5)),
)
IMIS = (_on_medical(3000, {"box": 0.4, "click": 0.3, "text": 0.3}, 5, LEARNED["imis"]),)
