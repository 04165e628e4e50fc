"""What a run keeps of one model on one case."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.data.case import Mask
from bench.errors import RunError
from bench.scoring.pair import Candidate
from bench.scoring.volume import VolumeGrid, grid
from bench.store.masks import MaskShard
from bench.store.run_folder import beyond_path, candidates_path, predictions_path, targets_path, timings


@dataclass(frozen=True, slots=True, eq=False)
class StoredCase:
    """What a run keeps of one model on one case; masks are unpacked as they are needed.

    Attributes:
        targets: (slice, target) to the place of the reference in `kept`.
        kept: the references.
        drawn: the predictions.
        others: the candidates that were not selected, and their places by entry of `drawn`.
        seconds: of each entry.
        beyond: what a tool drew on slices where nobody asked, see `run_folder.beyond_path`; part of its volumes.
    """

    targets: Mapping[tuple[int, str], int]
    kept: MaskShard
    drawn: MaskShard
    others: MaskShard
    places: Sequence[Sequence[int]]
    seconds: Sequence[Mapping[str, float]]
    beyond: MaskShard

    @property
    def grid(self) -> VolumeGrid:
        """Of the stacked volume."""
        height, width = self.reference(next(iter(self.targets))).shape
        return grid(self.kept.index, (height, width))

    def reference(self, key: tuple[int, str]) -> Mask:
        """The mask of a target in a slice."""
        mask = self.kept.masks[self.targets[key]]
        if mask is None:
            raise RunError(f"no target for {key}; the run folder is damaged")
        return mask

    def candidates(self, entry: int) -> list[Candidate]:
        """The candidates of an entry that were not selected."""
        pairs = ((self.others.index[place], self.others.masks[place]) for place in self.places[entry])
        return [Candidate(mask, facts["score"], facts["candidate"]) for facts, mask in pairs if mask is not None]


def load_case(run: Path, model: str, dataset: str, case: str) -> StoredCase:
    """What a run keeps of one model on one case.

    Raises:
        RunError: a file is damaged, or there is no target for a prediction.
    """
    where = predictions_path(run, model, dataset, case)
    about = {"dataset": dataset, "case": case}
    drawn = MaskShard.load(where, about | {"model": model})
    kept = MaskShard.load(targets_path(run, dataset, case), about)
    targets = {(entry["slice"], entry["target"]): place for place, entry in enumerate(kept.index)}
    for entry in drawn.index:
        if (entry["slice"], entry["target"]) not in targets:
            raise RunError(f"{where}: no target for {entry}; the run folder is damaged")
    path = candidates_path(run, model, dataset, case)
    others = MaskShard.load(path) if path.exists() else MaskShard([], [])  # none in runs that kept none
    places: list[list[int]] = [[] for _ in drawn.index]
    for place, facts in enumerate(others.index):
        places[facts["entry"]].append(place)
    path = beyond_path(run, model, dataset, case)
    beyond = MaskShard.load(path, about | {"model": model}) if path.exists() else MaskShard([], [])
    return StoredCase(targets, kept, drawn, others, places, timings(where, len(drawn.index)), beyond)
