"""Which masks a training set takes, and why it leaves out the others."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from bench.data.case import class_name
from bench.data.curation.hashes import BITS, Hashes, any_alike, first_alike
from bench.data.curation.ranking import IMAGE, IMAGE_CRITERIA, with_scores
from bench.data.curation.split import draw, held_out

MASK = [*IMAGE, "target"]
UNIT = {"clarity": "", "contrast": "", "entropy": " bits"}


@dataclass(frozen=True, slots=True)
class SelectionRules:
    """What is asked of a mask and of the set as a whole; limits are inclusive.

    Attributes:
        masks: in the whole set; None for all that pass.
        per_dataset, per_class: masks of one data set, and of one class of one data set; None for all.
        least_score: mean z of the five criteria, in robust standard deviations, see `ranking`.
        least_z: of clarity, of contrast, and of entropy alone.
        least_foreground, most_foreground: ratio of the area of the mask to that of the image.
        most_regions: of a mask.
        alike_bits: two images whose perceptual hashes differ in at most so many of 256 bits are taken for one.
        held_out: share of the persons of each data set.
        seed: of the order in which masks are drawn, and of the split.
    """

    masks: int | None = None
    per_dataset: int | None = None
    per_class: int | None = None
    least_score: float = -1.0
    least_z: float = -3.5
    least_foreground: float = 0.0005
    most_foreground: float = 0.9
    most_regions: int = 32
    alike_bits: int = 10
    held_out: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            ValueError: a number below 0 where it counts something, or shares that are none.
        """
        counts = {field.name: getattr(self, field.name) for field in fields(self)}
        for name in ("masks", "per_dataset", "per_class", "most_regions", "alike_bits"):
            if counts[name] is not None and counts[name] < 0:
                raise ValueError(f"{name} is {counts[name]}; give 0 or more")
        if not 0 <= self.least_foreground < self.most_foreground <= 1:
            raise ValueError(
                f"the foreground ratio runs from {self.least_foreground} to {self.most_foreground}; "
                "give 0 <= low < high <= 1"
            )
        if not 0 <= self.held_out < 1:
            raise ValueError(f"{self.held_out} of the patients cannot be held out; give a share from 0 to below 1")


def select(table: pd.DataFrame, evaluation: pd.DataFrame, rules: SelectionRules) -> pd.DataFrame:
    """All masks with what became of them.

    Args:
        table: one row per mask, see `bench.data.curation.scan`.
        evaluation: likewise, of the sets that models are tested on; may be empty.
        rules: see there.

    Returns:
        The rows sorted by data set, case, slice and target, with `score`, the z of each criterion, `split` ("train" or
        "test"; "" if left out) and `reason` ("" if kept). The order of the rows given changes nothing.
    """
    table = table.sort_values(MASK, ignore_index=True)
    ranked = with_scores(table, (rules.least_foreground, rules.most_foreground))
    reasons = pd.Series("", ranked.index)
    for find in (_constant, _leaked, _odd_masks, _poor_images, _low_score, _alike, _not_drawn):
        left = ranked[reasons == ""]
        if left.empty:
            break
        found = find(left, evaluation, rules)
        reasons[found.index] = found
    ranked["reason"] = reasons
    kept = ranked["reason"] == ""
    tested = held_out(ranked[kept], rules.held_out, rules.seed)
    split = np.where(ranked["person"].isin(tested), "test", "train")
    ranked["split"] = np.where(kept, split, "")
    return ranked


