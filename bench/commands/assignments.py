"""`--set name=value`: fields of dataclasses from the command line, checked against their names and types."""

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from bench.errors import RunError


def assigned(texts: Sequence[str], kinds: Sequence[type], elsewhere: Mapping[str, str]) -> list[dict[str, Any]]:
    """The values of some assignments, sorted by the dataclass whose field each one sets.

    Args:
        texts: "name=value" each.
        kinds: the dataclasses whose fields can be set; the first that has a field of that name gets the value.
        elsewhere: fields that are set by an option of their own, with that option.

    Returns:
        For each dataclass its values by field name, of the field's own type.

    Raises:
        RunError: not an assignment, no such field, a value of another type, or a name that is given twice.
    """
    known = {field.name: kind for kind in reversed(kinds) for field in fields(kind)}
    open_names = known.keys() - elsewhere.keys()
    found: dict[type, dict[str, Any]] = {kind: {} for kind in kinds}
    for text in texts:
        name, sign, value = (part.strip() for part in text.partition("="))
        name = name.replace("-", "_")
        if not sign:
            raise RunError(f"--set takes name=value, got {text!r}; names are {', '.join(sorted(open_names))}")
        if name in elsewhere:
            raise RunError(f"--set {name}: give {elsewhere[name]} instead")
        if name not in known:
            raise RunError(f"--set {name}: no such setting; {_hint(name, open_names)}")
        values = found[known[name]]
        if name in values:
            raise RunError(f"--set {name} is given twice")
        values[name] = _checked(name, value, get_type_hints(known[name])[name])
    return [found[kind] for kind in kinds]


def _hint(name: str, known: Collection[str]) -> str:
    likely = difflib.get_close_matches(name, known)
    return f"did you mean {' or '.join(likely)}?" if likely else f"there are {', '.join(sorted(known))}"


def _checked(name: str, text: str, kind: Any) -> Any:
    try:
        return parse(text, kind)
    except ValueError as error:
        raise RunError(f"--set {name}: {error}, got {text!r}") from error


def parse(text: str, kind: Any) -> Any:
    """A value of a type from its text; parts of a list are separated by commas, those of a pair by a colon.

    Raises:
        ValueError: the text is not of that type; says what is expected.

    >>> parse("7,12", tuple[int, ...]), parse("none", int | None), parse("true", bool)
    ((7, 12), None, True)
    >>> parse("box:0.5,click:0.5", tuple[tuple[Literal["box", "click"], float], ...])
    (('box', 0.5), ('click', 0.5))
    """
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        (wanted,) = (one for one in inner if one is not NoneType)
        return None if text.lower() == "none" else parse(text, wanted)
    if origin is tuple:
        return _tuple(text, inner)
    if origin is Literal or kind is bool:
        choices = {str(choice): choice for choice in inner} or {"true": True, "false": False}
        if text not in choices:
            raise ValueError(f"expected {' or '.join(choices)}")
        return choices[text]
    if kind not in _SIMPLE:
        raise ValueError("this setting cannot be given as text")
    try:
        return kind(text)
    except ValueError:
        raise ValueError(f"expected {_SIMPLE[kind]}") from None


_SIMPLE = {int: "a whole number", float: "a number", str: "a text", Path: "a path"}


def _tuple(text: str, inner: tuple[Any, ...]) -> tuple[Any, ...]:
    if inner[-1] is Ellipsis:
        return tuple(parse(part.strip(), inner[0]) for part in text.split(",") if part.strip())
    parts = text.split(":")
    if len(parts) != len(inner):
        raise ValueError(f"expected {len(inner)} parts separated by colons in each item")
    return tuple(parse(part.strip(), kind) for part, kind in zip(parts, inner, strict=True))
