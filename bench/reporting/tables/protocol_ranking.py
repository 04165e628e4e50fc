"""How far the order of the models is a matter of convention: one run's records under every protocol's scoring rules."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bench import protocols
from bench.errors import RunError
from bench.prompting.kinds import KINDS
from bench.protocols import Protocol
from bench.reporting.scored_run import ScoredRun
from bench.reporting.tables.text_table import TextTable
from bench.statistics.patients import AGGREGATIONS, patient_scores
from bench.statistics.rows import labels
from bench.store.run_folder import records_path

KEY = ["dataset", "model", "case", "slice", "target", "prompt", "round", "seed"]
NAME = "ranking-protocols"


@dataclass(frozen=True, slots=True, eq=False)
class ProtocolRanking:
    """Values and places of all models under several protocols' scoring rules.

    Attributes:
        caption: what a reader must know.
        frame: `dataset, prompt, model, protocol, value, rank`; value in [0, 1], rank 1 is best, both NaN if undefined.
    """

    caption: str
    frame: pd.DataFrame

    def rows(self) -> list[list[str]]:
        """Texts, one row per data set, prompt and model: the place and the value in percent under each protocol."""
        lines: dict[tuple[str, str, str], list[str]] = {}
        for row in self.frame.to_dict("records"):
            text = "-" if np.isnan(row["value"]) else f"{row['rank']:.0f} ({100 * row['value']:.2f})"
            lines.setdefault((row["dataset"], row["prompt"], row["model"]), []).append(text)
        return [[*key, *texts] for key, texts in lines.items()]

    def text_table(self) -> TextTable:
        """As a table beside the others of a run."""
        return TextTable(NAME, self.caption, self.heads(), self.rows(), self.frame, heading="Ranking protocols")

    def heads(self) -> list[str]:
        """Titles of the columns of `rows`."""
        return ["data set", "prompt", "model", *self.frame["protocol"].unique()]


def under(records: pd.DataFrame, ours: Protocol, wanted: Protocol) -> pd.DataFrame | None:
    """The Dice of a run as another protocol's scoring rules have it, from its records alone.

    Args:
        records: scored by the rules of `ours`.
        ours, wanted: protocols.

    Returns:
        Records of "dice" or, for the aggregation "volume", of "volume_dice". None where masks are needed: `ours` is an
        oracle's choice and `wanted` is not, or wants it of volumes or where some network gave no candidates, or both
        masks may be empty and `ours` hides it.
    """
    volume = wanted.aggregation == "volume"
    chosen = records[records["metric"] == ("volume_dice" if volume else "dice")].reset_index(drop=True)
    if wanted.selection != ours.selection:
        if ours.selection == "oracle" or volume or _without_candidates(records):
            return None
        chosen = _by_oracle(chosen, records)
    if wanted.empty_rule == ours.empty_rule or not (chosen["area_px"] == 0).any():
        return chosen
    return _by_empty_rule(chosen, wanted.empty_rule) if ours.empty_rule == "nan" else None


def _without_candidates(records: pd.DataFrame) -> set[str]:
    """Networks that gave one mask only: an oracle would help the others alone. Baselines never have more."""
    having = set(records.loc[(records["metric"] == "oracle_dice") & records["value"].notna(), "model"])
    return {name for name in records["model"].unique() if not name.startswith("baseline/")} - having


def _by_oracle(chosen: pd.DataFrame, records: pd.DataFrame) -> pd.DataFrame:
    """The best candidate's Dice; a baseline's own."""
    best = records.loc[records["metric"] == "oracle_dice", [*KEY, "value"]]
    joined = chosen.merge(best, how="left", on=KEY, suffixes=("", "_best"))
    return joined.assign(value=joined["value_best"].fillna(joined["value"])).drop(columns="value_best")


def _by_empty_rule(chosen: pd.DataFrame, rule: str) -> pd.DataFrame:
    empty, undefined = chosen["area_px"] == 0, chosen["status"] == "undefined"
    if rule == "skip":
        return chosen.assign(value=chosen["value"].mask(empty))
    return chosen.assign(value=chosen["value"].mask(empty & undefined, 1.0 if rule == "one" else 0.0))


def protocol_ranking(run: ScoredRun, wanted: Sequence[Protocol] | None = None) -> ProtocolRanking:
    """Places of a run's models under the scoring rules of several protocols, as far as its records tell.

    Records that `bench score --protocol` wrote are taken before those that follow from the run's own.

    Args:
        run: the run.
        wanted: protocols beside the run's own; None: all.

    Raises:
        RunError: the run has no defined Dice.
    """
    ours = run.protocol
    chosen = list(protocols.PROTOCOLS.values()) if wanted is None else wanted
    rows: list[dict[str, Any]] = []
    usable: list[str] = []
    missing: list[str] = []
    for one in (ours, *(one for one in chosen if one.name != ours.name)):  # one copy of the records at a time
        frame = under(run.records, ours, ours) if one is ours else _other(run, one)
        (missing if frame is None else usable).append(one.name)
        rows += [] if frame is None else _values(frame, protocols.load(one.name), run.models)
    if not rows:
        raise RunError(f"{run.folder} has no Dice to rank")
    return ProtocolRanking(_caption(run, usable, missing), _ranked(rows))


def _other(run: ScoredRun, wanted: Protocol) -> pd.DataFrame | None:
    stored = records_path(run.folder, wanted.name)
    if stored.exists():
        return under(pd.read_parquet(stored), wanted, wanted)
    return under(run.records, run.protocol, wanted)


def _values(records: pd.DataFrame, protocol: Protocol, models: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The headline of every (data set, prompt, model) by the protocol's aggregation, at the last round."""
    last = records[records["round"] == records.groupby("prompt")["round"].transform("max")]
    last = last.assign(row=labels(last))
    for (dataset, prompt), part in last.groupby(["dataset", "prompt"], sort=False):
        scores = patient_scores(part, protocol.aggregation, "row")
        values = dict(zip(scores.models, scores.estimate()[-1].tolist(), strict=True))
        for model in models:
            if model in values:
                yield {"dataset": dataset, "prompt": prompt, "model": model, "protocol": protocol.name} | {
                    "value": values[model]
                }


def _ranked(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows)
    groups = frame.groupby(["dataset", "prompt", "protocol"], sort=False)["value"]
    return frame.assign(rank=groups.rank(ascending=False, method="min"))


def _caption(run: ScoredRun, usable: Sequence[str], missing: Sequence[str]) -> str:
    rules = "; ".join(f"{name}: {_rules(protocols.load(name))}" for name in usable)
    left_out = f" Not among them, since the stored scores do not tell: {', '.join(missing)}." * bool(missing)
    kinds = "; ".join(f"{kind}: {KINDS[kind].text}" for kind in run.prompts)
    return (
        f"Rank (1 is best) and, in brackets, average Dice (%) of each model if the masks of this run are scored by the "
        f"rules of other protocols. Images and prompts are always those of {run.protocol.name}, so this is not what a "
        f"run by these protocols gives. {rules}.{left_out} Prompts: {kinds}. {run.facts.setting}"
    )


def _rules(protocol: Protocol) -> str:
    return f"{AGGREGATIONS[protocol.aggregation].caption()}, {protocols.scoring_text(protocol)}"
