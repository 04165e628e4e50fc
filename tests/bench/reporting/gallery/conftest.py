"""A run whose gallery is looked at."""

import pytest

from bench.running import run
from tests.helpers import fakes


@pytest.fixture(scope="package")
def folder(tmp_path_factory):
    """A run of fakes with boxes and clicks; tests copy it before they change it."""
    with pytest.MonkeyPatch.context() as patch:
        fakes.register(patch)
        fakes.leave_out_figures(patch)
        out = tmp_path_factory.mktemp("gallery") / "r"
        run.run(fakes.config(out, prompts=("box", "clicks")))
        yield out
