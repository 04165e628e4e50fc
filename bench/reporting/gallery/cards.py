"""Predictions as small vector drawings for a page: every image is stored once, outlines lie over it."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image as Picture

from bench.reporting.gallery.images import Image
from bench.reporting.gallery.outlines import DrawnPrompt, Outline, OutlinedPrediction

LONGEST = 384  # side of an image in the page, in pixels
BYTES = 8 * 2**20  # of all images; with base64 and tables a page stays below 15 MB
CROSS = 0.025  # arm of a click, in sides of the window


@dataclass(frozen=True, slots=True)
class PageImage:
    """An image of the page: its size in pixels of the original, and its content as a data address."""

    name: str
    width: int
    height: int
    address: str


@dataclass(frozen=True, slots=True)
class GalleryCard:
    """One prediction of the page.

    Attributes:
        shown: the prediction.
        image: name of its `PageImage` image, empty if the data are gone.
        near, whole: SVG view boxes of the surroundings and of the image.
        target, prediction, prompt: SVG paths.
    """

    shown: OutlinedPrediction
    image: str
    near: str
    whole: str
    target: str
    prediction: str
    prompt: str

    @property
    def dice(self) -> str:
        """Percent."""
        return f"{100 * self.shown.pick.dice:.1f}"

    @property
    def words(self) -> str:
        """The card in words."""
        pick = self.shown.pick
        asked = f"prompt {pick.prompt}" + (f" “{self.shown.prompt.text}”" if self.shown.prompt.text else "")
        return (
            f"{pick.model}, {pick.dataset}, {pick.label}: Dice {self.dice} %, {asked}, case {pick.case}, "
            f"slice {pick.slice}, target {pick.target}, {pick.why}"
        )


@dataclass(frozen=True, slots=True)
class Gallery:
    """All cards of a page.

    Attributes:
        images: of the cards, each once.
        cards: in the order of the predictions.
        left_out: predictions for whose images there was no room.
        black: cards without an image.
    """

    images: Sequence[PageImage]
    cards: Sequence[GalleryCard]
    left_out: int
    black: int


def gallery(predictions: Sequence[OutlinedPrediction], most_bytes: int = BYTES) -> Gallery:
    """Cards of the predictions, as many as fit.

    Args:
        predictions: to be shown.
        most_bytes: of all images together, before base64.
    """
    images: dict[tuple[str, str, int], PageImage] = {}
    used, cards, left_out = 0, [], 0
    for view in predictions:
        key = (view.pick.dataset, view.pick.case, view.pick.slice)
        if view.image is not None and key not in images:
            content = _webp(view.image)
            if used + len(content) > most_bytes:
                left_out += 1
                continue
            used += len(content)
            images[key] = _stored(f"image-{len(images)}", view, content)
        cards.append(_card(view, images[key].name if key in images else ""))
    return Gallery(list(images.values()), cards, left_out, sum(not card.image for card in cards))


def _webp(image: Image) -> bytes:
    picture = Picture.fromarray(np.ascontiguousarray(image))
    picture.thumbnail((LONGEST, LONGEST))
    buffer = io.BytesIO()
    picture.convert("RGB").save(buffer, "WEBP", quality=85, method=2)
    return buffer.getvalue()


def _stored(name: str, view: OutlinedPrediction, content: bytes) -> PageImage:
    address = f"data:image/webp;base64,{base64.b64encode(content).decode()}"
    return PageImage(name, view.shape[1], view.shape[0], address)


def _card(view: OutlinedPrediction, image: str) -> GalleryCard:
    x, y, side = view.window
    height, width = view.shape
    return GalleryCard(
        view,
        image,
        near=f"{x:g} {y:g} {side:g} {side:g}",
        whole=f"0 0 {width} {height}",
        target=path(view.target),
        prediction=path(view.prediction),
        prompt=prompt_path(view.prompt, CROSS * side),
    )


def path(lines: Sequence[Outline]) -> str:
    """Closed outlines as an SVG path, in pixels of the original image."""
    return "".join("M" + "L".join(f"{x:g} {y:g}" for x, y in line[:-1].round(1).tolist()) + "Z" for line in lines)


def prompt_path(prompt: DrawnPrompt, arm: float) -> str:
    """A box as a rectangle, a foreground click as an upright cross, a background click as a diagonal one."""
    parts = []
    if prompt.box:
        x0, y0, x1, y1 = prompt.box
        parts.append(f"M{x0:g} {y0:g}H{x1:g}V{y1:g}H{x0:g}Z")
    for x, y, label in prompt.clicks:
        if label:
            parts.append(f"M{x - arm:.2f} {y:g}H{x + arm:.2f}M{x:g} {y - arm:.2f}V{y + arm:.2f}")
        else:
            parts.append(f"M{x - arm:.2f} {y - arm:.2f}L{x + arm:.2f} {y + arm:.2f}")
            parts.append(f"M{x - arm:.2f} {y + arm:.2f}L{x + arm:.2f} {y - arm:.2f}")
    return "".join(parts)
