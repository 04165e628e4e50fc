"""What a run says of itself: the file run.json, read into one frozen value."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from bench.config import RunConfig
from bench.data.fingerprint import Fingerprint
from bench.errors import RunError

Pair = tuple[str, str]  # model, prompt kind
STEPS = ("predict", "score", "report")
ADDED = ("spent", "data")  # runs of older versions do not have them


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """A model of a run.

    Attributes:
        title: the name that tables print.
        parameters: how many are learned.
        licence, source, trained_on: see `adapters.interface.Card`.
        weights: name of the file, None where there is none.
        weights_sha256: its checksum.
    """

    title: str
    parameters: int
    licence: str
    source: str
    trained_on: str
    weights: str | None
    weights_sha256: str | None


@dataclass(frozen=True, slots=True)
class RunFacts:
    """The description of a run.

    Attributes:
        config: what was chosen; `out` is the folder that it was read from.
        protocol: every rule of the protocol by name.
        world_text: which weights ran on which data.
        models: by name, in the order of the tables.
        not_applicable: (model, prompt kind) to the reason why it is not asked.
        untrained: pairs that are asked though the model never saw such prompts in training.
        versions: of Python and of packages.
        hardware: `device`, `name`, `cores`, on a CPU `linear layers` (see `adapters.linear`), and `cache of embeddings`
            if there was one.
        prompts_sha256: of prompts.parquet, None until the prompts are drawn.
        counts: of each data set its `cases`, `patients` and `prompts`.
        data: of each data set its release and checksums, nothing until the prompts are drawn.
        warnings: "dataset/case" to what is odd about it.
        data_defects: rows of failures.parquet that reading the data gave.
        seconds: of the steps `predict`, `score` and `report`, by the clock on the wall.
        finished: whether these steps came to their end.
        spent: what the processes of a step did with their seconds, by "step:what"; "wait" is what was left over.
    """

    config: RunConfig
    protocol: Mapping[str, Any]
    world_text: str
    models: Mapping[str, ModelFacts]
    not_applicable: Mapping[Pair, str]
    untrained: frozenset[Pair]
    versions: Mapping[str, str]
    hardware: Mapping[str, Any]
    prompts_sha256: str | None = None
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    data: Mapping[str, Fingerprint] = field(default_factory=dict)
    warnings: Mapping[str, Sequence[str]] = field(default_factory=dict)
    data_defects: Sequence[Mapping[str, str | None]] = ()
    seconds: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(STEPS, 0.0))
    finished: Mapping[str, bool] = field(default_factory=lambda: dict.fromkeys(STEPS, False))
    spent: Mapping[str, float] = field(default_factory=dict)

    @property
    def setting(self) -> str:
        """What every caption ends with: which weights ran on which data, and which releases of the data they were."""
        known = [f"{name} {one.text}" for name, one in self.data.items() if one.release]
        return self.world_text + (f" Releases of the data: {', '.join(known)}." if known else "")

    def to_json(self) -> dict[str, Any]:
        """As plain values for run.json; the choices that change no result are left out."""
        plain: dict[str, Any] = {each.name: getattr(self, each.name) for each in fields(self)}
        return plain | {
            "config": self.config.identity(),
            "models": {name: asdict(model) for name, model in self.models.items()},
            "data": {name: asdict(one) for name, one in self.data.items()},
            "not_applicable": [{"model": m, "prompt": k, "reason": r} for (m, k), r in self.not_applicable.items()],
            "untrained": [{"model": model, "prompt": kind} for model, kind in sorted(self.untrained)],
        }

    @classmethod
    def from_json(cls, value: Any, folder: Path) -> "RunFacts":
        """Read what `to_json` gave.

        Args:
            value: the content of run.json.
            folder: where it lies.

        Raises:
            RunError: it does not describe a run, or one of another version.
        """
        try:
            named = [each.name for each in fields(cls)]
            plain = {name: value[name] for name in named if name in value or name not in ADDED}
            return cls(
                **plain
                | {
                    "seconds": dict.fromkeys(STEPS, 0.0) | value["seconds"],  # written before reports were clocked
                    "finished": dict.fromkeys(STEPS, False) | value["finished"],
                    "config": RunConfig.from_identity(value["config"], folder),
                    "models": {name: ModelFacts(**model) for name, model in value["models"].items()},
                    "data": {name: Fingerprint(**one) for name, one in value.get("data", {}).items()},
                    "not_applicable": {(row["model"], row["prompt"]): row["reason"] for row in value["not_applicable"]},
                    "untrained": frozenset((row["model"], row["prompt"]) for row in value["untrained"]),
                }
            )
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise RunError(
                f"{folder / 'run.json'} does not describe a run of this version ({error!r}); choose the folder of a "
                "`bench run`, or run it again in another folder"
            ) from None
