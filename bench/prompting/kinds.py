"""The kinds of simulated prompt: what the user gives, the rule that draws it, and its text for captions."""

import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.prompting.prompt import SimulatedPrompt

if TYPE_CHECKING:  # tables name prompt kinds without loading a model
    from adapters.interface import Card, PromptKind


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of simulated prompt.

    Attributes:
        rule: "module:function" of the rule that draws the first prompt, imported when it is needed. It takes
            (target, protocol, generator). None: the prompt is the name of the target's class if the model needs
            text, and nothing at all otherwise.
        needs: combinations of prompt kinds that the model receives, see `Card.was_trained_on`.
        text: for captions and `bench ls prompts`.
        rounds: True if later rounds add clicks, up to the number that the run asks for.
        every_slice: True if slices without the target are prompted, too.
        whole_mask: True if the target itself is given, to be carried through a volume.
        stroke: True if the user draws one stroke, which is given as several clicks at once.
    """

    rule: str | None
    needs: "tuple[frozenset[PromptKind], ...]"
    text: str
    rounds: bool = False
    every_slice: bool = False
    whole_mask: bool = False
    stroke: bool = False

    @property
    def draw(self) -> Callable[..., SimulatedPrompt] | None:
        """The rule itself: (target, protocol, generator) to the first prompt."""
        return pkgutil.resolve_name(self.rule) if self.rule else None

    @property
    def names_class(self) -> bool:
        """True if the prompt is the name of the target's class."""
        return any("text" in need for need in self.needs)

    @property
    def starts_with_box(self) -> bool:
        """True if the first round gives a box and no click."""
        return frozenset({"box"}) in self.needs


_BOX: "frozenset[PromptKind]" = frozenset({"box"})
_POINTS: "frozenset[PromptKind]" = frozenset({"points"})
_ROUNDS: "frozenset[PromptKind]" = frozenset({"points", "mask"})
_BOX_ROUNDS: "frozenset[PromptKind]" = frozenset({"box", "points", "mask"})
_TEXT: "frozenset[PromptKind]" = frozenset({"text"})
_AUTO: "frozenset[PromptKind]" = frozenset({"auto"})

KINDS: dict[str, Kind] = {
    "box": Kind("bench.prompting.boxes:box", (_BOX,), "tight box of the target"),
    "box-jitter": Kind("bench.prompting.boxes:box_jitter", (_BOX,), "tight box with uniform noise on each coordinate"),
    "box-loose": Kind(
        "bench.prompting.boxes:box_loose", (_BOX,), "tight box with every side moved outward by a fixed amount"
    ),
    "click": Kind("bench.prompting.clicks:click", (_POINTS,), "one foreground click"),
    "clicks": Kind(
        "bench.prompting.clicks:click",
        (_POINTS, _ROUNDS),
        "clicks on the largest error, previous logits fed back",
        rounds=True,
    ),
    "box+clicks": Kind(
        "bench.prompting.boxes:box",
        (_BOX, _BOX_ROUNDS),
        "tight box, then in each further round a click on the largest error",
        rounds=True,
    ),
    "scribble": Kind(
        "bench.prompting.scribbles:scribble",
        (_POINTS,),
        "one stroke along the medial axis of the largest component, given as up to 8 foreground clicks at once",
        stroke=True,
    ),
    "mask": Kind(
        None,
        (frozenset({"mask"}),),
        "the target itself in the prompted slice, for models that propagate it through the volume",
        whole_mask=True,
    ),
    "text": Kind(None, (_TEXT,), "the name of the target's class"),
    "auto": Kind(
        None,
        (_AUTO,),
        "no prompt at all, on all slices of a volume, also those without the target",
        every_slice=True,
    ),
}


def round_name(kind: str, number: int) -> str:
    """What the user has given after that many rounds.

    Example:
        >>> round_name("clicks", 2), round_name("box+clicks", 2)
        ('2 clicks', 'box + 1 click')
    """
    clicks = number - 1 if KINDS[kind].starts_with_box else number
    text = f"{clicks} click{'s' * (clicks > 1)}"
    if clicks == number:
        return text
    return f"box + {text}" if clicks else "box"


def load(name: str) -> Kind:
    """The prompt kind of that name.

    Raises:
        ValueError: the name is unknown.
    """
    if name not in KINDS:
        raise ValueError(f"unknown prompt kind {name!r}; known are {', '.join(KINDS)}")
    return KINDS[name]


def on_every_slice(kinds: Iterable[str]) -> bool:
    """True if one of these kinds also prompts slices without the target."""
    return any(KINDS[kind].every_slice for kind in kinds)


def applies(card: "Card", kind: str, untrained: bool) -> str | None:
    """None if the model may be given this kind of prompt, else the reason for its n/a.

    Args:
        card: of the model.
        kind: name of the prompt kind.
        untrained: also allow prompts that the network accepts but was not trained on.
    """
    if KINDS[kind].whole_mask:
        return None if card.propagates else "does not propagate masks through a volume"
    needs = KINDS[kind].needs
    refused = frozenset().union(*needs) - card.accepts - {"mask"}  # without a mask input, rounds go on by clicks alone
    if refused:
        return f"cannot take {', '.join(sorted(refused))} prompts"
    if untrained or all(card.was_trained_on(need) for need in needs):
        return None
    return f"not trained on {kind} prompts"
