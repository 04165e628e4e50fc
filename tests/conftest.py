"""Fixtures that several test files use."""

import importlib.util
import os
from pathlib import Path
from types import ModuleType

import pytest

# One thread in each test process and in those that tests start, so that all split their sums the same way.
os.environ["OMP_NUM_THREADS"] = "1"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with golden files and real samples; tests that need it are skipped without it."""
    folder = os.environ.get("BENCH_SHARED")
    if not folder or not Path(folder).is_dir():
        pytest.skip(f"needs golden files or real samples: BENCH_SHARED is {folder!r}")
    return Path(folder)


@pytest.fixture(scope="session")
def golden_io(shared: Path) -> ModuleType:
    """The module beside the golden files that reads them and compares with them."""
    spec = importlib.util.spec_from_file_location("golden_io", shared / "goldens" / "golden_io.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item):
    """Where parity is required, a skipped parity test fails with the reason of its skip."""
    report = yield
    if report.skipped and item.get_closest_marker("parity") and os.environ.get("BENCH_REQUIRE_PARITY"):
        report.outcome, report.longrepr = "failed", f"a parity test was skipped: {report.longrepr}"
    return report
