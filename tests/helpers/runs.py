"""Runs made up for tests of what reads them: facts and records without any model."""

from dataclasses import replace
from pathlib import Path

from bench.config import RunConfig
from bench.reporting.scored_run import ScoredRun, read_scored_run
from bench.reporting.table_spec import table_spec
from bench.reporting.tables import run_tables
from bench.store.run_facts import ModelFacts, RunFacts
from tests.helpers.records import records

MODELS = ("baseline/box", "sam/mini", "medsam/mini")
CONFIG = RunConfig(
    models=MODELS, datasets=("segthor", "isles2022"), prompts=("box",), clicks=3, protocol="bench",
    data=Path("/nowhere"), world="phantom", weights=None, out=Path("a-run"), limit=None, seed=0, device="cpu",
    precision="fp32", jobs=1, engine="local", untrained_prompts=False, allow_random=False,
)  # fmt: skip


def facts(changes=None, **chosen):
    """The facts of a run.

    Args:
        changes: of attributes of `RunFacts`.
        chosen: attributes of its configuration.
    """
    config = replace(CONFIG, **chosen)
    return (
        RunFacts(
            config=config,
            protocol={"name": config.protocol, "axis": "axial"},
            world_text="Mini weights on phantom data.",
            models={name: ModelFacts(name, 10, "MIT", "-", "-", "w", "ab12") for name in config.models},
            not_applicable={},
            untrained=frozenset(),
            versions={"python": "3.11", "segmote-bench": "0.1.0"},
            hardware={"device": "cpu", "name": "a chip", "cores": 2},
            prompts_sha256="cd34",
            counts={name: {"cases": 2, "patients": 2, "prompts": 4} for name in config.datasets},
            seconds={"predict": 1.0, "score": 1.0, "report": 1.0},
            finished={"predict": True, "score": True, "report": True},
        )
        if not changes
        else replace(facts(**chosen), **changes)
    )


def scored_run(rows, **chosen):
    """A run with these records, each a mapping of what differs from `tests.helpers.records.DEFAULTS`."""
    return ScoredRun(CONFIG.out, facts(**chosen), records(*rows))


def everything(dice, patients=3, **chosen):
    """A run in which every model scores every patient's two objects on every data set.

    Args:
        dice: (data set, model, patient number, object number) to Dice.
        patients: how many.
        chosen: see `facts`.
    """
    config = facts(**chosen).config
    rows = [
        {
            "model": model, "dataset": dataset, "patient": f"p{patient}", "case": f"c{patient}", "slice": number,
            "target": "heart", "prompt": prompt, "value": dice(dataset, model, patient, number),
            "area_px": 10 + 100 * number, "seconds_encode": 0.01, "seconds_decode": 0.002,
        }
        for prompt in config.prompts
        for dataset in config.datasets
        for model in config.models
        for patient in range(patients)
        for number in range(2)
    ]  # fmt: skip
    return scored_run(rows, **chosen)


def score_table(folder, *asked, **more):
    """The table of scores of a run folder; arguments as in `table_spec`."""
    run = read_scored_run(folder)
    return run_tables.scores_table(run, table_spec(run, *asked, **more))


def click_table(folder, kind):
    """The table by number of clicks of a run folder."""
    return run_tables.click_table(read_scored_run(folder), kind)


def level(dataset, model, patient, number):
    """Dice that tells models, patients and objects apart."""
    return 0.5 + 0.1 * MODELS.index(model) + 0.01 * patient + 0.05 * number
