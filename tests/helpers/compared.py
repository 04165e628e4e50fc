"""Scored runs that differ in what a test says."""

from dataclasses import replace

from bench.store.run_folder import records_path, write_run, write_table
from tests.helpers.records import records
from tests.helpers.runs import facts

CHOSEN = {"models": ("sam/mini", "huang/mini"), "datasets": ("segthor",)}
SUMS = {"sam/mini": "aa", "huang/mini": "bb", "medsam/mini": "dd", "imis/mini": "ee"}


def described(sums=SUMS, versions=(("torch", "2.6"), ("numpy", "2.0")), digest="f" * 64, **chosen):
    """Facts of a run with these checksums of its weights, these versions and this checksum of its prompts."""
    found = facts(**(CHOSEN | chosen))
    models = {name: replace(model, weights_sha256=sums[name]) for name, model in found.models.items()}
    return replace(found, models=models, versions=dict(versions), prompts_sha256=digest)


def write(folder, gain, **chosen):
    """A scored run of ten patients: sam/mini gains `gain` on every one, huang/mini stays."""
    rows = [
        {"model": model, "dataset": "segthor", "target": target, "patient": f"p{i}", "case": f"p{i}", "value": value}
        for i in range(10)
        for target in ("heart", "aorta")
        for model, value in (("sam/mini", 0.5 + i / 100 + gain), ("huang/mini", 0.6 + i / 100))
    ]
    folder.mkdir()
    write_table(records(*rows), records_path(folder))
    write_run(described(**chosen, out=folder))
    return folder
