"""What an ablation uses where nothing else is asked for: data, subsets, and networks of mini or official size."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from adapters.families.segmote import MINI
from adapters.weights.catalogue import locate
from bench.errors import RunError
from bench.miniworld import folders
from bench.studies.ablations.setting import Setting
from segmote.network.config import RELEASED
from segmote.recipe import PAPER_RECIPE, Recipe
from segmote.training.data import find_items

PHANTOM_FOUR = ("phantom_ct", "phantom_t1", "phantom_t2", "phantom_flair")
PHANTOM_SEVEN = (*PHANTOM_FOUR, "phantom_xray", "phantom_dermoscopy", "phantom_ultrasound")
SEEDS, MOST_SEEDS = 3, 8
MINI_EPOCHS, MINI_LIMIT, MINI_SLICES = 6, 80, 3
HALVED_AFTER = (5 / 12, 7 / 12, 8 / 12, 9 / 12, 10 / 12, 11 / 12)  # of the epochs, the rate


@dataclass(frozen=True, slots=True)
class AblationData:
    """The data of an ablation; see the fields of the same names in `Setting`."""

    data: Path
    test_data: Path
    four: tuple[str, ...]
    seven: tuple[str, ...]
    world: Literal["real", "phantom"]


def choose_data(
    data: Path | None, test_data: Path | None, four: Sequence[str] | None, seven: Sequence[str] | None
) -> AblationData:
    """The folders and subsets of an ablation, phantoms where no folder is given.

    Args:
        data: folder of data sets in the IMIS layout to train on.
        test_data: folder of the zero-shot data sets.
        four: names of the data sets of the small subset, in any case; must be given with `data`.
        seven: those of the large subset; None for all data sets of `data`.

    Raises:
        RunError: a subset is missing, or names a data set that is not there.
    """
    data, tested = (None if one is None else one.expanduser().resolve() for one in (data, test_data))
    known = _codes(data) if data else PHANTOM_SEVEN
    if data and four is None:
        raise RunError(f"--four must name the data sets of the small subset; there are {', '.join(known)}")
    few = tuple(name.lower() for name in four or PHANTOM_FOUR)
    many = tuple(name.lower() for name in seven or known)
    if missing := [name for name in (*few, *many) if name not in known]:
        raise RunError(f"no data set {', '.join(missing)} in {data or 'the phantoms'}; there are {', '.join(known)}")
    world: Literal["real", "phantom"] = "real" if data or tested else "phantom"
    return AblationData(data or folders.varied_training_data(), tested or folders.phantom_data(), few, many, world)


def _codes(folder: Path) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item.code for item in find_items(folder, (), 1)))


def default_setting(
    data: AblationData, work: Path, full: bool = False, base: Path | None = None, epochs: int | None = None
) -> Setting:
    """The setting of an ablation on some data; mini networks learn faster and see little of it.

    Args:
        data: from `choose_data`.
        work: folder of trained networks and embeddings.
        full: networks of official size, trained by the paper's recipe on all images; mini ones otherwise.
        base: weights file of IMIS-Net; None for the catalogue's file.
        epochs: None for the recipe's number, or 6 for mini networks.

    Raises:
        MissingWeights: the catalogue's file is not there.
    """
    return Setting(
        network=RELEASED if full else MINI,
        recipe=replace(PAPER_RECIPE, epochs=epochs or PAPER_RECIPE.epochs) if full else _mini_recipe(epochs),
        base=base or locate("imis/vit_b" if full else "imis/mini"),
        card="segmote/released" if full else "segmote/mini",
        data=data.data,
        test_data=data.test_data,
        zero_shot=folders.ZERO_SHOT,
        four=data.four,
        seven=data.seven,
        seeds=SEEDS,
        most_seeds=MOST_SEEDS,
        limit=None if full else MINI_LIMIT,
        slices=None if full else MINI_SLICES,
        work=work,
        world=data.world,
    )


def _mini_recipe(epochs: int | None) -> Recipe:
    """The paper's recipe with a higher rate, which falls so far that the last steps hardly move the network."""
    count = epochs or MINI_EPOCHS
    halved = tuple(dict.fromkeys(max(1, round(share * count)) for share in HALVED_AFTER))
    return replace(PAPER_RECIPE, rate=1e-3, milestones=halved, epochs=count, box_noise_px=1, box_past_px=1)
