"""The report of a reproduction: published, recomputed and ours for every item, and where each comes from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from pathlib import Path

import pandas as pd

from bench.comparing import claims, paper
from bench.data import catalogue
from bench.miniworld.folders import ZERO_SHOT
from bench.reporting.tables.safe_text import csv_text
from bench.store.files import write_bytes
from bench.store.run_folder import read_run, run_path
from bench.studies.ablations.output import VERDICTS
from bench.studies.document import Sections, SheetEntry, write_document
from bench.studies.reproduction import numbers, parts
from bench.studies.reproduction.items import ITEMS, ReportItem
from bench.studies.reproduction.numbers import ReportNumber
from bench.studies.reproduction.parts import (
    ABLATIONS,
    BENCHMARK_RUNS,
    INSIDE,
    OWN,
    ZERO_SHOT_ALL,
    ZERO_SHOT_OWN,
    BenchmarkRun,
)
from bench.studies.reproduction.programme import Programme, title_of
from bench.studies.reproduction.runs import RunNumber
from bench.studies.reproduction.runs import numbers as numbers_of
from bench.studies.reproduction.steps import StepOutcome
from segmote.training.files import WEIGHTS

DIGITS = 12  # of checksums


@dataclass(frozen=True, slots=True)
class Results:
    """What the steps left, as the report reads it.

    Attributes:
        programme: see there.
        done: names of the steps that are done.
        found: numbers of all benchmark runs.
        titles: of data sets, by our names of them.
    """

    programme: Programme
    done: frozenset[str]
    found: Mapping[str, Sequence[RunNumber]]
    titles: Mapping[str, str]

    def of(self, *folders: str) -> list[RunNumber]:
        """The numbers of some runs."""
        return [one for folder in folders for one in self.found.get(folder, ())]

    def path(self, *parts_of_it: str) -> Path:
        """A place below the programme's folder."""
        return self.programme.out.joinpath(*parts_of_it)


def write_report(programme: Programme, outcomes: Sequence[StepOutcome]) -> list[Path]:
    """Write `report.md`, `report.html` and `numbers.csv` from what is there.

    Returns:
        These files.
    """
    results = _results(programme, outcomes)
    made = tables(results)
    sections: Sections = {
        "What this is": _about(programme, outcomes),
        "The paper's items in its order": _items(results, made),
        "The paper's claims": _claims(results),
        "Where the numbers come from": _origins(results),
    }
    listed = programme.out / "numbers.csv"
    write_bytes(listed, csv_text(numbers.frame([one for part in made.values() for one in part])).encode())
    return [*write_document("SegMoTE, reproduced", sections, programme.out / "report"), listed]


def _results(programme: Programme, outcomes: Sequence[StepOutcome]) -> Results:
    done = frozenset(one.step.name for one in outcomes if one.is_done)
    there = {one.step.done for one in outcomes if one.is_done}
    found = {
        one.folder: list(numbers_of(programme.out / one.folder, one.own)) for one in BENCHMARK_RUNS if one in there
    }
    titles = {one.dataset: title_of(one.dataset) for part in found.values() for one in part}
    return Results(programme, done, found, titles | (parts.titles(programme) if "curated-set" in done else {}))


def tables(results: Results) -> dict[str, list[ReportNumber]]:
    """The numbers of Tables 1 to 4 and of Figure 5, by item; also the printed ones alone where nothing was measured."""
    zero_shot = results.of(ZERO_SHOT_ALL.folder, ZERO_SHOT_OWN.folder)
    held_out = results.of(parts.HELD_OUT_ALL.folder, parts.HELD_OUT_OWN.folder)
    ablated = _titles_of_ablations(results)
    source = f"{ABLATIONS}: networks trained here on the curated set; {results.programme.text()}"
    decoder, queries = results.path(ABLATIONS, "decoder.csv"), results.path(ABLATIONS, "queries.csv")
    tuned = numbers.tuned_decoder(decoder, ablated, source) if "table-2" in results.done else {}
    made = {
        "Table 1": numbers.table_1(zero_shot, results.titles),
        "Figure 5": numbers.figure_5(held_out, results.titles),
        "Table 2": numbers.table_2([*zero_shot, *held_out], results.titles, tuned),
        "Table 4": numbers.table_4(queries if "table-4" in results.done else None, ablated, source),
    }
    return made | {"Table 3": numbers.table_3(results.path(ABLATIONS, "size.csv")) if "table-3" in results.done else []}


def _titles_of_ablations(results: Results) -> dict[str, str]:
    """Titles of data sets in the ablations' files to the paper's names."""
    foreign = {catalogue.load(name).title: title_of(name) for name in ZERO_SHOT}
    return foreign | {name.removeprefix("imis:"): title for name, title in results.titles.items() if ":" in name}


