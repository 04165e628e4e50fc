"""How SegMoTE is trained: the paper's recipe (section 4) and that of the released code.

`PAPER_RECIPE` follows the text: Dice (eq. 10) plus 0.01 times the balance loss (eq. 11), Adam, nothing else.
`RELEASED_RECIPE` is what the released code does: other losses, a second step of corrections, model-drawn regions as
additional targets, brightness and contrast augmentation. A recipe says how to train; the
network's configuration (`segmote.network.config`) says what.

Source: Lu et al., SegMoTE; InMyDreammer/SegMoTE at 77668f0.
"""

from dataclasses import dataclass
from typing import Literal

FirstPrompt = Literal["box", "click", "text"]

WARM_UP_START, WARM_UP_EPOCHS = 0.1, 5
ISIC = ("isic2016_task1", "isic2017_task1", "isic2018_task1")
SZ_CXR = ("sz_cxr", "sz-cxr")


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is learned, from which prompts, by which losses, how fast.

    Each batch is one optimiser step from the first prompts and, with `corrections`, a second one from the rounds that
    correct the masks of the first.

    Attributes:
        optimizer: "adam" or "adamw".
        rate: learning rate.
        weight_decay: of AdamW.
        schedule: "halved" after each of `milestones`, or "warm_up": linear from a tenth over five epochs.
        milestones: numbers of finished epochs after which the rate is halved.
        epochs: passes over the training patients.
        batch: images per step, over all devices together (the released code counts them per process).
        masks: objects per image, drawn anew in every epoch.
        variants: number of brighter or darker versions of each picture (see `segmote.training.embeddings`). An epoch
            uses the picture or one of its versions, with the released code's probability of augmentation. The released
            code draws new values each time; here the versions are fixed, so that each is embedded once. 0 switches
            augmentation off.
        loss: "dice" (eq. 10), or "released": 20 x focal + Dice + error of the predicted IoU.
        balance_weight: lambda of eq. 11.
        first_prompts: kinds of the first prompt and their probabilities; all rows of a batch have one kind.
        corrections: rounds of the second step; 0 omits it.
        pseudo_masks: regions of the `imask` files are further targets, in the second step without MoTE.
        ppt_sets: names of the data sets that PPT serves, in lower case.
        ppt_first: on the sets that PPT serves, it replaces boxes and clicks from the first prompt on, so that the
            network learns to work without any; otherwise PPT is used in the second step only. In both cases mask and
            text are given at random as foreground priors (section 3.4).
        box_noise_px: how far each coordinate of a box is moved, at most, in pixels of the network's input.
        box_past_px: how far beyond an object's last pixel its box ends; the released code has 0, the benchmark 1, which
            are the same at 512 pixels but not in small pictures.
        train_prompts: prompt encoder and text projection learn beside MoTE and PPT.
        train_decoder: the rest of the mask decoder learns as well (section 4.2, table 2).
    """

    optimizer: Literal["adam", "adamw"]
    rate: float
    weight_decay: float
    schedule: Literal["halved", "warm_up"]
    milestones: tuple[int, ...]
    epochs: int
    batch: int
    masks: int
    loss: Literal["dice", "released"]
    balance_weight: float
    first_prompts: tuple[tuple[FirstPrompt, float], ...]
    corrections: int
    pseudo_masks: bool
    ppt_sets: tuple[str, ...]
    ppt_first: bool
    train_prompts: bool
    variants: int = 0
    train_decoder: bool = False
    box_noise_px: int = 5
    box_past_px: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch", "masks"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not self.rate > 0:
            raise ValueError(f"rate must be positive, got {self.rate}")
        if self.variants < 0:
            raise ValueError(f"variants must be 0 (no augmentation) or more, got {self.variants}")


PAPER_RECIPE = Recipe(
    optimizer="adam",
    rate=1e-4,
    weight_decay=0.0,
    schedule="halved",
    milestones=(7, 12),
    epochs=15,  # the paper gives none; this is three past its last milestone
    batch=10,
    masks=2,
    loss="dice",
    balance_weight=0.01,
    first_prompts=(("box", 0.5), ("click", 0.5)),
    corrections=0,
    pseudo_masks=False,
    ppt_sets=ISIC + SZ_CXR,
    ppt_first=True,
    train_prompts=False,
)
RELEASED_RECIPE = Recipe(
    optimizer="adamw",
    rate=1e-4,
    weight_decay=1e-5,
    schedule="warm_up",
    milestones=(),
    epochs=200,
    batch=10,
    masks=2,
    loss="released",
    balance_weight=0.01,
    first_prompts=(("box", 0.4), ("click", 0.3), ("text", 0.3)),
    corrections=4,
    pseudo_masks=True,
    ppt_sets=ISIC,
    ppt_first=False,
    train_prompts=True,
    variants=4,
)
RECIPES = {"paper": PAPER_RECIPE, "released": RELEASED_RECIPE}


def rate(recipe: Recipe, epoch: int) -> float:
    """The learning rate of an epoch, counted from 0.

    >>> [f"{rate(PAPER_RECIPE, epoch):.1e}" for epoch in (0, 6, 7, 12)]
    ['1.0e-04', '1.0e-04', '5.0e-05', '2.5e-05']
    >>> [f"{rate(RELEASED_RECIPE, epoch):.1e}" for epoch in range(6)]
    ['1.0e-05', '2.8e-05', '4.6e-05', '6.4e-05', '8.2e-05', '1.0e-04']
    """
    if recipe.schedule == "halved":
        return recipe.rate * 0.5 ** sum(epoch >= milestone for milestone in recipe.milestones)
    return recipe.rate * (WARM_UP_START + (1 - WARM_UP_START) * min(1.0, epoch / WARM_UP_EPOCHS))
