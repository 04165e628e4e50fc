"""Whether a run folder can be gone on with, and whether it is complete."""

from typing import Any

import pandas as pd

from adapters import MissingWeights
from bench.config import RunConfig
from bench.errors import RunError
from bench.running.describe import describe, describe_model
from bench.store import run_folder
from bench.store.files import write_json
from bench.store.ownership import clear_partial, delete_run, require_free
from bench.store.run_folder import predictions_path


def open_run(config: RunConfig, resume: bool) -> dict[str, Any]:
    """The run's description: the stored one if the folder already holds this run, else a new one.

    Raises:
        RunError: the folder holds another run, or files that no run has written.
    """
    path = config.out / "run.json"
    if path.exists():
        before = run_folder.read_run(config.out)
        if resume and before["config"] == config.identity():
            _require_same_weights(before, config)
            clear_partial(config.out)
            return before
        if resume:
            differ = [k for k, v in config.identity().items() if before["config"].get(k) != v]
            raise RunError(
                f"{config.out} holds a run with other {', '.join(differ)}; "
                "choose another --out, or --no-resume to replace it"
            )
        facts = describe(config)  # first: a run that is refused deletes nothing
        delete_run(config.out, before)
    else:
        require_free(config.out)
        facts = describe(config)
    clear_partial(config.out)
    write_json(path, facts)
    return facts


def _require_same_weights(facts: dict[str, Any], config: RunConfig) -> None:
    for model in config.models:
        before = facts["models"][model]["weights_sha256"]
        try:
            now = describe_model(model, config)["weights_sha256"]
        except MissingWeights:
            continue  # a finished run needs none; predicting says so
        if now != before:
            raise RunError(
                f"{config.out} was begun with other weights of {model} (sha256 {before[:8]}, now {now[:8]}); "
                "choose another --out, or --no-resume to replace it"
            )


def require_complete(config: RunConfig, facts: dict[str, Any], table: pd.DataFrame) -> None:
    """Refuse to score while a prediction is missing.

    Raises:
        RunError: names the model and the case.
    """
    absent = {(row["model"], row["prompt"]) for row in facts["not_applicable"]}
    for model in config.models:
        asked = table[[(model, kind) not in absent for kind in table["prompt"]]]
        for dataset, case in asked[["dataset", "case"]].drop_duplicates().itertuples(index=False):
            if not predictions_path(config.out, model, dataset, case).exists():
                raise RunError(f"{config.out} has no prediction of {model} for {dataset} {case}; resume it first")
