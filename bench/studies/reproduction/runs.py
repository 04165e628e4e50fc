"""The programme's benchmark runs: all models with the same prompts, and the network trained here beside them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.config import RunConfig
from bench.reporting.scored_run import ScoredRun, read_scored_run
from bench.reporting.table_spec import table_spec
from bench.reporting.tables.run_tables import scores_table
from bench.running import run
from bench.statistics.patients import AVERAGE
from bench.store.ownership import is_reported
from bench.store.run_folder import read_run, run_path
from bench.studies.reproduction.programme import Programme

PROTOCOL, AGGREGATION = "bench", "macro_class"
SEED = 0
OWN = "segmote/own"  # the network that the programme trained; other names are those of models


@dataclass(frozen=True, slots=True)
class RunNumber:
    """One Dice of a run, in percent.

    Attributes:
        dataset, row, model, prompt: our names; `row` is a class or `AVERAGE`.
        value, low, high: with the limits of its 95 % interval over patients, NaN with fewer than two.
        source: the run's folder and what its weights and data are.
    """

    dataset: str
    row: str
    model: str
    prompt: str
    value: float
    low: float
    high: float
    source: str


def configured(
    programme: Programme,
    models: Sequence[str],
    names: Sequence[str],
    prompts: Sequence[str],
    data: Path,
    weights: Path | None,
    out: Path,
) -> RunConfig:
    """A run of the programme.

    Args:
        programme: gives world, pace, workers and device.
        models, names, prompts: of the run; `names` are data sets.
        data: folder that holds these.
        weights: file or folder.
        out: the run folder.
    """
    return RunConfig(
        models=tuple(models),
        datasets=tuple(names),
        prompts=tuple(prompts),
        clicks=1,
        protocol=PROTOCOL,
        data=data.resolve(),
        world=programme.world,
        weights=weights,
        out=out,
        limit=programme.pace.cases,
        seed=SEED,
        device=programme.device,
        precision="fp32",
        jobs=programme.jobs,
        engine="local",
        fewer_jobs=True,
        untrained_prompts=False,
        allow_random=False,
    )


def perform(config: RunConfig) -> None:
    """Run it to its end; a run with other models, of a time when there were fewer weights, is replaced."""
    run.run(config, resume=not run_path(config.out).exists() or is_same(config))


def is_done(config: RunConfig) -> bool:
    """Whether the folder holds this very run, to its report."""
    if not run_path(config.out).exists() or not is_same(config):
        return False
    return all(read_run(config.out).finished.values()) and is_reported(config.out)


def is_same(config: RunConfig) -> bool:
    """Whether the run in the folder was configured likewise."""
    return read_run(config.out).config.identity() == config.identity()


def numbers(folder: Path, own: bool) -> Iterator[RunNumber]:
    """All classes and Averages of a run.

    Args:
        folder: of the run.
        own: its only model is the network trained here.
    """
    scored = read_scored_run(folder)
    for prompt in scored.prompts:
        table = scores_table(scored, table_spec(scored, prompt, AGGREGATION))
        classes = [line for line in table.lines if line.label != AVERAGE]
        for line in (*classes, *table.summary().lines):
            for model, cell in zip(table.models, line.cells, strict=True):
                if cell.defined:
                    yield RunNumber(
                        line.group, line.label, OWN if own else model, prompt,
                        100 * cell.value, 100 * cell.low, 100 * cell.high, source(scored, model),
                    )  # fmt: skip


def source(scored: ScoredRun, model: str) -> str:
    """Where a number comes from: the run, and the weights and data by name."""
    facts = scored.facts
    weights = facts.models[model].weights
    digest = (facts.models[model].weights_sha256 or "")[:12]
    told = f"weights {weights} (sha256 {digest})" if weights else "no weights"
    return f"{scored.folder.name}: {told}; {facts.world_text}"
