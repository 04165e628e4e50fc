"""Whether an interrupted run can be resumed in its folder, and whether it is complete."""

from dataclasses import replace

import pandas as pd

from adapters import MissingWeights
from bench.config import RunConfig
from bench.errors import RunError
from bench.running.describe import describe, describe_model
from bench.store.ownership import clear_partial, delete_run, require_free
from bench.store.run_facts import RunFacts
from bench.store.run_folder import predictions_path, read_run, run_path, write_run


def open_run(config: RunConfig, resume: bool) -> RunFacts:
    """The run's description: the stored one if the folder already holds this run, else a new one.

    Raises:
        RunError: the folder holds another run, one with other weights, or files that no run has written.
    """
    if run_path(config.out).exists():
        facts = read_run(config.out)
        differ = [name for name, value in config.identity().items() if facts.config.identity().get(name) != value]
        if resume and not differ:
            _require_same_weights(facts, config)
            clear_partial(config.out)
            return replace(facts, config=config)
        if resume:
            raise RunError(
                f"{config.out} holds a run with other {', '.join(differ)}; "
                "choose another --out, or --no-resume to replace it"
            )
        new = describe(config)  # first, because a run that is refused deletes nothing
        delete_run(facts.config)
    else:
        require_free(config.out)
        new = describe(config)
    clear_partial(config.out)
    write_run(new)
    return new


def _require_same_weights(facts: RunFacts, config: RunConfig) -> None:
    for model in config.models:
        before = facts.models[model].weights_sha256
        try:
            now = describe_model(model, config).weights_sha256
        except MissingWeights:
            continue  # a finished run needs none; predicting says so
        if now != before:
            raise RunError(
                f"{config.out} was begun with other weights of {model} (sha256 {_short(before)}, now {_short(now)}); "
                "choose another --out, or --no-resume to replace it"
            )


def _short(digest: str | None) -> str:
    return digest[:8] if digest else "none"


def require_complete(facts: RunFacts, table: pd.DataFrame) -> None:
    """Refuse to score while a prediction is missing.

    Args:
        facts: of the run.
        table: its prompts.

    Raises:
        RunError: names the model and the case.
    """
    folder = facts.config.out
    for model in facts.config.models:
        asked = table[[(model, kind) not in facts.not_applicable for kind in table["prompt"]]]
        for dataset, case in asked[["dataset", "case"]].drop_duplicates().itertuples(index=False):
            if not predictions_path(folder, model, dataset, case).exists():
                raise RunError(f"{folder} has no prediction of {model} for {dataset} {case}; resume it first")
