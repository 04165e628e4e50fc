"""The command line: `bench run --models all --prompt box`."""

import contextlib
import errno
import logging
import os
import sys
from collections.abc import Sequence
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Annotated, NoReturn

import psutil
import torch
import typer
from tabulate import tabulate
from tqdm import tqdm

import adapters
from adapters import convert
from adapters import weights as weights_module
from adapters.download import DownloadError
from bench import claims, inventory, plan, predict, prompts, protocols, report, run, verify, world
from bench.config import RunConfig
from bench.datasets.check import check as check_dataset
from bench.store import RunError, read_json
from bench.tables import AGGREGATIONS, FORMATS, to_console

OK, SOME_FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130
GIB_A_WORKER = 4  # an official ViT-B on the CPU peaks near 3 GiB

app = typer.Typer(
    help="A reference benchmark for SAM-family medical image segmentation.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
ls = typer.Typer(help="What there is: models, datasets, prompts, protocols, runs.", no_args_is_help=True)
check = typer.Typer(help="Look at data or weights without running anything.", no_args_is_help=True)
demo_app = typer.Typer(help="The embedded mini world: its phantoms and mini weights.", no_args_is_help=True)
app.add_typer(ls, name="ls")
app.add_typer(check, name="check")
app.add_typer(demo_app, name="demo")


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


Models = Annotated[str, typer.Option(help="Comma list of family/variant, or all.")]
Datasets = Annotated[str, typer.Option(help="Comma list, or all.")]
PromptKinds = Annotated[str, typer.Option("--prompt", help="Comma list of prompt kinds.")]
Data = Annotated[Path | None, typer.Option(envvar="BENCH_DATA", help="Folder with data sets; without it, phantoms.")]
Weights = Annotated[Path | None, typer.Option(envvar="BENCH_WEIGHTS", help="Folder with weights files.")]
Run = Annotated[Path, typer.Argument(help="A run folder.")]


def split(text: str) -> tuple[str, ...]:
    """The names of a comma list."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


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


@app.command("run")
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
) -> int:
    """Predict, score and report: every model on every case with the same prompts."""
    choice = world.choose(split(models), split(datasets), data, weights)
    for name in split(prompt):
        prompts.load(name)
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
    return _finish(run.run(config, resume))


def _print_plan(config: RunConfig) -> int:
    found = plan.listing(config)
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


def _finish(outcome: run.Outcome) -> int:
    headline = {kind: report.table(outcome.run, kind) for kind in report.read_run(outcome.run)["config"]["prompts"]}
    for kind, table in headline.items():
        print(f"\n{to_console(table)}")
        if prompts.KINDS[kind].rounds:
            print(f"\n{to_console(report.click_curve(outcome.run, kind))}")
    print(f"\nRun folder: {outcome.run}")
    if outcome.failed or outcome.skipped:
        print(f"{outcome.failed} failed, {outcome.skipped} skipped with reasons in {outcome.run / 'failures.parquet'}")
    return SOME_FAILED if outcome.failed else OK


@app.command("score")
def score_command(folder: Run) -> int:
    """Score the stored masks of a run again; needs no model."""
    return _finish(run.score_only(folder))


@app.command("report")
def report_command(folder: Run) -> int:
    """Write the tables of a scored run again."""
    for table in report.report(folder):
        print(folder / "tables" / f"{table.name}.tex")
    return OK


@app.command("table")
def table_command(
    folder: Run,
    prompt: Annotated[str | None, typer.Option(help="Prompt kind; default the run's first.")] = None,
    aggregation: Annotated[str | None, typer.Option(help=f"{', '.join(AGGREGATIONS)}.")] = None,
    prompt_round: Annotated[int | None, typer.Option("--round", help="Round of clicks; default the last.")] = None,
    style: Annotated[str, typer.Option("--format", help=f"{', '.join(FORMATS)}.")] = "console",
    summary: Annotated[bool, typer.Option("--summary", help="Only the averages.")] = False,
) -> int:
    """Print a table of a run."""
    if style not in FORMATS:
        raise RunError(f"unknown format {style!r}; there are {', '.join(FORMATS)}")
    prompt = prompt or report.read_run(folder)["config"]["prompts"][0]
    table = report.table(folder, prompt, aggregation, prompt_round)
    print(FORMATS[style](table.summary() if summary else table))
    return OK


@app.command("verify")
def verify_command(
    folder: Run,
    against: Annotated[Path, typer.Option(help="Reference, as written by --write.")],
    tolerance: Annotated[float | None, typer.Option(help="In Dice; default the reference's own.")] = None,
    write: Annotated[bool, typer.Option("--write", help="Make this run the reference.")] = False,
) -> int:
    """Compare the Dice of a run with a reference; exits 1 and names the rows that moved."""
    if write:
        verify.write_reference(folder, against)
        print(f"wrote {against}")
        return OK
    moved = verify.verify(folder, against, tolerance)
    stored = read_json(against)
    allowed = stored["tolerance"] if tolerance is None else tolerance
    compared = sum(len(rows) for rows in stored["dice"].values())
    for line in moved:
        print(line)
    print(f"{len(moved)} of {compared} rows moved by more than {allowed:g} Dice")
    return SOME_FAILED if moved else OK


@app.command("paper")
def paper_command() -> int:
    """Check the printed numbers and claims of the SegMoTE paper against its own rows and our counted parameters."""
    print(claims.render(claims.audit()))
    return OK


@app.command("download")
def download_command(
    names: Annotated[list[str], typer.Argument(help="Models (sam/vit_b, sam2 ...), or all that can be fetched.")],
    weights: Weights = None,
) -> int:
    """Fetch weights: resumes, checks the checksum, then puts the file in place."""
    for entry in inventory.downloads(names):
        with tqdm(desc=entry.name, unit="B", unit_scale=True, unit_divisor=1024) as bar:
            path = weights_module.download(entry, weights_module.weights_dir(weights), partial(_show, bar))
        print(path)
    return OK


def _show(bar: "tqdm[NoReturn]", present: int, total: int | None) -> None:
    bar.total = total
    bar.update(present - bar.n)


@app.command("convert")
def convert_command(
    file: Annotated[Path, typer.Argument(help="An official weights file that needs unpickling.")],
    out: Annotated[Path | None, typer.Argument(help="Default: the same name with .safetensors.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> int:
    """Keep the tensors of a pickled checkpoint as safetensors, after saying what the pickle names."""
    target = out or file.with_suffix(".safetensors")
    print(f"{file} is a pickle that names:", *convert.inspect(file), sep="\n  ")
    print("Tensors are read by torch's restricted unpickler; the rest becomes inert. Anything else is refused.")
    confirmed = yes or typer.confirm(f"Read it and write {target}?")
    print(convert.convert(file, target, confirmed=confirmed))
    return OK


@ls.command("models")
def ls_models(weights: Weights = None) -> int:
    """Families, variants, prompts they were trained on, licence, and whether the weights are there."""
    print(inventory.models(weights))
    return OK


@ls.command("datasets")
def ls_datasets(data: Data = None) -> int:
    """Data sets with licence and source, and what is found below --data."""
    print(inventory.data_sets(data))
    return OK


@ls.command("prompts")
def ls_prompts() -> int:
    """Kinds of simulated prompts."""
    print(inventory.prompt_kinds())
    return OK


@ls.command("protocols")
def ls_protocols() -> int:
    """Protocols with every rule."""
    print(inventory.all_protocols())
    return OK


@ls.command("runs")
def ls_runs(folder: Annotated[Path, typer.Argument(help="Where runs are.")] = Path("results/runs")) -> int:
    """Run folders with what they hold."""
    print(inventory.runs(folder))
    return OK


@check.command("data")
def check_data(data: Data = None, datasets: Datasets = "all") -> int:
    """Read every case of the data sets and list what is wrong with them."""
    choice = world.choose(("baseline/box",), split(datasets), data, None)
    failed = 0
    for name in choice.datasets:
        result = check_dataset(name, choice.data)
        print(result.text())
        failed += result.failed
    return SOME_FAILED if failed else OK


@check.command("weights")
def check_weights(weights: Weights = None) -> int:
    """Compare the weights files that are there with their checksums."""
    states = inventory.weights_states(weights)
    print(tabulate(states.items(), headers=["model", "weights"]))
    return SOME_FAILED if any("differs" in state for state in states.values()) else OK


@demo_app.command("data")
def demo_data() -> int:
    """Write the zero-shot phantoms if they are not there yet, and print where they are."""
    print(world.phantom_data())
    return OK


@demo_app.command("build")
def demo_build(
    out: Annotated[Path, typer.Option(help="Where the mini weights go.")] = Path("adapters/mini"),
    logs: Annotated[Path, typer.Option(help="Where the training logs go.")] = Path("results/reference/mini"),
    models: Models = "all",
) -> int:
    """Train the mini weights again from their phantoms; about an hour on two cores."""
    from bench.demo import train  # noqa: PLC0415 - brings every network; only this command needs them

    families = list(train.RECIPES) if models == "all" else list(split(models))
    train.build(families, out, log_dir=logs)
    return OK


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code: 0, 1 some cases failed, 2 usage, 130 interrupted."""
    logging.captureWarnings(True)
    sys.exit(_exit_code(arguments))


# Typer brings click along, as its own dependency or inside itself; its usage errors are reached through Typer alone.
UsageError: type[Exception] = typer.BadParameter.__bases__[0]


def _exit_code(arguments: Sequence[str] | None) -> int:
    try:
        code = int(app(args=arguments, standalone_mode=False) or OK)
    except typer.Exit as stop:
        code = stop.exit_code
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except (UsageError, RunError, DownloadError, ValueError, OSError) as error:
        return _stop(*_explain(error))
    return _stop("interrupted; the same command goes on from here", code) if code == INTERRUPTED else code


def _explain(error: Exception) -> tuple[str, int]:
    """One line for a person, and the exit code."""
    if isinstance(error, UsageError):
        return error.format_message(), USAGE  # type: ignore[attr-defined]
    if isinstance(error, DownloadError):
        return str(error), SOME_FAILED
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{error.strerror}: free some space, then the same command goes on", SOME_FAILED
    return str(error), USAGE


def _stop(text: str, code: int) -> int:
    print(f"bench: {text}", file=sys.stderr)
    return code
