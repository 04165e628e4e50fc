"""The command line as a user sees it."""

import pytest

from bench import cli

# A run of one fake model on the data set of squares, in the current folder.
SQUARES = ("run", "--datasets", "squares", "--data", "data", "--jobs", "1", "--models", "fake/good", "--out", "r")


def bench(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Exit code, output and errors of a command."""
    with pytest.raises(SystemExit) as stop:
        cli.main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return int(stop.value.code or 0), out, err


def one_line(text: str) -> str:
    """The one line that says what went wrong."""
    lines = [line for line in text.splitlines() if line.startswith("bench: ")]
    assert len(lines) == 1 and "Traceback" not in text, text
    return lines[0]
