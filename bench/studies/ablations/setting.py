"""What the ablations share: data, training and tests, and how the trained networks differ from each other."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from bench import world
from segmote.network.config import SegmoteConfig
from segmote.recipe import Recipe
from segmote.training.data import find_items

Subset = Literal["four", "seven"]


@dataclass(frozen=True, slots=True)
class Setting:
    """Data, networks and settings that all ablations share.

    Attributes:
        network: sizes and rules that all networks share.
        recipe: how all are trained.
        base: weights file of IMIS-Net that they start from; its encoder stays as it is.
        card: name of the model whose card the networks use, "segmote/mini" for the mini sizes.
        data: folder of data sets in the IMIS layout; the networks learn from their training lists and are tested
            on their test lists.
        test_data: folder of the zero-shot sets.
        zero_shot: names of those sets.
        four, seven: names of the data sets of both subsets, in lower case.
        seeds: trainings of each variant, whose seeds count from 0.
        most_seeds: trainings of a variant whose interval is wide, see `summary.trainings_needed`; at least `seeds`.
        limit: training images per data set; None for all.
        slices: largest number of tested slices per case, evenly spaced; None for all.
        work: folder of trained networks and embeddings.
        world: "real" or "phantom".
    """

    network: SegmoteConfig
    recipe: Recipe
    base: Path
    card: str
    data: Path
    test_data: Path
    zero_shot: tuple[str, ...]
    four: tuple[str, ...]
    seven: tuple[str, ...]
    seeds: int
    most_seeds: int
    limit: int | None
    slices: int | None
    work: Path
    world: Literal["real", "phantom"]

    def codes(self, subset: Subset) -> tuple[str, ...]:
        """Names of a subset's data sets."""
        return self.four if subset == "four" else self.seven

    def text(self) -> str:
        """Which weights on which data, for captions."""
        return world.text([self.card], self.world)

    @property
    def embeddings(self) -> Path:
        """The embeddings' folder, one for all trainings and tests."""
        return self.work / "embeddings"


@dataclass(frozen=True, slots=True)
class NetworkVariant:
    """What is varied: N experts, M of them active, Q prompt queries, a tuned decoder, the training data.

    Ablations with equal variants share the trained networks.
    """

    experts: int = 4
    active: int = 1
    queries: int = 2
    decoder: bool = False
    subset: Subset = "seven"

    def config(self, setting: Setting) -> SegmoteConfig:
        """The network's configuration."""
        return replace(setting.network, num_experts=self.experts, top_k=self.active, ppt_queries=self.queries)

    def recipe(self, setting: Setting) -> Recipe:
        """How the network is trained; PPT serves the data sets with one class."""
        served = few_class(setting) if self.queries else ()
        return replace(setting.recipe, train_decoder=self.decoder, ppt_sets=served)

    def folder(self, setting: Setting, seed: int) -> Path:
        """The folder of the trained network, named after the variant and a checksum of all that decides the result."""
        decides = {
            "network": asdict(self.config(setting)) | {"recipe": asdict(self.recipe(setting))},
            "data": (str(setting.data.resolve()), setting.codes(self.subset), setting.limit),
            "base": hashlib.sha256(setting.base.read_bytes()).hexdigest(),
        }
        digest = hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:8]
        tuned = "-decoder" if self.decoder else ""
        name = f"n{self.experts}-m{self.active}-q{self.queries}-{self.subset}{tuned}-seed{seed}-{digest}"
        return setting.work / name


def few_class(setting: Setting) -> tuple[str, ...]:
    """Names of the training sets with one class, which PPT serves: only there the target is clear without a prompt."""
    classes = {item.code: len(item.classes) for item in find_items(setting.data, setting.seven, 1)}
    return tuple(code for code, count in classes.items() if count == 1)