def _about(programme: Programme, outcomes: Sequence[StepOutcome]) -> list[SheetEntry]:
    data = "the embedded phantoms" if programme.data is None else str(programme.data)
    quick = "THIS WAS QUICK: its numbers only show that the programme runs. " if programme.quick else ""
    mini = "MINI WORLD: small networks on phantoms, which say nothing about the published models. "
    text = (
        f"{quick}{mini if programme.data is None else ''}{programme.text()} Pace: {programme.pace.name}. Data: {data}."
    )
    head = ["step", "item", "what", "state", "missing or wrong", "minutes"]
    rows = [
        [one.step.name, one.step.item, one.step.what, one.state, one.note, _minutes(one.seconds)] for one in outcomes
    ]
    open_steps = [one.step.name for one in outcomes if not one.is_done]
    state = f"Not done: {', '.join(open_steps)}." if open_steps else "Every step is done."
    return [SheetEntry("Which weights on which data?", text), SheetEntry("What was done?", state, [head, *rows])]


def _minutes(seconds: float) -> str:
    return "" if isnan(seconds) else f"{seconds / 60:.1f}"


def _items(results: Results, made: Mapping[str, Sequence[ReportNumber]]) -> list[SheetEntry]:
    """One entry for each item, in the paper's order."""
    ours = "ours" if results.programme.data else "ours (mini world)"
    columns = {
        "Table 1": numbers.TABLE_1,
        "Figure 5": numbers.TABLE_1,
        "Table 2": numbers.TABLE_2,
        "Table 4": (numbers.OURS,),
    }
    tables_of = {name: numbers.wide(made[name], models, ours) for name, models in columns.items() if made[name]}
    tables_of |= {
        "Table 3": _parameters(made["Table 3"]),
        "Figure 4": _smoothness(results),
    }
    return [
        SheetEntry(
            f"{item.name}: {item.title}",
            _curated(results) if item.name == "Section 3.6" else _text(item, results.programme),
            tables_of.get(item.name, ()),
            [results.path(f"{stem}.png") for step, stems in item.figures if step in results.done for stem in stems],
        )
        for item in ITEMS
    ]


def _text(item: ReportItem, programme: Programme) -> str:
    pace = f"Trainings and tests at this pace: {programme.pace.name}. " if item.trains else ""
    return f"{item.text} {pace}{programme.text()}".lstrip()


def _curated(results: Results) -> str:
    if "curated-set" not in results.done:
        return "Not made here."
    facts = parts.curation_facts(results.programme)
    names = ", ".join(map(title_of, facts["datasets"]))
    return (
        f"Published: 154,569 masks of 12 sources. Ours: {facts['masks']:,} masks, chosen from "
        f"{facts['masks_read']:,} of {len(facts['datasets'])} sources ({names}). See curated/data-sheet.html. "
        f"{results.programme.text()}"
    )


def _parameters(found: Sequence[ReportNumber]) -> list[list[str]]:
    rows = [[one.model, f"{one.published:g}", f"{one.recomputed:.2f}"] for one in found]
    return [["method", "published", "recomputed"], *rows] if rows else []


def _smoothness(results: Results) -> list[list[str]]:
    if "figure-4" not in results.done:
        return []
    rows = pd.read_csv(results.path(INSIDE, "smoothness.csv")).to_dict("records")
    texts = [
        [str(row["dataset"]), str(row["images"]), f"{row['sources_ratio']:.3f}", f"{row['curated_ratio']:.3f}"]
        for row in rows
    ]
    return [["data set", "images on each side", "ratio in the sources", "ratio in the curated set"], *texts]


def _claims(results: Results) -> list[SheetEntry]:
    runs = [results.path(ZERO_SHOT_ALL.folder)] if "table-1" in results.done else []
    ours = paper.ours(runs)
    (first, *_) = claims.text_tables(claims.audit(ours.values))
    told = results.path(ABLATIONS, VERDICTS)
    verdicts = told.read_text().splitlines() if told.exists() else []
    text = " ".join([first.caption, *ours.used, *ours.refused])
    return [
        SheetEntry("The text against its own numbers", text, [first.heads, *first.rows]),
        SheetEntry(
            "The ablations' claims against our trainings",
            results.programme.text(),
            [["verdict"], *([one] for one in verdicts if one)],
        ),
    ]


def _origins(results: Results) -> list[SheetEntry]:
    trained = f"segmote/own is the network trained here, {OWN}/{WEIGHTS}. " if "training" in results.done else ""
    text = (
        f"{trained}Networks of the ablations lie in {ABLATIONS}/work, one folder each, named after what varies. All "
        f"numbers at full precision with their sources: numbers.csv. {results.programme.text()}"
    )
    head = ["folder", "model", "weights", "sha256", "data sets", "prompts"]
    there = [one for one in BENCHMARK_RUNS if run_path(results.path(one.folder)).exists()]
    return [
        SheetEntry("Weights and data by name", text, [head, *(row for one in there for row in _models(results, one))])
    ]


def _models(results: Results, one: BenchmarkRun) -> list[list[str]]:
    """A row per model of a run."""
    facts = read_run(results.path(one.folder))
    data = ", ".join(results.titles.get(name, name) for name in facts.config.datasets)
    prompts = ", ".join(facts.config.prompts)
    return [
        [one.folder, name, model.weights or "none", (model.weights_sha256 or "")[:DIGITS], data, prompts]
        for name, model in facts.models.items()
    ]
