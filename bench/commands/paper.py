"""`bench paper`: the printed numbers and claims of the SegMoTE paper, held against its own rows and against ours."""

from bench import claims
from bench.commands.options import OK


def paper_command() -> int:
    """Check the printed numbers and claims of the SegMoTE paper against its own rows and our counted parameters."""
    print(claims.render(claims.audit()))
    return OK
