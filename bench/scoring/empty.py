"""The score of an overlap where the target is empty: a named rule, since every code base has its own."""

from typing import Literal

from bench.protocols import EMPTY_RULES, EmptyRule
from bench.scoring.metrics import Areas

Status = Literal["ok", "undefined", "skipped"]


def settle(value: float, areas: Areas, rule: EmptyRule) -> tuple[float, Status]:
    """A score in [0, 1] (Dice, IoU, NSD, lesion F1) under a rule for empty masks.

    Args:
        value: the score of a pair; NaN if both masks are empty.
        areas: of the pair.
        rule: see `EMPTY_RULES`. Wherever the target has foreground all rules agree.

    Returns:
        The value and its status; NaN unless the status is "ok". Distances have no such rule: they stay undefined.

    Raises:
        ValueError: unknown rule.

    Example:
        >>> settle(float("nan"), Areas(target=0, predicted=0, common=0), "one")
        (1.0, 'ok')
    """
    if rule not in EMPTY_RULES:
        raise ValueError(f"unknown empty rule {rule!r}; there are {', '.join(EMPTY_RULES)}")
    if areas.target:
        return value, "ok"
    if rule == "skip":
        return float("nan"), "skipped"
    if areas.predicted:
        return value, "ok"
    given = {"nan": float("nan"), "one": 1.0, "zero": 0.0}[rule]
    return given, "undefined" if rule == "nan" else "ok"
