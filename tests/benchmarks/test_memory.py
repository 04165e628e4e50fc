"""Memory of a run over a long CT, and of scoring and reporting many records.

The sizes of the demands are run with BENCH_FULL_SIZE=1; by default smaller ones hold the same bounds.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from bench.store.records import read_records
from tests.helpers.scored import write_scored

FULL = bool(os.environ.get("BENCH_FULL_SIZE"))
SIDE = 512 if FULL else 256
SLICES = (100, 200, 400) if FULL else (50, 100)
GIB = 2**30
CLASSES = ("liver", "spleen", "stomach", "aorta", "left kidney", "right kidney")
RUN = """
import resource, sys
from bench.cli import main
try:
    main(sys.argv[1:])
finally:
    peaks = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print("peak KiB", *peaks)
"""


def write_ct(folder: Path, slices: int) -> Path:
    """A CT of int16 with six ellipsoids that reach through most of its slices, as nnU-Net keeps it."""
    rng = np.random.default_rng(slices)
    rows, columns, levels = np.ogrid[:SIDE, :SIDE, :slices]
    labels = np.zeros((SIDE, SIDE, slices), np.uint8)
    for number in range(len(CLASSES)):
        middle = SIDE * (0.2 + 0.3 * (number % 3)), SIDE * (0.3 + 0.4 * (number // 3)), slices / 2
        sides = SIDE * 0.12, SIDE * 0.15, slices * 0.49
        parts = zip((rows, columns, levels), middle, sides, strict=True)
        labels[sum(((at - centre) / half) ** 2 for at, centre, half in parts) < 1] = number + 1
    noise = rng.integers(-30, 30, (SIDE, SIDE), np.int16)[..., None]
    voxels = (labels.astype(np.int16) * 25 - 100) + noise
    for name, values in (("imagesTr/case_0000.nii.gz", voxels), ("labelsTr/case.nii.gz", labels)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        nib.save(nib.Nifti1Image(values, np.diag([0.8, 0.8, 1.5, 1.0])), folder / name)
    table = {"background": 0} | {name: number + 1 for number, name in enumerate(CLASSES)}
    facts = {"channel_names": {"0": "CT"}, "labels": table, "numTraining": 1, "file_ending": ".nii.gz"}
    (folder / "dataset.json").write_text(json.dumps(facts))
    return folder


def peak_bytes(data: Path, out: Path, models: str) -> int:
    """Of a whole run in a process of its own, and of the largest of its workers."""
    words = ["run", "--models", models, "--datasets", "nnunet", "--data", str(data), "--out", str(out), "--jobs", "1"]
    done = subprocess.run([sys.executable, "-c", RUN, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return 1024 * max(map(int, done.stdout.strip().splitlines()[-1].split()[2:]))


@pytest.mark.slow
def test_a_long_volume_takes_no_more_memory_than_a_short_one(tmp_path):
    peaks = {}
    for slices in SLICES:
        data = write_ct(tmp_path / f"data{slices}", slices)
        peaks[slices] = peak_bytes(data, tmp_path / f"run{slices}", "sam/mini")
    print({slices: f"{peak / GIB:.2f} GiB" for slices, peak in peaks.items()})
    assert max(peaks.values()) <= 1.2 * GIB
    assert max(peaks.values()) <= 1.1 * peaks[SLICES[0]]


RECORDS = 4_000_000 if FULL else 200_000
MANY = """
import resource, sys
from pathlib import Path
import pyarrow.compute as pc
from bench.reporting.draw import draw
from bench.reporting.report import write_tables
from bench.reporting.scored_run import read_scored_run
from bench.reporting.tables.run_tables import all_tables
from bench.store.records import SCHEMA, read_records, to_table, write_records
from bench.store.run_folder import records_path

folder, copies = Path(sys.argv[1]), int(sys.argv[2])
one = to_table(read_records(folder))
place = SCHEMA.get_field_index("slice")

def copy(number):
    return one.set_column(place, SCHEMA[place], pc.add(one["slice"], 2 * number))

write_records(map(copy, range(copies)), records_path(folder))
written = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
run = read_scored_run(folder)
write_tables(folder, all_tables(run))
draw(run, [], 1)
print("peak KiB", written, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, len(run.records))
"""


@pytest.mark.slow
def test_many_records_are_written_and_reported_within_bounds(tmp_path):
    folder = write_scored(tmp_path / "r", patients=40, prompts=("box",))
    copies = round(RECORDS / len(read_records(folder)))
    words = [sys.executable, "-c", MANY, str(folder), str(copies)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    written, reported, count = map(int, done.stdout.split()[-3:])
    print(f"{count} records: {written / 2**20:.2f} GiB written, {reported / 2**20:.2f} GiB reported")
    assert count >= 0.98 * RECORDS
    assert written <= 0.8 * 2**20 and reported <= 3 * 2**20  # KiB
