"""The gallery of a run, from its folder to the outlined predictions."""

import json
import shutil

from bench.reporting.gallery import images, outlines
from bench.reporting.gallery.picks import select
from bench.reporting.scored_run import read_scored_run
from bench.store.run_folder import read_prompts


def looked_at(folder):
    """Outlined predictions of all picks of a run, and the images that were found for them."""
    run = read_scored_run(folder)
    picks = select(run)
    found = images.collect(run, images.slices_of([(p.dataset, p.case, p.slice) for p in picks]))
    return outlines.outlined_predictions(run, read_prompts(folder), picks, found), found


def gone(folder, target, data=None):
    """A copy of a run without its images, whose data lie elsewhere now."""
    copy = target / "r"
    shutil.copytree(folder, copy)
    shutil.rmtree(copy / "images", ignore_errors=True)
    if data is not None:
        facts = json.loads((copy / "run.json").read_text())
        facts["config"]["data"] = data
        (copy / "run.json").write_text(json.dumps(facts))
    return copy
