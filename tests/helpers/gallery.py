"""The gallery of a run, from its folder to the views."""

import json
import shutil

import pandas as pd

from bench.reporting.gallery import images, outlines
from bench.reporting.gallery.picks import select
from bench.reporting.material import Material
from bench.store import run_folder
from bench.store.run_folder import read_records


def material(folder):
    """Facts and records of a run folder."""
    return Material(run_folder.read_run(folder), read_records(folder))


def looked_at(folder):
    """Views of all picks of a run, and the images that were found for them."""
    run = material(folder)
    picks = select(run)
    found = images.collect(folder, run.facts, images.slices_of([(p.dataset, p.case, p.slice) for p in picks]))
    return outlines.views(folder, run.facts, pd.read_parquet(folder / "prompts.parquet"), picks, found), found


def gone(folder, target, monkeypatch, data=None):
    """A copy of a run without its images, whose data lie elsewhere now."""
    copy = target / "r"
    shutil.copytree(folder, copy)
    shutil.rmtree(copy / "images", ignore_errors=True)
    if data is not None:
        facts = json.loads((copy / "run.json").read_text())
        facts["config"]["data"] = data
        (copy / "run.json").write_text(json.dumps(facts))
    return copy
