"""`bench run` and what looks at a run: report, table, verify."""

import contextlib
import os
from enum import Enum
from pathlib import Path
from typing import Annotated

import psutil
import torch
import typer
from tabulate import tabulate

import adapters
from bench import protocols, world
from bench.commands.options import (
    OK,
    SOME_FAILED,
    Data,
    Datasets,
    FollowLinks,
    Models,
    PromptKinds,
    Run,
    TrustArrays,
    Weights,
    split,
)
from bench.comparing import reference
from bench.config import RunConfig
from bench.data import catalogue
from bench.errors import RunError
from bench.predicting import predict
from bench.prompting.kinds import load
from bench.reporting.tables.formats import to_console
from bench.reporting.tables.table import Table
from bench.running import choose, run
from bench.store.files import read_json

GIB_A_WORKER = 4  # an official ViT-B on the CPU peaks near 3 GiB


class Precision(str, Enum):
    """Number format of the network."""

    fp32 = "fp32"
    bf16 = "bf16"
    fp16 = "fp16"


class Engine(str, Enum):
    """What runs the workers."""

    local = "local"
    dask = "dask"
    ray = "ray"


def _device(name: str) -> str:
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    with contextlib.suppress(RuntimeError):
        if torch.device(name).type == "cpu" or torch.cuda.is_available():
            return name
    raise RunError(f"device {name!r} is not available here; use auto, cpu or cuda[:i]")


def _jobs(wanted: int | None, device: str) -> int:
    if wanted is not None:
        return wanted
    if device != "cpu":
        return 1
    room = int(psutil.virtual_memory().available // (GIB_A_WORKER * 2**30))
    return max(1, min(os.cpu_count() or 1, room))


def run_command(
    models: Models = "all",
    datasets: Datasets = "all",
    prompt: PromptKinds = "box",
    clicks: Annotated[int, typer.Option(min=1, help="Rounds of the prompt kind clicks.")] = 5,
    protocol: Annotated[str, typer.Option(help="Rules of the evaluation, see bench ls protocols.")] = "bench",
    data: Data = None,
    weights: Weights = None,
    out: Annotated[Path | None, typer.Option(help="Run folder; default below results/runs.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Cases a data set.")] = None,
    seed: Annotated[int, typer.Option(help="Of all drawn prompts.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda[:i].")] = "auto",
    precision: Annotated[Precision, typer.Option(help="Of the networks.")] = Precision.fp32,
    jobs: Annotated[int | None, typer.Option(min=1, help="Worker processes; changes no result.")] = None,
    engine: Annotated[Engine, typer.Option(help="What runs the workers.")] = Engine.local,
    resume: Annotated[bool, typer.Option(help="Go on where the folder's run stopped, or start it anew.")] = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan, run nothing.")] = False,
    predict_only: Annotated[bool, typer.Option("--predict-only", help="Stop before scoring.")] = False,
    untrained_prompts: Annotated[
        bool, typer.Option("--untrained-prompts", help="Also ask models with prompts they never saw.")
    ] = False,
    allow_random: Annotated[
        bool, typer.Option("--allow-random", help="Run untrained networks; the numbers mean nothing.")
    ] = False,
    trust_arrays: TrustArrays = False,
    follow_links: FollowLinks = False,
) -> int:
    """Predict, score and report: every model on every case with the same prompts."""
    choice = choose.choose(split(models), split(datasets), data, weights, follow_links)
    for name in split(prompt):
        load(name)
    protocols.load(protocol)
    chosen = _device(device)
    config = RunConfig(
        models=choice.models,
        datasets=choice.datasets,
        prompts=split(prompt),
        clicks=clicks,
        protocol=protocol,
        data=choice.data,
        world=choice.world,
        weights=weights,
        out=Path(),
        limit=limit,
        seed=seed,
        device=chosen,
        precision=precision.value,
        jobs=_jobs(jobs, chosen),
        engine=engine.value,
        untrained_prompts=untrained_prompts,
        allow_random=allow_random,
        trust_arrays=trust_arrays,
        follow_links=follow_links,
    )
    folder = out or Path("results/runs") / f"{choice.world}-{'-'.join(config.prompts)}-{config.digest()}"
    config = config.at(folder)
    print(world.text(config.models, config.world, allow_random), choice.note, sep=" ")
    if dry_run:
        return _print_plan(config)
    if predict_only:
        run.predict_only(config, resume)
        print(f"\nPredictions: {folder}. Next: bench score {folder}")
        return OK
    return finish(run.run(config, resume))


def _print_plan(config: RunConfig) -> int:
    found = catalogue.listing(config)
    rows = []
    for name in config.datasets:
        items = [item for item in found.items if item.dataset == name]
        defects = [defect for defect in found.defects if defect.dataset == name]
        rows.append((name, len({item.patient for item in items}), len(items), len(defects)))
    print(tabulate(rows, headers=["data set", "patients", "cases", "left out"]))
    for model in config.models:
        kinds = predict.kinds(adapters.card(model), config)
        print(f"{model}: {', '.join(kinds) or 'n/a'} on {len(found.items)} cases")
    print(f"protocol {config.protocol}, seed {config.seed}, {config.device}, {config.precision}, jobs {config.jobs}")
    print(f"would write {config.out}")
    return OK


def finish(outcome: run.RunOutcome) -> int:
    """Print the headline tables of a run; the exit code."""
    for table in outcome.tables:
        if isinstance(table, Table) and table.role in ("headline", "rounds"):
            print(f"\n{to_console(table)}")
    print(f"\nRun folder: {outcome.run}")
    if outcome.failed or outcome.skipped:
        print(f"{outcome.failed} failed, {outcome.skipped} skipped with reasons in {outcome.run / 'failures.parquet'}")
    return SOME_FAILED if outcome.failed else OK


def verify_command(
    folder: Run,
    against: Annotated[Path, typer.Option(help="Reference, as written by --write.")],
    tolerance: Annotated[float | None, typer.Option(help="In Dice; default the reference's own.")] = None,
    write: Annotated[bool, typer.Option("--write", help="Make this run the reference.")] = False,
) -> int:
    """Compare the Dice of a run with a reference; exits 1 and names the rows that moved."""
    if write:
        reference.write_reference(folder, against)
        print(f"wrote {against}")
        return OK
    moved = reference.verify(folder, against, tolerance)
    stored = read_json(against)
    allowed = stored["tolerance"] if tolerance is None else tolerance
    compared = sum(len(rows) for rows in stored["dice"].values())
    for line in moved:
        print(line)
    print(f"{len(moved)} of {compared} rows moved by more than {allowed:g} Dice")
    return SOME_FAILED if moved else OK
