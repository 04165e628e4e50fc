"""Run folders compared file by file."""

import pandas as pd

from bench.store.run_folder import LOCK


def files(folder, skip=()):
    found = {path.relative_to(folder): path for path in folder.rglob("*") if path.is_file()}
    return {str(name): path.read_bytes() for name, path in found.items() if name.name not in skip}


TIMED = ("run.json", "log.txt", LOCK, "records.parquet")


def assert_same(one, other):
    """Equal to the byte, timings aside."""
    left, right = (
        {n: b for n, b in files(run_folder, TIMED).items() if not n.endswith(".seconds.json")}
        for run_folder in (one, other)
    )
    assert left.keys() == right.keys()
    assert [name for name in left if left[name] != right[name]] == []
    drop = ["run", "seconds_encode", "seconds_decode"]
    records = [pd.read_parquet(folder / "records.parquet").drop(columns=drop) for folder in (one, other)]
    pd.testing.assert_frame_equal(*records)