def hashes_of(rows: pd.DataFrame) -> Hashes:
    """The perceptual hashes of rows as (N, 32) uint8."""
    return np.frombuffer(bytes.fromhex("".join(rows["hash"])), np.uint8).reshape(len(rows), BITS // 8)


def image_names(rows: pd.DataFrame) -> list[str]:
    """Images as reasons name them: "isic2016 ISIC_0000001 slice 0"."""
    parts = zip(*(rows[name].tolist() for name in IMAGE), strict=True)
    return [f"{dataset} {case} slice {number}" for dataset, case, number in parts]


def _constant(rows: pd.DataFrame, evaluation: pd.DataFrame, rules: SelectionRules) -> pd.Series:
    return pd.Series("constant image: all pixels are equal", rows.index[rows["contrast"] == 0])


def _leaked(rows: pd.DataFrame, evaluation: pd.DataFrame, rules: SelectionRules) -> pd.Series:
    """Images of an evaluation set, the others of a patient who has one there, and images that look like one."""
    if evaluation.empty:
        return pd.Series("", rows.index[:0])
    tested = evaluation.drop_duplicates(IMAGE).reset_index(drop=True)
    names = image_names(tested)
    equal = dict(zip(reversed(tested["pixels_sha256"]), reversed(names), strict=True))
    same = rows["pixels_sha256"].map(equal)
    owners = rows["dataset"] + "|" + rows["person"]
    known = dict(zip(owners[same.notna()][::-1], same.dropna()[::-1], strict=True))
    others = owners[same.isna()].map(known).dropna()
    images = rows.drop(index=[*same.dropna().index, *others.index]).drop_duplicates(IMAGE)
    alike = any_alike(hashes_of(images), hashes_of(tested), rules.alike_bits)
    looks = [f"leaked: looks like evaluation image {names[one]}" for one in alike[alike >= 0]]
    patients = rows["patient"][others.index]
    through = [
        f"leaked: another image of patient {one} is evaluation image {other}"
        for one, other in zip(patients, others, strict=True)
    ]
    found = (
        same.dropna().map("leaked: the pixels of evaluation image {}".format),
        pd.Series(through, others.index, dtype=object),
        _to_masks(rows, images[alike >= 0], looks),
    )
    reasons: pd.Series = pd.concat([one.astype(object) for one in found])
    return reasons


def _odd_masks(rows: pd.DataFrame, evaluation: pd.DataFrame, rules: SelectionRules) -> pd.Series:
    small = rows["foreground_ratio"] < rules.least_foreground
    large = rows["foreground_ratio"] > rules.most_foreground
    many = ~small & ~large & (rows["regions"] > rules.most_regions)
    found = (
        [f"foreground ratio {one:.2g} is below {rules.least_foreground:g}" for one in rows["foreground_ratio"][small]],
        [f"foreground ratio {one:.2g} is above {rules.most_foreground:g}" for one in rows["foreground_ratio"][large]],
        [f"{one} regions; at most {rules.most_regions}" for one in rows["regions"][many]],
    )
    which = (small, large, many)
    return pd.concat([pd.Series(one, rows.index[mine], dtype=object) for one, mine in zip(found, which, strict=True)])


def _poor_images(rows: pd.DataFrame, evaluation: pd.DataFrame, rules: SelectionRules) -> pd.Series:
    texts: dict[object, str] = {}
    for name in IMAGE_CRITERIA:
        poor = rows[(rows[f"z_{name}"] < rules.least_z) & ~rows.index.isin(list(texts))]
        texts |= {
            place: f"{name} {value:.3g}{UNIT[name]} is {-z:.1f} robust standard deviations below the median of its "
            f"data set; at most {-rules.least_z:g}"
            for place, value, z in zip(poor.index, poor[name], poor[f"z_{name}"], strict=True)
        }
    return pd.Series(texts, dtype=object)


def _low_score(rows: pd.DataFrame, evaluation: pd.DataFrame, rules: SelectionRules) -> pd.Series:
    low = rows["score"][rows["score"] < rules.least_score]
    return pd.Series([f"score {score:.2f} is below {rules.least_score:g}" for score in low], low.index, dtype=object)


def _alike(rows: pd.DataFrame, evaluation: pd.DataFrame, rules: SelectionRules) -> pd.Series:
    """Images that look like a better one; of equally good ones the first is kept."""
    images = rows.groupby(IMAGE, as_index=False).agg(hash=("hash", "first"), score=("score", "mean"))
    images = images.sort_values(["score", *IMAGE], ascending=[False, True, True, True], ignore_index=True)
    kept = first_alike(hashes_of(images), rules.alike_bits)
    names = [f"near-duplicate of {name}" for name in image_names(images.iloc[kept[kept >= 0]])]
    return _to_masks(rows, images[kept >= 0], names)


def _to_masks(rows: pd.DataFrame, images: pd.DataFrame, texts: list[str]) -> pd.Series:
    """What is said of images, for each of their masks."""
    said = dict(zip(images[IMAGE].itertuples(index=False, name=None), texts, strict=True))
    mine = [said.get(image) for image in rows[IMAGE].itertuples(index=False, name=None)]
    return pd.Series(mine, rows.index, dtype=object).dropna()


def _not_drawn(rows: pd.DataFrame, evaluation: pd.DataFrame, rules: SelectionRules) -> pd.Series:
    """What the quotas have no room for, drawn in an order that depends on the seed and the names of a mask alone."""
    order = sorted(
        zip(rows.index, rows[MASK].itertuples(index=False, name=None), strict=True),
        key=lambda one: draw(rules.seed, *one[1]),
    )
    limits: Mapping[str, tuple[int | None, Callable[[str, str], tuple[str, ...]]]] = {
        "all masks": (rules.masks, lambda dataset, target: ()),
        "data set {0}": (rules.per_dataset, lambda dataset, target: (dataset,)),
        "class {1} of {0}": (rules.per_class, lambda dataset, target: (dataset, class_name(target))),
    }
    taken: Counter[tuple[str, ...]] = Counter()
    texts: dict[object, str] = {}
    for place, (dataset, _, _, target) in order:
        keys = {what: (what, *key(dataset, target)) for what, (_, key) in limits.items()}
        full = [what for what, (most, _) in limits.items() if most is not None and taken[keys[what]] >= most]
        if full:
            what = full[-1].format(dataset, class_name(target))
            texts[place] = f"not drawn: the quota of {limits[full[-1]][0]} for {what} is full"
        else:
            taken.update(keys.values())
    return pd.Series(texts, dtype=object)
