"""The fake models and the data set of squares, put into the registries of those tests that ask for them."""

import pytest

from tests.helpers import fakes


@pytest.fixture
def registered(monkeypatch):
    """The fakes stand in the registries, never asked before."""
    fakes.register(monkeypatch)


@pytest.fixture(scope="module")
def registered_throughout():
    """The fakes stand in the registries while the tests of one file run."""
    with pytest.MonkeyPatch.context() as patch:
        fakes.register(patch)
        yield


@pytest.fixture
def without_figures(monkeypatch):
    """Runs end with their tables; figures, galleries and pages take seconds."""
    fakes.leave_out_figures(monkeypatch)
