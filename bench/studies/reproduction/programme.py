"""What is reproduced: with which data and weights, how thoroughly, and where everything lies."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from adapters.interface import MissingWeights
from adapters.weights.catalogue import CATALOGUE, find, locate, weights_dir
from bench import world
from bench.comparing.published import DATASETS, MODELS
from bench.config import World
from bench.data import catalogue, datasets
from bench.errors import RunError
from bench.miniworld.folders import ZERO_SHOT, phantom_data
from bench.running.choose import BASELINES
from bench.store.files import read_json, write_json

# The sources of MedSeg-HQ (section 3.6), by our names of them.
PAPER_SOURCES = {
    "CHAOS (T1)": "chaos-t1",
    "CHAOS (T2)": "chaos-t2",
    "ISIC2016": "isic2016",
    "ISIC2017": "isic2017",
    "ISIC2018": "isic2018",
    "BTCV": "btcv",
    "ACDC": "acdc",
    "AMOS (CT)": "amos-ct",
    "AMOS (MRI)": "amos-mri",
    "WORD": "word",
    "TotalSegmentator (CT)": "totalsegmentator-ct",
    "SZ-CXR": "sz-cxr",
}
PAPER_MODELS = tuple(dict.fromkeys(MODELS.values()))
MINIS = tuple(f"{name.partition('/')[0]}/mini" for name in PAPER_MODELS)
SETTINGS = "programme.json"
UNDRAWN = "its phantoms are DICOM: pip install 'segmote-bench[dicom]' and choose another --out"


class MissingInputError(RunError):
    """A step cannot be done for want of data, weights or an earlier step; the text names all of it."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How much is computed.

    Attributes:
        name: as the report says it.
        people: of each phantom source in three dimensions.
        depth: slices of each of them; phantom sources of pictures have as many pictures as these have slices in all.
        masks: chosen for the training set; None for all that pass.
        epochs: of the training; None for the recipe's.
        ablation_epochs, ablation_images, seeds: of each training of the ablations; None as there.
        slices: tested for each case in the ablations; None for all.
        cases: of each data set in the benchmark runs; None for all.
    """

    name: str
    people: int = 15
    depth: int = 4
    masks: int | None = None
    epochs: int | None = None
    ablation_epochs: int | None = None
    ablation_images: int | None = None
    seeds: int = 3
    slices: int | None = None
    cases: int | None = None


QUICK = Pace(
    "quick: 1 epoch of training, ablations of 1 epoch on 2 images of each source with one seed, and one case of each "
    "data set",
    people=8, depth=2, masks=250, epochs=1, ablation_epochs=1, ablation_images=2, seeds=1, slices=1, cases=1,
)  # fmt: skip
MINI = Pace(
    "mini world: ablations of 6 epochs on 28 images of each source, tested on 3 slices of each case",
    epochs=12, ablation_epochs=6, ablation_images=28, slices=3,
)  # fmt: skip
FULL = Pace("full: trainings by the paper's recipe on all images, and all cases")


@dataclass(frozen=True, slots=True)
class Programme:
    """One reproduction of the paper.

    Attributes:
        out: folder of everything.
        data: folder that holds the data sets of the paper; None for the mini world.
        weights: folder of official weights; None for the default one.
        quick: for a first look, see `QUICK`.
        jobs: worker processes; their number changes no result.
        device: where networks compute.
    """

    out: Path
    data: Path | None = None
    weights: Path | None = None
    quick: bool = False
    jobs: int = 2
    device: str = "cpu"

    @property
    def pace(self) -> Pace:
        """How much is computed."""
        return QUICK if self.quick else MINI if self.data is None else FULL

    @property
    def world(self) -> World:
        """Whether the data are real."""
        return "phantom" if self.data is None else "real"

    @property
    def own_model(self) -> str:
        """The name under which the network of this programme's own training runs."""
        return "segmote/mini" if self.data is None else "segmote/released"

    @property
    def sources(self) -> Path:
        """Folder of the sources of the training set."""
        return self.out / "sources" if self.data is None else self.data

    @property
    def evaluation(self) -> Path:
        """Folder of the zero-shot data sets."""
        return phantom_data() if self.data is None else self.data

    def text(self) -> str:
        """Which weights on which data, and whether it was quick; for captions."""
        quick = " A quick look: the numbers mean nothing." if self.quick else ""
        return f"{world.text([self.own_model], self.world)}{quick}"

    def base(self) -> Path:
        """The weights file of IMIS-Net, from which trainings start.

        Raises:
            MissingInputError: it is not there.
        """
        try:
            return locate("imis/mini" if self.data is None else "imis/vit_b", self.weights)
        except MissingWeights as error:
            raise MissingInputError(f"weights: {error}") from error


