"""The command line: `bench run --models all --prompt box`."""

import errno
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from typing import Any, TextIO, cast

import typer
from typer.core import TyperGroup

from bench.commands import (
    ablate,
    check,
    compare,
    convert,
    curate,
    demo,
    download,
    export,
    inside,
    ls,
    paper,
    profile,
    report,
    reproduce,
    run,
    score,
    table,
    train,
    verify,
    verify_fast,
)
from bench.commands.options import INTERRUPTED, OK, SOME_FAILED, USAGE, from_options
from bench.commands.terminal import PrintableStream
from bench.errors import RunError, WorkerLostError

Command = Callable[[Any], int]
# Every command in the order of `bench --help`, by the heading that it stands under; a group has its own commands.
COMMANDS: Mapping[str, Mapping[str, Command | tuple[str, Mapping[str, Command]]]] = {
    "Benchmark": {
        "run": run.run_command,
        "score": score.score_command,
        "report": report.report_command,
        "table": table.table_command,
        "compare": compare.compare_command,
        "verify": verify.verify_command,
        "verify-fast": verify_fast.verify_fast_command,
        "export": export.export_command,
        "paper": paper.paper_command,
        "profile": profile.profile_command,
    },
    "Models and data": {
        "ls": (
            "List models, data sets, prompts, protocols, runs, and who has seen which data.",
            {
                "models": ls.ls_models,
                "datasets": ls.ls_datasets,
                "prompts": ls.ls_prompts,
                "protocols": ls.ls_protocols,
                "runs": ls.ls_runs,
                "ledger": ls.ls_ledger,
            },
        ),
        "check": (
            "Check data, weights or a model without running anything.",
            {"data": check.check_data, "weights": check.check_weights, "model": check.check_model},
        ),
        "download": download.download_command,
        "convert": convert.convert_command,
        "curate": curate.curate_command,
        "demo": (
            "Write the phantoms of the built-in mini world, or train its mini weights again.",
            {"data": demo.demo_data, "build": demo.demo_build, "look": demo.demo_look},
        ),
    },
    "SegMoTE": {
        "train": ("Train a model.", {"segmote": train.train_segmote}),
        "ablate": ablate.ablate_command,
        "inside": (
            "Look inside SegMoTE: figures 4, 6a and 7 of the paper.",
            {
                "experts": inside.inside_experts,
                "routing": inside.inside_routing,
                "embeddings": inside.inside_embeddings,
            },
        ),
        "reproduce": (
            "Repeat the whole programme of a paper.",
            {"segmote": reproduce.reproduce_segmote},
        ),
    },
}


class InOrder(TyperGroup):
    """Lists its commands in the order of `COMMANDS`; Typer would put groups first."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of all commands and groups."""
        return [name for commands in COMMANDS.values() for name in commands]


def _app() -> typer.Typer:
    made = typer.Typer(
        help="A reference benchmark for SAM-family medical image segmentation.",
        cls=InOrder,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    for heading, commands in COMMANDS.items():
        for name, command in commands.items():
            if isinstance(command, tuple):
                group = typer.Typer(help=command[0], no_args_is_help=True)
                for part, function in command[1].items():
                    group.command(part)(from_options(function))
                group.callback()(lambda: None)  # a group of one command stays a group
                made.add_typer(group, name=name, help=command[0], rich_help_panel=heading)
            else:
                made.command(name, rich_help_panel=heading)(from_options(command))
    return made


app = _app()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code: 0, 1 some cases failed, 2 usage, 130 interrupted."""
    logging.captureWarnings(True)
    logging.raiseExceptions = False  # a disk that is full ends the command in one line, not in a log's traceback too
    shown, errors = PrintableStream(sys.stdout), PrintableStream(sys.stderr, keep="\n\t\r")  # \r: progress bars
    with redirect_stdout(cast("TextIO", shown)), redirect_stderr(cast("TextIO", errors)):
        sys.exit(_exit_code(arguments))


# Typer brings click along, as its own dependency or inside itself; its usage errors are reached through Typer alone.
UsageError: type[Exception] = typer.BadParameter.__bases__[0]


def _exit_code(arguments: Sequence[str] | None) -> int:
    try:
        code = int(app(args=arguments, prog_name="bench", standalone_mode=False) or OK)
    except typer.Exit as stop:
        code = stop.exit_code
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except (UsageError, RunError, ValueError, OSError, MemoryError, RecursionError) as error:
        return _stop(*_explain(error))
    return _stop("interrupted; run the same command again to resume", code) if code == INTERRUPTED else code


def _explain(error: Exception) -> tuple[str, int]:
    """One line for a person, and the exit code."""
    if isinstance(error, UsageError):
        return error.format_message(), USAGE  # type: ignore[attr-defined]
    if isinstance(error, WorkerLostError):
        return str(error), SOME_FAILED
    if isinstance(error, MemoryError):
        return f"out of memory ({error}); run the same command again to resume, with fewer --jobs", SOME_FAILED
    if isinstance(error, RecursionError):
        return f"something is nested too deeply ({error})", USAGE
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return f"{error.strerror}: free some space, then run the same command again to resume", SOME_FAILED
    return str(error), USAGE


def _stop(text: str, code: int) -> int:
    if text:  # a command without arguments has printed its help already
        print(f"bench: {text}", file=sys.stderr)
    return code
