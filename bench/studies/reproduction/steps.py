"""The steps of the paper's programme, in the paper's order, each declared once, and the loop that goes through them."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from adapters.interface import MissingWeights
from bench.errors import RunError, WorkerLostError
from bench.store.files import read_json, write_json
from bench.studies.ablations import decoder, experts, queries
from bench.studies.reproduction import parts
from bench.studies.reproduction.parts import BenchmarkRun
from bench.studies.reproduction.programme import (
    MissingInputError,
    Programme,
    missing_sources,
    missing_weights,
    missing_zero_shot,
)

State = Literal["done", "done before", "missing", "failed"]
SECONDS = "seconds.json"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the programme.

    Attributes:
        name: unique.
        item: of the paper.
        what: is done, in a few words.
        needs: names of earlier steps.
        done: a file below the programme's folder, the last that the step writes; or the run that must be whole.
        perform: does it, or goes on where it was stopped.
        lacks: what a step that is done had to do without, one sentence each.
    """

    name: str
    item: str
    what: str
    needs: tuple[str, ...]
    done: str | BenchmarkRun
    perform: Callable[[Programme], None]
    lacks: Callable[[Programme], list[str]] = lambda programme: []

    def is_done(self, programme: Programme) -> bool:
        """Whether there is nothing left to do."""
        if isinstance(self.done, str):
            return (programme.out / self.done).exists()
        return parts.is_run(self.done, programme)


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """What became of a step.

    Attributes:
        note: what is missing or what went wrong; empty if nothing.
        seconds: that it took by the clock, in all tries; NaN if unknown.
    """

    step: Step
    state: State
    note: str
    seconds: float

    @property
    def is_done(self) -> bool:
        """Whether its results are there."""
        return self.state in ("done", "done before")


def _absent_of_table_1(programme: Programme) -> list[str]:
    sets = [f"data not found: {name}" for name in missing_zero_shot(programme)]
    return [*sets, *(f"weights not found: {text}" for text in missing_weights(programme))]


def _absent(what: str, names: Callable[[Programme], tuple[str, ...] | list[str]]) -> Callable[[Programme], list[str]]:
    return lambda programme: [f"{what}: {name}" for name in names(programme)]


STEPS = (
    Step(
        "sources", "section 3.6", "the sources of the training set",
        (), parts.SOURCES_FOUND, parts.find_sources, _absent("data not found", missing_sources),
    ),
    Step(
        "curated-set", "section 3.6", "MedSeg-HQ made by its own procedure",
        ("sources",), f"{parts.CURATED}/data-sheet.html", parts.curate,
    ),
    Step(
        "training", "section 4", "SegMoTE trained on the curated set",
        ("curated-set",), f"{parts.OWN}/weights.safetensors", parts.train,
    ),
    Step(
        "table-1", "Table 1", "all models on the zero-shot sets, boxes",
        (), parts.ZERO_SHOT_ALL, partial(parts.run, parts.ZERO_SHOT_ALL), _absent_of_table_1,
    ),
    Step(
        "table-1-own", "Table 1", "the network trained here on the same prompts",
        ("training",), parts.ZERO_SHOT_OWN, partial(parts.run, parts.ZERO_SHOT_OWN),
    ),
    Step(
        "held-out", "Figure 5", "held-out patients of the curated set, set aside",
        ("curated-set",), parts.SET_ASIDE, parts.hold_out,
    ),
    Step(
        "figure-5-runs", "Figure 5", "all models on the held-out patients, one click and boxes",
        ("held-out",), parts.HELD_OUT_ALL, partial(parts.run, parts.HELD_OUT_ALL),
        _absent("weights not found", missing_weights),
    ),
    Step(
        "figure-5-own", "Figure 5", "the network trained here on the same prompts",
        ("held-out", "training"), parts.HELD_OUT_OWN, partial(parts.run, parts.HELD_OUT_OWN),
    ),
    Step(
        "figure-5", "Figure 5", "bars of both prompts, sizes of the training sets",
        ("figure-5-runs", "figure-5-own"), f"{parts.FIGURES}/figure5.pdf", parts.draw_figure5,
    ),
    Step(
        "table-2", "Table 2", "a tuned decoder against a frozen one",
        ("curated-set",), f"{parts.ABLATIONS}/decoder.pdf", partial(parts.ablate, decoder.ablate),
    ),
    Step(
        "table-3", "Table 3", "learnable parameters, counted",
        (), f"{parts.ABLATIONS}/size.pdf", parts.count_parameters,
    ),
    Step(
        "table-4", "Table 4", "queries of PPT without a prompt against one click",
        ("curated-set",), f"{parts.ABLATIONS}/queries.pdf", partial(parts.ablate, queries.ablate),
    ),
    Step(
        "figure-6a", "Figure 6a", "which expert tokens are chosen",
        ("training",), f"{parts.INSIDE}/experts-summary.csv", parts.show_experts,
    ),
    Step(
        "figure-6bc", "Figure 6b and c", "numbers of experts and of active experts",
        ("curated-set",), f"{parts.ABLATIONS}/experts.pdf", partial(parts.ablate, experts.ablate),
    ),
    Step(
        "figure-7", "Figure 7", "where the expert tokens look",
        ("training",), f"{parts.INSIDE}/routing.csv", parts.show_routing,
    ),
    Step(
        "figure-4", "Figure 4", "embeddings of the curated set beside its sources",
        ("curated-set",), f"{parts.INSIDE}/smoothness.csv", parts.show_embeddings,
    ),
)  # fmt: skip