def claim(programme: Programme) -> None:
    """Make the folder this programme's own.

    Raises:
        RunError: it holds another one.
    """
    told = {name: getattr(programme, name) for name in ("data", "weights")}
    wanted = {name: None if path is None else str(path.resolve()) for name, path in told.items()}
    wanted |= {"quick": programme.quick}  # type: ignore[dict-item]
    path = programme.out / SETTINGS
    if not path.exists():
        write_json(path, wanted)
    elif differ := [name for name, value in wanted.items() if read_json(path).get(name) != value]:
        raise RunError(f"{programme.out} holds a reproduction with other {', '.join(differ)}; choose another --out")


def source_names(programme: Programme) -> tuple[str, ...]:
    """The sources that are there: those of the paper, else whatever is no zero-shot data set.

    Raises:
        MissingInputError: there are none.
    """
    there = _found(programme.sources)
    found = tuple(name for name in PAPER_SOURCES.values() if name in there)
    found = found or tuple(name for name in there if name not in ZERO_SHOT)
    if not found:
        raise MissingInputError(f"data: no source of a training set below {programme.sources}")
    return found


def missing_sources(programme: Programme) -> tuple[str, ...]:
    """The sources of MedSeg-HQ that are not there, by the paper's names; in the mini world with the remedy."""
    there = _found(programme.sources)
    remedy = f" ({UNDRAWN})" if programme.data is None else ""
    return tuple(f"{title}{remedy}" for title, name in PAPER_SOURCES.items() if name not in there)


def zero_shot_names(programme: Programme) -> tuple[str, ...]:
    """The zero-shot data sets that are there.

    Raises:
        MissingInputError: there are none.
    """
    found = ZERO_SHOT if programme.data is None else tuple(name for name in ZERO_SHOT if name in _found(programme.data))
    if not found:
        raise MissingInputError(f"data: none of {', '.join(ZERO_SHOT)} below {programme.data}")
    return found


def missing_zero_shot(programme: Programme) -> tuple[str, ...]:
    """The zero-shot data sets that are not there."""
    there = () if programme.data is None else _found(programme.data)
    return () if programme.data is None else tuple(name for name in ZERO_SHOT if name not in there)


@cache
def _found(data: Path) -> tuple[str, ...]:
    """The data sets below a folder, which is searched once."""
    known = [name for name in datasets.names() if name not in datasets.VARIANTS]
    return tuple(name for name in known if catalogue.roots(name, data))


def models(programme: Programme) -> tuple[str, ...]:
    """The models of the paper's comparison whose weights are there, after the baselines.

    Raises:
        MissingInputError: there are none.
    """
    if programme.data is None:
        return (*BASELINES, *MINIS)
    missing = missing_models(programme)
    found = tuple(name for name in PAPER_MODELS if name not in missing)
    if not found:
        raise MissingInputError(f"weights: none of the paper's models; {'; '.join(missing_weights(programme))}")
    return (*BASELINES, *found)


def missing_models(programme: Programme) -> tuple[str, ...]:
    """The models of the paper whose weights are not there."""
    if programme.data is not None:
        folder = weights_dir(programme.weights)
        return tuple(name for name in PAPER_MODELS if find(CATALOGUE[name], folder) is None)
    return ()


def missing_weights(programme: Programme) -> list[str]:
    """A sentence for each weights file that is not there."""
    entries = [CATALOGUE[name] for name in missing_models(programme)]
    return [f"{one.name}: {one.file} from {one.url or one.page}" for one in entries]


def title_of(name: str) -> str:
    """A data set as the paper calls it, else without the name of its layout.

    >>> title_of("isles2022"), title_of("amos-ct"), title_of("imis:PHANTOM_CT")
    ('ISLES', 'AMOS (CT)', 'PHANTOM_CT')
    """
    known: dict[str, str] = {}
    for title, own in (DATASETS | PAPER_SOURCES).items():
        known.setdefault(own, title)
    return known.get(name) or name.partition(":")[2] or name
