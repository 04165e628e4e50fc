"""The certificate: how far our faster path is from the published one, and whether that is as good as nothing.

Three groups. Exact: the same weights asked both ways give the same logits, masks, clicks and Dice. Batches: an answer
does not depend on what is asked with it. Approximate: bfloat16 in the image encoder moves Dice by no more than
measurements differ anyway, and no model's rank.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle, islice
from typing import Any

import numpy as np
import torch

import adapters
from adapters import linear
from adapters.interface import Prompt, Segmenter
from adapters.weights.seeded import seed_weights
from bench.studies.equality.sessions import Session, ask_one_by_one, ask_together, published_name, rounds_of
from bench.studies.looking import BoxedTarget

LOGITS = 1e-4  # largest difference, in standard deviations of the logits
PIXELS = 1e-6  # share of pixels that differ
DICE = 1e-6
MEAN_CHANGE, CHANGE_WITHIN = 1e-3, 2e-3  # of Dice: the mean, and its 95 % interval
BATCHES = (7, 64)
Z95 = 1.96


def certify(
    names: Sequence[str], found: Mapping[str, Sequence[BoxedTarget]], weights: str | None = None
) -> dict[str, Any]:
    """The certificate of some models.

    Args:
        names: "family/variant".
        found: to each name the objects that it is asked for, those of a picture one after the other.
        weights: as `adapters.load` takes it; "random" stands for weights made from their names.

    Returns:
        `summary`, a sentence for each model; `torch`, `linear_layers`, `weights`; `models`, each with `against`,
        `objects`, `rounds`, `exact`, `batches` and `bf16`, of which each says whether it `passed`; `ranks_unchanged`,
        None for fewer than two models; `passed`.
    """
    trained = weights != "random"
    models = {name: _one(name, found[name], weights) for name in names}
    ranks = _same_ranks([model["bf16"] for model in models.values()]) if trained and len(models) > 1 else None
    groups = [model[group] for model in models.values() for group in ("exact", "batches")]
    groups += [model["bf16"] for model in models.values() if trained]
    return {
        "summary": {name: sentence(model) for name, model in models.items()},
        "torch": torch.__version__,
        "linear_layers": linear.summary(),
        "weights": "trained" if trained else "made from their names, not trained: bfloat16 is measured, not judged",
        "models": models,
        "ranks_unchanged": ranks,
        "passed": all(group["passed"] for group in groups) and ranks is not False,
    }


def _one(name: str, targets: Sequence[BoxedTarget], weights: str | None) -> dict[str, Any]:
    model = adapters.load(name, weights)
    if weights == "random":
        seed_weights(model.network)
    rounds = rounds_of(model)
    fast = ask_together(model, targets, rounds)
    return {
        "against": published_name(model),
        "objects": len(targets),
        "rounds": rounds,
        "exact": exact(fast, ask_one_by_one(model, fast)),
        "batches": batches(model, targets),
        "bf16": approximate(fast, _in_bf16(model, targets)),
    }


def exact(ours: Sequence[Session], theirs: Sequence[Session]) -> dict[str, Any]:
    """How the same objects differ between two paths: logits, pixels, Dice, clicks."""
    pairs = [
        (a.logits, b.logits, a.mask, b.mask)
        for our, their in zip(ours, theirs, strict=True)
        for a, b in zip(our.answers, their.answers, strict=True)
    ]
    logits = max(_apart(a, b) for a, b, _, _ in pairs)
    pixels = sum(int((a != b).sum()) for *_, a, b in pairs) / sum(a.size for *_, a, _ in pairs)
    both = list(zip(ours, theirs, strict=True))
    dice = max(abs(our.dice(n) - their.dice(n)) for our, their in both for n in range(len(our.answers)))
    clicks = all(our.clicks == their.clicks for our, their in both)
    passed = logits <= LOGITS and pixels <= PIXELS and dice <= DICE and clicks
    return {"logits": logits, "pixels": pixels, "dice": dice, "same_clicks": clicks, "passed": passed}


def batches(model: Segmenter, targets: Sequence[BoxedTarget]) -> dict[str, Any]:
    """How the first object's answer differs from that to it alone: among 7, among 64, with other pictures and prompts.

    The last is what a filled-up batch is: pictures of other sizes are encoded in the same call, and its prompt is
    decoded between prompts of those.
    """
    first, (alone,) = targets[0], model.encode([targets[0].picture])
    (expected,) = model.decode([(alone, Prompt(box=first.box))])
    differences = {}
    for size in BATCHES:
        requests = [(alone, Prompt(box=box)) for box in islice(_boxes(first, targets), size)]
        drawn = model.decode(requests)[0]
        differences[f"among {size}"] = _apart(drawn.logits, expected.logits)
    cut = first.picture[: first.picture.shape[0] // 2, : first.picture.shape[1] // 3]
    whole = np.array([0, 0, cut.shape[1] - 1, cut.shape[0] - 1], np.float32)
    other, mine = model.encode([np.ascontiguousarray(cut), first.picture])
    asked = [(other, Prompt(box=whole)), (mine, Prompt(box=first.box)), (other, Prompt(box=whole))]
    differences["with other pictures"] = _apart(model.decode(asked)[1].logits, expected.logits)
    return {"logits": differences, "passed": max(differences.values()) <= LOGITS}


def _boxes(first: BoxedTarget, targets: Sequence[BoxedTarget]) -> Iterator[Any]:
    """The first object's box, then those on pictures of the same size, over and over."""
    same = [target.box for target in targets if target.picture.shape[:2] == first.picture.shape[:2]]
    return cycle(same)