def perform(
    programme: Programme, tell: Callable[[str], object] = print, steps: tuple[Step, ...] = STEPS
) -> list[StepOutcome]:
    """Go through the steps: skip what is done, name what is missing, and go on with the rest.

    Args:
        programme: see there.
        tell: is given a sentence per step.
        steps: in an order in which each comes after those that it needs.

    Returns:
        What became of each step.
    """
    outcomes: dict[str, StepOutcome] = {}
    for step in steps:
        outcomes[step.name] = found = _go_on(step, programme, outcomes, tell)
        tell(f"{step.name}: {found.state}{f' ({found.note})' if found.note else ''}")
    return list(outcomes.values())


def _go_on(
    step: Step, programme: Programme, before: Mapping[str, StepOutcome], tell: Callable[[str], object]
) -> StepOutcome:
    """Do a step, unless it is done and was made from what is still there."""
    renewed = any(before[name].state == "done" for name in step.needs)
    if not renewed and step.is_done(programme):
        state, note = _done_before(step, programme)
    else:
        tell(f"{step.name}: {step.what} ({step.item})")
        state, note = _try(step, programme, before)
    return StepOutcome(step, state, note, _seconds(programme).get(step.name, float("nan")))


def _done_before(step: Step, programme: Programme) -> tuple[State, str]:
    return "done before", "; ".join(step.lacks(programme))


def _try(step: Step, programme: Programme, before: Mapping[str, StepOutcome]) -> tuple[State, str]:
    if open_steps := [name for name in step.needs if not before[name].is_done]:
        return "missing", f"needs {', '.join(open_steps)}"
    started = time.perf_counter()
    try:
        step.perform(programme)
    except WorkerLostError:
        raise
    except (MissingInputError, MissingWeights) as error:
        return "missing", str(error)
    except (RunError, ValueError) as error:
        return "failed", str(error)
    finally:
        spent = _seconds(programme)
        spent[step.name] = round(spent.get(step.name, 0.0) + time.perf_counter() - started, 1)
        write_json(programme.out / SECONDS, spent)
    return "done", "; ".join(step.lacks(programme))


def _seconds(programme: Programme) -> dict[str, float]:
    path: Path = programme.out / SECONDS
    found: dict[str, float] = read_json(path) if path.exists() else {}
    return found
