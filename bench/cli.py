"""The command line: `bench run --models all --prompt box`."""

import errno
import logging
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from typing import TextIO, cast

import typer

from adapters.weights.download import DownloadError
from bench.commands import ablate, compare, demo, inside, look, paper, run, score, tables, train, weights
from bench.commands.options import INTERRUPTED, OK, SOME_FAILED, USAGE
from bench.errors import RunError
from bench.reporting.tables.safe_text import PrintableStream
from bench.workers import WorkerLostError

app = typer.Typer(
    help="A reference benchmark for SAM-family medical image segmentation.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("run")(run.run_command)
app.command("score")(score.score_command)
app.command("report")(tables.report_command)
app.command("table")(tables.table_command)
app.command("compare")(compare.compare_command)
app.command("verify")(run.verify_command)
app.add_typer(train.train, name="train")
app.command("paper")(paper.paper_command)
app.command("download")(weights.download_command)
app.command("convert")(weights.convert_command)
look.ls.command("ledger")(tables.ls_ledger)
app.add_typer(look.ls, name="ls")
app.add_typer(look.check, name="check")
app.add_typer(demo.demo, name="demo")
app.command("ablate")(ablate.ablate_command)
app.add_typer(inside.inside, name="inside")


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
        code = int(app(args=arguments, standalone_mode=False) or OK)
    except typer.Exit as stop:
        code = stop.exit_code
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except (UsageError, RunError, DownloadError, ValueError, OSError, MemoryError, RecursionError) as error:
        return _stop(*_explain(error))
    return _stop("interrupted; the same command goes on from here", code) if code == INTERRUPTED else code


def _explain(error: Exception) -> tuple[str, int]:
    """One line for a person, and the exit code."""
    if isinstance(error, UsageError):
        return error.format_message(), USAGE  # type: ignore[attr-defined]
    if isinstance(error, DownloadError | WorkerLostError):
        return str(error), SOME_FAILED
    if isinstance(error, MemoryError):
        return f"out of memory ({error}); run the same command again with fewer --jobs to resume", SOME_FAILED
    if isinstance(error, RecursionError):
        return f"something is nested too deeply ({error})", USAGE
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return f"{error.strerror}: free some space, then the same command goes on", SOME_FAILED
    return str(error), USAGE


def _stop(text: str, code: int) -> int:
    print(f"bench: {text}", file=sys.stderr)
    return code
