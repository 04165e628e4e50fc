"""Errors that end a command with one line: what is wrong and what to do."""


class RunError(RuntimeError):
    """A run folder that cannot be used as asked; the text says why and what to do."""


class WorkerLostError(RunError):
    """A process ended before its task did; what was finished is kept."""
