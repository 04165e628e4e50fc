"""What a run is made of."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

World = Literal["real", "phantom"]
FREE = ("out", "jobs", "engine", "fewer_jobs", "cache")  # where and how fast a run is made, which changes no result


@dataclass(frozen=True, slots=True)
class RunConfig:
    """Everything that was chosen for a run, after all defaults are settled.

    Attributes:
        models: "family/variant", baselines included.
        datasets: names, see `bench ls datasets`.
        prompts: kinds, see `bench ls prompts`.
        clicks: rounds of `clicks`.
        protocol: name, see `bench ls protocols`.
        data: folder that holds the data sets.
        world: "phantom" if `data` is the embedded default.
        weights: folder of weights files, None for the default one.
        out: the run folder.
        limit: cases per data set, None for all.
        jobs: worker processes; each computes with one thread on the CPU, so that their number changes no result.
        engine: joblib back end of the workers.
        fewer_jobs: start fewer processes than `jobs` where starting them costs more than they bring.
        cache: folder of embeddings that runs share, None for none; a run with it has the same masks.
        untrained_prompts: also ask models for prompts they never saw in training.
        allow_random: accept untrained networks ("random" weights).
        trust_arrays: take masks to match their images voxel by voxel where the affines differ.
        follow_links: open what links in the data folder lead to, also outside of it.
        masks: folders of other tools' masks that stand among the models, "masks:DIR=NAME" each.
        prompted: the prompts that these tools were given, as tables say it.
    """

    models: tuple[str, ...]
    datasets: tuple[str, ...]
    prompts: tuple[str, ...]
    clicks: int
    protocol: str
    data: Path
    world: World
    weights: Path | None
    out: Path
    limit: int | None
    seed: int
    device: str
    precision: str
    jobs: int
    engine: str
    untrained_prompts: bool
    allow_random: bool
    trust_arrays: bool = False
    follow_links: bool = False
    fewer_jobs: bool = False
    cache: Path | None = None
    masks: tuple[str, ...] = ()
    prompted: str = "none"

    def identity(self) -> dict[str, Any]:
        """The choices that change results: two runs that agree here may share a folder."""
        chosen = asdict(self)
        for name in FREE:
            del chosen[name]
        identity: dict[str, Any] = json.loads(json.dumps(chosen, default=str))
        return identity

    @classmethod
    def from_identity(cls, identity: Mapping[str, Any], out: Path) -> "RunConfig":
        """The run that has this identity, in a folder; it computes in this process.

        Raises:
            TypeError: a choice is missing or unknown.
        """
        chosen = dict(identity)
        for name in ("models", "datasets", "prompts", "masks"):
            chosen[name] = tuple(chosen.get(name, ()))
        weights = chosen["weights"]
        chosen |= {"data": Path(chosen["data"]), "weights": Path(weights) if weights else None}
        return cls(**chosen, out=out, jobs=1, engine="local")

    def at(self, out: Path) -> "RunConfig":
        """The same run in another folder."""
        return replace(self, out=out)

    def digest(self) -> str:
        """Eight hexadecimal digits of the identity."""
        return hashlib.sha256(json.dumps(self.identity(), sort_keys=True).encode()).hexdigest()[:8]


SETTINGS = tuple(field.name for field in fields(RunConfig) if field.name not in FREE)  # those of `identity`