def _in_bf16(model: Any, targets: Sequence[BoxedTarget]) -> list[Session]:
    usual, model.precision = model.precision, "bf16"
    try:
        return ask_together(model, targets, 1)
    finally:
        model.precision = usual


def approximate(fp32: Sequence[Session], bf16: Sequence[Session]) -> dict[str, Any]:
    """How bfloat16 moves the Dice of the first round: the mean over objects, its 95 % interval, the worst."""
    before, after = (np.array([session.dice(0) for session in sessions]) for sessions in (fp32, bf16))
    change = after - before
    half = Z95 * float(change.std(ddof=1)) / np.sqrt(len(change)) if len(change) > 1 else float("inf")
    mean = float(change.mean())
    low, high = mean - half, mean + half
    within = low >= -CHANGE_WITHIN and high <= CHANGE_WITHIN
    return {
        "dice": float(before.mean()),
        "dice_bf16": float(after.mean()),
        "mean": mean,
        "interval": [low, high] if np.isfinite(half) else None,
        "worst": float(np.abs(change).max()),
        "passed": abs(mean) <= MEAN_CHANGE and within,
    }


def _same_ranks(found: Sequence[Mapping[str, Any]]) -> bool:
    before, after = (np.argsort([each[key] for each in found], kind="stable") for key in ("dice", "dice_bf16"))
    return bool((before == after).all())


def _apart(a: torch.Tensor, b: torch.Tensor) -> float:
    """The largest difference in standard deviations of `b`."""
    return float((a - b).abs().max() / b.std())


def lines(certificate: Mapping[str, Any]) -> Iterator[str]:
    """The certificate as sentences, one for each model and one for all."""
    for name, text in certificate["summary"].items():
        yield f"{name}: {text}"
    ranks = certificate["ranks_unchanged"]
    if ranks is not None:
        yield f"ranks in bfloat16: {'unchanged' if ranks else 'CHANGED'}"
    yield f"linear layers: {certificate['linear_layers']}; weights: {certificate['weights']}"


def sentence(model: Mapping[str, Any]) -> str:
    """What a certificate says of one model."""
    exact, batches, bf16 = (model[group] for group in ("exact", "batches", "bf16"))
    verdicts = ["passed" if group["passed"] else "FAILED" for group in (exact, batches, bf16)]
    return (
        f"{verdicts[0]} against {model['against']} ({model['objects']} objects, {model['rounds']} rounds): "
        f"logits differ by {exact['logits']:.1e} of their standard deviation, {exact['pixels']:.1e} of the pixels, "
        f"Dice by {exact['dice']:.1e}, clicks {'not at all' if exact['same_clicks'] else 'DO'}; batches {verdicts[1]} "
        f"({max(batches['logits'].values()):.1e}); bfloat16 {verdicts[2]} (mean Dice {bf16['mean']:+.1e}, "
        f"one object at most {bf16['worst']:.1e})"
    )
