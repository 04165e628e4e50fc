"""The table of first prompts, prompts.parquet: drawn once, replayed for every model."""

import hashlib
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.data.case import Item, Mask, class_name
from bench.data.slicing import Sample
from bench.prompting import kinds, seeds
from bench.prompting.prompt import SimulatedPrompt
from bench.protocols import Protocol
from bench.store.files import write_bytes

PROMPT_COLUMNS = (
    "dataset", "patient", "case", "slice", "target", "prompt", "round", "seed",
    "x0", "y0", "x1", "y1", "point_x", "point_y", "point_label", "text", "area_px", "height", "width",
)  # fmt: skip

# Only in tables with scribbles: x and y, in turn, of a stroke's further clicks, all with the label of the first.
STROKE = "stroke"


def first_prompt(kind: str, target: Mask, name: str, protocol: Protocol, rng: np.random.Generator) -> SimulatedPrompt:
    """The first prompt of one target.

    Args:
        kind: name, see `bench.prompting.kinds.KINDS`.
        target: (H, W) bool, not empty unless the kind asks for every slice.
        name: of the target's class.
        protocol: whose rules apply.
        rng: for this prompt only.
    """
    chosen = kinds.load(kind)
    if chosen.draw is not None:
        prompt: SimulatedPrompt = chosen.draw(target, protocol, rng)
        return prompt
    return SimulatedPrompt(text=name if chosen.names_class else None)


def row(item: Item, sample: Sample, name: str, kind: str, protocol: Protocol, seed: int) -> dict[str, Any]:
    """One row of the table: draws the first prompt of one target.

    Raises:
        ValueError: the kind's rule starts with more than one click and is no stroke, or a stroke has several labels.
    """
    target = sample.targets[name]
    rng = generator_for(seed, item.dataset, item.case, sample.slice, name, kind, 1)
    prompt = first_prompt(kind, target, class_name(name), protocol, rng)
    values: dict[str, Any] = dict.fromkeys(PROMPT_COLUMNS)
    values |= {"dataset": item.dataset, "patient": item.patient, "case": item.case, "slice": sample.slice}
    values |= {"target": name, "prompt": kind, "round": 1, "seed": seed, "area_px": int(sample.native[name].sum())}
    values |= {"height": target.shape[0], "width": target.shape[1]}
    values["text"] = prompt.text
    if prompt.box is not None:
        values |= dict(zip(("x0", "y0", "x1", "y1"), map(float, prompt.box), strict=True))
    return values | _clicks(kind, prompt)


def _clicks(kind: str, prompt: SimulatedPrompt) -> dict[str, Any]:
    if not prompt.clicks:
        return {}
    if len(prompt.clicks) > 1 and not kinds.load(kind).stroke:
        raise ValueError(
            f"prompt {kind} begins with {len(prompt.clicks)} clicks; a first prompt has at most one, "
            "further ones are its later rounds, or the kind's `stroke` is true"
        )
    (x, y, label), *others = prompt.clicks
    if any(other[2] != label for other in others):
        raise ValueError(f"prompt {kind}: the clicks of a stroke have one label, got {[c[2] for c in prompt.clicks]}")
    values: dict[str, Any] = {"point_x": float(x), "point_y": float(y), "point_label": label}
    return values | ({STROKE: np.array([c[:2] for c in others], np.float32).ravel()} if others else {})


def columns(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The columns of a table of rows: `PROMPT_COLUMNS`, and `STROKE` where a row has a stroke."""
    return [*PROMPT_COLUMNS, *([STROKE] if any(STROKE in one for one in rows) else [])]


def generator_for(
    seed: int, dataset: str, case: str, index: int, target: str, kind: str, prompt_round: int
) -> np.random.Generator:
    """The generator of one prompt: seeded by a stable hash of its purpose, so that order does not matter."""
    return seeds.generator(seed, dataset, case, index, target, kind, prompt_round)


def prompt_of(row: Mapping[str, Any]) -> SimulatedPrompt:
    """The stored first prompt of a row of `prompts.parquet`."""
    box = None if pd.isna(row["x0"]) else np.array([row[c] for c in ("x0", "y0", "x1", "y1")], np.float32)
    places = [] if pd.isna(row["point_x"]) else [(row["point_x"], row["point_y"])]
    if isinstance(row.get(STROKE), np.ndarray):
        places += map(tuple, row[STROKE].reshape(-1, 2))
    clicked = tuple((x, y, int(row["point_label"])) for x, y in places)
    return SimulatedPrompt(box, clicked, None if pd.isna(row["text"]) else row["text"])


def freeze(table: pd.DataFrame, path: Path) -> str:
    """Write the prompt table; returns the sha256 of the file."""
    floats = ["x0", "y0", "x1", "y1", "point_x", "point_y"]
    typed = table.astype(dict.fromkeys(floats, "float32") | {"point_label": "Int8", "text": "string"})
    typed = typed.astype(dict.fromkeys(("slice", "round", "seed", "area_px", "height", "width"), "int64"))
    buffer = io.BytesIO()
    typed.to_parquet(buffer, index=False)
    write_bytes(path, buffer.getvalue())
    return hashlib.sha256(buffer.getvalue()).hexdigest()
