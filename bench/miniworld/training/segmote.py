"""The mini SegMoTE: trained by SegMoTE's own trainer on the mini MedSeg-HQ, on top of the mini IMIS-Net.

Encoder and decoder stay IMIS-Net's. What learns is what learns in the original (see `segmote.training.learnable`), by
the paper's recipe at a higher rate, with names beside boxes and clicks. Pictures are scaled and recoloured before they
are written, as the trainer itself takes them as they are. The rounds of the released recipe ask for more steps than a
mini world has time for.
"""

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from adapters.families.segmote import MINI, from_base
from bench.miniworld.phantoms.medseg_hq import write_medseg_hq
from bench.miniworld.training.varied_samples import varied
from segmote.recipe import PAPER_RECIPE
from segmote.training.files import save_weights
from segmote.training.settings import TrainConfig
from segmote.training.train import train

SEED = 7
IMAGES = 300  # of each modality
RECIPE = replace(
    PAPER_RECIPE,
    rate=1e-3,
    milestones=(6, 8, 9),
    epochs=10,
    batch=8,
    masks=3,
    first_prompts=(("box", 0.5), ("click", 0.3), ("text", 0.2)),
    ppt_sets=("phantom_dermoscopy", "phantom_ultrasound"),  # of one class: without a prompt it is clear what is meant
    box_noise_px=1,
    box_past_px=1,
)


def build(out: Path, log_dir: Path, device: str = "cpu", scale: float = 1.0) -> Path:
    """Train the mini and write it; about half an hour of a core.

    Args:
        out: folder of `segmote.safetensors`, where `imis.safetensors` must be.
        log_dir: folder of the log `segmote.csv`, one line per epoch.
        device: "cpu" or "cuda".
        scale: share of the epochs, for a quick look.

    Raises:
        ValueError: the mini IMIS-Net is not there.
    """
    base = out / "imis.safetensors"
    if not base.is_file():
        raise ValueError(f"segmote starts from {base}, which is not there; build imis first")
    recipe = replace(RECIPE, epochs=max(1, round(scale * RECIPE.epochs)))
    network = from_base(MINI, base, SEED)
    with tempfile.TemporaryDirectory() as work:
        data = Path(work) / "medseg-hq"
        write_medseg_hq(data, SEED, IMAGES, varied)
        trained = train(network, recipe, TrainConfig(data, Path(work) / "out", seed=SEED, accelerator=device))
        log_dir.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(trained.epochs, log_dir / "segmote.csv")
        about = {"family": "segmote", "seed": SEED, "epochs": recipe.epochs, "data": "mini MedSeg-HQ phantoms"}
        shutil.move(save_weights(network, recipe, Path(work), about, half=True), out / "segmote.safetensors")
    return out / "segmote.safetensors"
