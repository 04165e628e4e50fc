"""Errors that end a command with one line: what is wrong and what to do."""


class RunError(RuntimeError):
    """A run folder that cannot be used as asked; the text says why and what to do."""


class WorkerLostError(RunError):
    """A process ended before its task did; what was finished is kept."""


def first_line(error: Exception) -> str:
    """What went wrong, without the advice that follows."""
    return str(error).partition("\n")[0] or type(error).__name__
