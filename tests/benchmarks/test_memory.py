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

from bench.store.files import write_json
from bench.store.masks import MaskShard, PackedMasks
from bench.store.records import read_records
from bench.store.run_folder import SECONDS_COLUMNS, predictions_path, seconds_path, targets_path
from tests.helpers.scored import write_scored

FULL = bool(os.environ.get("BENCH_FULL_SIZE"))
SIDE = 512 if FULL else 256
SLICES = (100, 200, 400) if FULL else (50, 100)
GIB = 2**30
CLASSES = ("liver", "spleen", "stomach", "aorta", "left kidney", "right kidney")
# Of this process alone: `ru_maxrss` also counts the memory of the process that started it.
PEAK = """
import sys

def peak_kib():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
"""
RUN = f"""
{PEAK}
from bench.cli import main
try:
    main(sys.argv[1:])
finally:
    print(peak_kib())
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
    """Of a whole run in a process of its own."""
    words = ["run", "--models", models, "--datasets", "nnunet", "--data", str(data), "--out", str(out), "--jobs", "1"]
    done = subprocess.run([sys.executable, "-c", RUN, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return 1024 * int(done.stdout.split()[-1])


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
MANY = f"""
{PEAK}
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
written = peak_kib()
run = read_scored_run(folder)
write_tables(folder, all_tables(run))
draw(run, [], 1)
print(written, peak_kib(), len(run.records))
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


DATASET, MODEL, ROUNDS, DRAWN = "segthor", "sam/mini", 5, 100  # slices of each case
RECORDS_OF_A_CASE = 3_545  # of all metrics together
SCORING = f"""
{PEAK}
from pathlib import Path
import pandas as pd
import pyarrow.parquet as pq
from bench import protocols
from bench.scoring.score import score

folder = Path(sys.argv[1])
for count in map(int, sys.argv[2:]):
    cases = [dict(dataset="segthor", patient=f"p{{n}}", case=f"c{{n}}", seed=0) for n in range(count)]
    score(folder, ["sam/mini"], pd.DataFrame(cases), protocols.load("bench"), 1, "local", folder / "records.parquet")
    rows = pq.read_metadata(folder / "records.parquet").num_rows
    print(rows, peak_kib())
"""


def write_predicted(folder: Path, cases: int) -> None:
    """A heart of 24 x 24 pixels in each slice, and five rounds of clicks that miss some of it."""
    rng = np.random.default_rng(0)
    heart = np.zeros((24, 24), bool)
    heart[4:20, 5:21] = True
    places = [{"slice": n, "target": "heart"} for n in range(DRAWN)]
    grid = {"spacing_mm": [1.0, 1.0], "slice_mm": 3.0, "slices": DRAWN}
    entries = [at | {"prompt": "clicks", "round": n + 1} for at in places for n in range(ROUNDS)]
    asked = [one | {"status": "ok", "reason": None, "score": 0.5} for one in entries]
    drawn = PackedMasks(heart & (rng.random(heart.shape) > 0.05) for _ in entries)
    for number in range(cases):
        about = {"dataset": DATASET, "case": f"c{number}"}
        targets = MaskShard([at | grid for at in places], [heart] * DRAWN, about)
        targets.save(targets_path(folder, DATASET, f"c{number}"))
        where = predictions_path(folder, MODEL, DATASET, f"c{number}")
        MaskShard(asked, drawn, about | {"model": MODEL}).save(where)
        write_json(seconds_path(where), [dict.fromkeys(SECONDS_COLUMNS, 0.1)] * len(entries))


@pytest.mark.slow
def test_scoring_many_records_takes_the_memory_of_a_few(tmp_path):
    cases = round((RECORDS if FULL else RECORDS / 2) / RECORDS_OF_A_CASE)
    write_predicted(tmp_path, cases)
    words = [sys.executable, "-c", SCORING, str(tmp_path), str(cases // 4), str(cases)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (few, low), (many, high) = (map(int, line.split()) for line in done.stdout.splitlines())
    at_four_millions = high + (high - low) / (many - few) * (4_000_000 - many)  # KiB, on the line through both
    print(f"{few} records scored: {low / 2**20:.2f} GiB, {many}: {high / 2**20:.2f} GiB")
    print(f"on a line, 4,000,000: {at_four_millions / 2**20:.2f} GiB")
    assert many >= (0.95 if FULL else 0.45) * RECORDS and at_four_millions <= 3 * 2**20
