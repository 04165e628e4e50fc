"""Whether a run folder can be gone on with, and whether it is complete."""

import shutil
from typing import Any

import pandas as pd

from adapters import MissingWeights
from bench.config import RunConfig
from bench.errors import RunError
from bench.running.describe import describe, describe_model
from bench.store import run_folder
from bench.store.files import write_json
from bench.store.run_folder import predictions_path

MADE = (
    "predictions",
    "candidates",
    "targets",
    "protocols",
    "tables",
    "figures",
    "images",
    "report.html",
    "prompts.parquet",
    "records.parquet",
    "failures.parquet",
)


def open_run(config: RunConfig, resume: bool) -> dict[str, Any]:
    """The run's description: the stored one if the folder already holds this run, else a new one."""
    path = config.out / "run.json"
    if path.exists():
        facts = run_folder.read_run(config.out)
        if resume and facts["config"] == config.identity():
            _require_same_weights(facts, config)
            return facts
        if resume:
            differ = [k for k, v in config.identity().items() if facts["config"].get(k) != v]
            raise RunError(
                f"{config.out} holds a run with other {', '.join(differ)}; "
                "choose another --out, or --no-resume to replace it"
            )
        for name in MADE:
            target = config.out / name
            shutil.rmtree(target) if target.is_dir() else target.unlink(missing_ok=True)
    elif (config.out / "prompts.parquet").exists():
        raise RunError(f"{config.out} has prompts but no run.json; choose another --out")
    facts = describe(config)
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
