"""What the steps do, each with the functions that the commands of the same names call."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import adapters
from adapters.interface import Segmenter
from bench import world
from bench.config import RunConfig
from bench.data.case import Defect
from bench.data.curation.selection import SelectionRules
from bench.errors import RunError
from bench.statistics.patients import AVERAGE
from bench.store.files import read_json, write_json
from bench.store.run_folder import run_path
from bench.studies.ablations import output as ablation_output
from bench.studies.ablations import size
from bench.studies.ablations.output import AblationReport
from bench.studies.ablations.setting import Setting
from bench.studies.curation import curate as curation
from bench.studies.inside import choices, routing
from bench.studies.inside.output import write
from bench.studies.pictures import save
from bench.studies.questions import DataSet, PromptedSlice, all_asked, data_sets, with_targets
from bench.studies.reproduction import figure4, figure5, networks, runs, sources
from bench.studies.reproduction.figure4 import Side
from bench.studies.reproduction.held_out import held_out, origins
from bench.studies.reproduction.numbers import paper_model
from bench.studies.reproduction.programme import (
    MissingInputError,
    Programme,
    models,
    source_names,
    title_of,
    zero_shot_names,
)
from segmote.training.files import WEIGHTS

CURATED, HELD_OUT, OWN, ABLATIONS, INSIDE, FIGURES = (
    "curated", "held-out", "segmote", "ablations", "inside", "figures",
)  # fmt: skip
SOURCES_FOUND, SET_ASIDE = "sources-found.json", f"{HELD_OUT}/names.json"


@dataclass(frozen=True, slots=True)
class BenchmarkRun:
    """One of the programme's benchmark runs.

    Attributes:
        folder: below the programme's.
        held_out: on the held-out patients with one click and with boxes; otherwise on the zero-shot sets with boxes.
        own: of the network trained here alone; otherwise of all models.
    """

    folder: str
    held_out: bool
    own: bool


ZERO_SHOT_ALL = BenchmarkRun("runs/zero-shot", held_out=False, own=False)
ZERO_SHOT_OWN = BenchmarkRun("runs/zero-shot-own", held_out=False, own=True)
HELD_OUT_ALL = BenchmarkRun("runs/held-out", held_out=True, own=False)
HELD_OUT_OWN = BenchmarkRun("runs/held-out-own", held_out=True, own=True)
BENCHMARK_RUNS = (ZERO_SHOT_ALL, ZERO_SHOT_OWN, HELD_OUT_ALL, HELD_OUT_OWN)
ENCODERS = {"phantom": "sam/mini", "real": "sam/vit_b"}  # the frozen one of the paper's figure 4


def find_sources(programme: Programme) -> None:
    """Draw the phantom sources, or look which real ones are there; note their names."""
    if programme.data is None:
        sources.write_sources(programme.sources, programme.pace.people, programme.pace.depth)
    write_json(programme.out / SOURCES_FOUND, list(source_names(programme)))


def curate(programme: Programme) -> None:
    """Make the training set."""
    config = curation.CurationConfig(
        data=programme.sources.resolve(),
        datasets=tuple(read_json(programme.out / SOURCES_FOUND)),
        out=programme.out / CURATED,
        rules=SelectionRules(masks=programme.pace.masks),
        jobs=programme.jobs,
        **_evaluation(programme),
    )
    curation.curate(config)


def _evaluation(programme: Programme) -> dict[str, Any]:
    try:
        return {"evaluation": programme.evaluation, "tested": zero_shot_names(programme)}
    except MissingInputError:
        return {}


def train(programme: Programme) -> None:
    """Train SegMoTE on the curated set."""
    networks.train_own(programme, programme.out / CURATED, _work(programme), programme.out / OWN)


def hold_out(programme: Programme) -> None:
    """Put the held-out patients aside."""
    names = held_out(programme.out / CURATED, programme.out / HELD_OUT)
    write_json(programme.out / SET_ASIDE, list(names))


def configured(one: BenchmarkRun, programme: Programme) -> RunConfig:
    """The configuration of a run.

    Raises:
        MissingInputError: no data, or no weights.
    """
    weights = programme.out / OWN / WEIGHTS if one.own else programme.weights
    names, known = _together(
        lambda: tuple(read_json(programme.out / SET_ASIDE)) if one.held_out else zero_shot_names(programme),
        lambda: (programme.own_model,) if one.own else models(programme),
    )
    prompts = ["click", "box"] if one.held_out else ["box"]
    data = programme.out / HELD_OUT if one.held_out else programme.evaluation
    return runs.configured(programme, known, names, prompts, data, weights, programme.out / one.folder)


def _together(*asked: Callable[[], tuple[str, ...]]) -> list[tuple[str, ...]]:
    """What the functions return, or everything that is missing at once."""
    found, missing = [], []
    for ask in asked:
        try:
            found.append(ask())
        except MissingInputError as error:
            missing.append(str(error))
    if missing:
        raise MissingInputError("; ".join(missing))
    return found


def run(one: BenchmarkRun, programme: Programme) -> None:
    """Predict, score and report, or go on where it was stopped."""
    runs.perform(configured(one, programme))


def is_run(one: BenchmarkRun, programme: Programme) -> bool:
    """Whether this very run is there, to its report."""
    if not run_path(programme.out / one.folder).exists():
        return False
    try:
        return runs.is_done(configured(one, programme))
    except (RunError, OSError):  # what it was made from is gone
        return False


def draw_figure5(programme: Programme) -> None:
    """Bars of both prompts and the sizes of the training sets."""
    pair = (HELD_OUT_ALL, HELD_OUT_OWN)
    found = [number for one in pair for number in runs.numbers(programme.out / one.folder, one.own)]
    averages = [number for number in found if number.row == AVERAGE and paper_model(number.model)]
    masks = curation_facts(programme)["masks"]
    title = f"Held-out patients of the curated set; 95 % intervals over patients. {programme.text()}"
    drawn = figure5.figure(averages, titles(programme), figure5.training_sizes(masks), title)
    save(drawn, programme.out / FIGURES / "figure5")


def curation_facts(programme: Programme) -> dict[str, Any]:
    """Rules and counts of the curated set, see `curation.json`."""
    found: dict[str, Any] = read_json(programme.out / CURATED / "curation.json")
    return found


def titles(programme: Programme) -> dict[str, str]:
    """Titles of the held-out data sets, as names of their sources."""
    return {name: title_of(source) for name, source in origins(programme.out / CURATED).items()}


def ablate(study: Callable[[Setting, int], AblationReport], programme: Programme) -> None:
    """Train what an ablation needs and test it, or go on where that was stopped."""
    setting = networks.ablation_setting(programme, programme.out / CURATED, _work(programme))
    ablation_output.write(study(setting, programme.jobs), programme.out / ABLATIONS)


def count_parameters(programme: Programme) -> None:
    """Count the parameters of Table 3."""
    ablation_output.write(size.ablate(), programme.out / ABLATIONS)


def _work(programme: Programme) -> Path:
    return programme.out / ABLATIONS / "work"


def show_experts(programme: Programme) -> None:
    """Which expert tokens are chosen, for each data set."""
    defects: list[Defect] = []
    made = choices.report(_own_segmenter(programme), _slices(programme, defects), "box", programme.text())
    write(made, defects, programme.out / INSIDE)


def show_routing(programme: Programme) -> None:
    """Where the expert tokens look, on the largest target of each data set."""
    defects: list[Defect] = []
    made = routing.report(_own_segmenter(programme), _slices(programme, defects), 1, None, programme.text())
    write(made, defects, programme.out / INSIDE)


def _own_segmenter(programme: Programme) -> Segmenter:
    return adapters.load(programme.own_model, programme.out / OWN / WEIGHTS, programme.device)


def _slices(programme: Programme, defects: list[Defect]) -> Iterator[tuple[DataSet, PromptedSlice]]:
    """Slices of the held-out patients and of the zero-shot sets, with boxes."""
    known = origins(programme.out / CURATED)
    own = data_sets(["imis"], programme.out / CURATED)
    sets = [replace(one, title=title_of(known.get(f"imis:{one.title}", one.title))) for one in own]
    with contextlib.suppress(MissingInputError):
        sets += data_sets(zero_shot_names(programme), programme.evaluation, programme.pace.cases)
    return with_targets(all_asked(sets, "box", runs.PROTOCOL, runs.SEED, defects), defects)


def show_embeddings(programme: Programme) -> None:
    """Embeddings of the curated set beside those of its sources."""
    curated = programme.out / CURATED
    known = origins(curated)
    protocol = curation_facts(programme)["protocol"]
    sides = {
        "sources": Side(programme.sources.resolve(), {title_of(name): name for name in known.values()}, protocol),
        "curated": Side(curated.resolve(), {title_of(source): name for name, source in known.items()}, protocol),
    }
    model = ENCODERS[programme.world]
    about = world.text([model], programme.world)
    made, defects = figure4.report(model, programme.weights, programme.device, sides, about)
    write(made, defects, programme.out / INSIDE)
