"""How each family's mini is trained: its original's recipe, on phantoms instead of data, in few steps."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor

from adapters.families.huang import HuangSegmenter
from adapters.families.imis import MINI_VOCABULARY, ImisSegmenter
from adapters.families.medsam import MedSamSegmenter
from adapters.families.sam import SamSegmenter
from adapters.families.sam2 import Sam2Segmenter
from adapters.families.sam_med2d import SamMed2dSegmenter
from adapters.weights.checkpoint import fill
from bench.miniworld.phantoms.medical import medical_sample
from bench.miniworld.phantoms.shapes import shape_sample
from bench.miniworld.training import imis
from bench.miniworld.training.batches import Sampler, Variation
from bench.miniworld.training.drill import Drill, by_logits, by_probabilities
from bench.miniworld.training.inheritance import quiet_adapters, unit_range
from bench.miniworld.training.lessons import IMIS, MED2D, Lesson
from bench.miniworld.training.networks import Network
from bench.miniworld.training.prompts import enlarged_boxes, jittered_boxes, noisy_boxes, shifted_boxes, tight_boxes
from bench.miniworld.training.rehearsal import Rehearsal

# The targets of the zero-shot sets measure a few per cent of the image's side, the organs of the training world more.
SMALL = Variation(shrunk_share=0.8, least_scale=0.25)
DRILL = Drill(
    steps=7000,
    images=5000,
    rate=2e-3,
    muon=5e-3,
    variation=Variation(shrunk_share=0.8, least_scale=0.2, either_edge=False),
    enlarge=by_logits,
)
SHAPES, MEDICAL = "generic shapes and textures", "mini MedSeg-HQ phantoms"


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one family's mini is trained.

    Attributes:
        adapter: the family; builds the network and prepares its input.
        parent: family whose mini weights it starts from, None for scratch.
        trained: prefixes of the parameters that learn.
        sampler: draws a training sample.
        data: what the sampler draws, for the file's metadata.
        interactive: SAM's boxes or clicks over several rounds; otherwise one box and token 0.
        boxes: noise put on the tight boxes.
        steps: of the optimiser.
        images: a step.
        rate: highest learning rate.
        seed: of everything that is drawn.
        variation: of the samples.
        echoes: steps that a batch serves, each with boxes of its own; preparing it may cost more than a step.
        lesson: what goes before `interactive` and `boxes` where a family was trained otherwise.
        rehearsal: before the first image, of a family that starts from nothing.
        drill: of the decoder, after `steps`, of a family that is asked with boxes only.
        inherit: fills the network from its parent's file.
        companion: a file that its adapter reads beside the weights, and that is not trained.
    """

    adapter: type[SamSegmenter] | type[Sam2Segmenter] | type[ImisSegmenter]
    parent: str | None
    trained: tuple[str, ...]
    sampler: Sampler
    data: str
    interactive: bool
    boxes: Callable[[Tensor, int, torch.Generator], Tensor]
    steps: int
    images: int
    rate: float
    seed: int
    lesson: Lesson | None = None
    variation: Variation = field(default_factory=Variation)
    echoes: int = 1
    rehearsal: Rehearsal | None = None
    drill: Drill | None = None
    inherit: Callable[[Network, Path], None] = fill
    companion: Path | None = None


RECIPES = {
    "sam": Recipe(
        adapter=SamSegmenter,
        parent=None,
        trained=("image_encoder.", "prompt_encoder.", "mask_decoder."),
        sampler=shape_sample,
        data=SHAPES,
        interactive=True,
        boxes=noisy_boxes,
        rehearsal=Rehearsal(5000, 5e-3),
        steps=1500,
        images=4,
        rate=1e-3,
        seed=1,
    ),
    "sam2": Recipe(
        adapter=Sam2Segmenter,
        parent=None,
        trained=("image_encoder.", "sam_prompt_encoder.", "sam_mask_decoder.", "no_mem_embed"),
        sampler=shape_sample,
        data=SHAPES,
        interactive=True,
        boxes=noisy_boxes,
        rehearsal=Rehearsal(2000, 2e-3),
        steps=1200,
        images=4,
        rate=1e-3,
        seed=2,
    ),
    "medsam": Recipe(
        adapter=MedSamSegmenter,
        parent="sam",
        trained=("image_encoder.", "mask_decoder."),
        sampler=medical_sample,
        data=MEDICAL,
        interactive=False,
        boxes=enlarged_boxes,
        inherit=unit_range,
        steps=800,
        images=4,
        rate=5e-4,
        seed=3,
        variation=SMALL,
        echoes=2,
        drill=replace(DRILL, enlarge=by_probabilities),
    ),
    "huang": Recipe(
        adapter=HuangSegmenter,
        parent="sam",
        trained=("mask_decoder.",),
        sampler=medical_sample,
        data=MEDICAL,
        interactive=False,
        boxes=tight_boxes,
        steps=400,
        images=4,
        rate=1e-3,
        seed=4,
        variation=SMALL,
        echoes=2,
        drill=DRILL,
    ),
    "sam-med2d": Recipe(
        adapter=SamMed2dSegmenter,
        parent="sam",
        trained=(*(f"image_encoder.blocks.{block}.Adapter." for block in range(4)), "prompt_encoder.", "mask_decoder."),
        sampler=medical_sample,
        data=MEDICAL,
        interactive=True,
        boxes=shifted_boxes,
        steps=1500,
        images=4,
        rate=1e-3,
        seed=5,
        lesson=MED2D,
        inherit=quiet_adapters,
        variation=SMALL,
    ),
    "imis": Recipe(
        adapter=ImisSegmenter,
        parent="sam",
        trained=("image_encoder.neck.", "prompt_encoder.", "mask_decoder.", "text_model.", "text_out_dim."),
        sampler=medical_sample,
        data=MEDICAL,
        interactive=True,
        boxes=jittered_boxes,
        steps=2000,
        images=4,
        rate=1e-3,
        seed=6,
        lesson=IMIS,
        inherit=imis.inherit,
        companion=MINI_VOCABULARY,
        # Left and right are part of the names; and what is shrunk lies where its name does not say.
        variation=Variation(turned=False, shrunk_share=0.6, least_scale=0.25),
    ),
}
