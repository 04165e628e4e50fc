"""Large benchmarks run with `tox -e benchmarks` only: official-size networks and volumes of 400 slices are no tests."""

from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(config, items):
    if config.getoption("benchmark_enable"):
        return
    skipped = pytest.mark.skip(reason="a large benchmark; run with `tox -e benchmarks`")
    for item in items:
        if HERE in item.path.parents and item.get_closest_marker("slow"):
            item.add_marker(skipped)
