"""All targets of some data sets with a prompt each, slice by slice."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from adapters.interface import Prompt
from bench import protocols
from bench.data import catalogue
from bench.data.case import Case, DataError, Defect, Item, Mask
from bench.data.slicing import Sample, samples
from bench.errors import RunError
from bench.predicting.prompts import to_prompt
from bench.prompting import table
from bench.protocols import Protocol


@dataclass(frozen=True, slots=True)
class DataSet:
    """A data set as it appears in a figure.

    Attributes:
        name: as on the command line, with its folder where there are several.
        title: for axis labels and panels; unique.
        items: its cases; if the data set has a split, those that are not for training.
        defects: what its index found that is no case.
    """

    name: str
    title: str
    items: Sequence[Item]
    defects: Sequence[Defect] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """One target of one slice and its prompt.

    Attributes:
        dataset: title of its data set.
        target: class name.
        mask: (H, W) bool on the grid that the model sees.
    """

    dataset: str
    patient: str
    case: str
    slice: int
    target: str
    mask: Mask
    prompt: Prompt


@dataclass(frozen=True, slots=True, eq=False)
class PromptedSlice:
    """A slice and all its prompted targets."""

    sample: Sample
    questions: Sequence[Question]


@dataclass(frozen=True, slots=True)
class PromptRule:
    """How slices are cut and prompts drawn: the same as in a run with the same rule.

    Attributes:
        kind: of the prompts, as for `bench run --prompt`; kinds with several rounds give the prompt of the first.
        protocol: cuts the slices and draws the prompts.
        seed: of the prompts.
    """

    kind: str
    protocol: Protocol
    seed: int


def data_sets(names: Sequence[str], data: Path, limit: int | None = None, follow_links: bool = False) -> list[DataSet]:
    """The named data sets below `data`; if several folders hold one, each counts as a data set of its own.

    Args:
        names: as for `bench run --datasets`.
        data: the folder.
        limit: cases per data set.
        follow_links: as for `bench run --follow-links`.

    Raises:
        RunError: no folder there has a data set's layout.
        ValueError: an unknown name.
    """
    singles = (single for name in names for single in _singles(name, data, follow_links))
    return [_data_set(single, data, limit, follow_links) for single in singles]


def _singles(name: str, data: Path, follow_links: bool) -> list[str]:
    found = catalogue.roots(name, data, follow_links)
    base, folder = catalogue.split_name(name)
    within = data / folder if folder else data
    if len(found) < 2:
        return [name]
    parts = [root.relative_to(within).as_posix() for root in found]
    return [f"{base}:{folder}/{part}" if folder else f"{base}:{part}" for part in parts]


def _data_set(name: str, data: Path, limit: int | None, follow_links: bool) -> DataSet:
    items, defects = catalogue.index(name, data, None, follow_links=follow_links)
    tested = [item for item in items if item.details.get("split") != "train"]
    _, folder = catalogue.split_name(name)
    return DataSet(name, folder or catalogue.load(name).title, (tested or items)[:limit], defects)


def asked(data_set: DataSet, rule: PromptRule, defects: list[Defect]) -> Iterator[PromptedSlice]:
    """The slices of a data set that hold targets, with one prompt per target.

    Args:
        data_set: what to read.
        rule: cuts the slices and draws the prompts.
        defects: what is left out is appended to it.
    """
    defects += data_set.defects
    for item in data_set.items:
        try:
            case = catalogue.read(item)
            found = list(samples(case, rule.protocol))
        except DataError as error:
            defects.append(Defect(item.dataset, item.patient, item.case, error.kind, str(error)))
            continue
        yield from (_prompted(data_set.title, case, sample, rule) for sample in found)


def _prompted(title: str, case: Case, sample: Sample, rule: PromptRule) -> PromptedSlice:
    large = {name: mask for name, mask in sample.targets.items() if mask.sum() >= rule.protocol.min_area_px}
    questions = [
        Question(
            dataset=title,
            patient=case.patient,
            case=case.case,
            slice=sample.slice,
            target=name,
            mask=mask,
            prompt=_prompt(case, sample.slice, name, mask, rule),
        )
        for name, mask in large.items()
    ]
    return PromptedSlice(sample, questions)


def _prompt(case: Case, index: int, target: str, mask: Mask, rule: PromptRule) -> Prompt:
    rng = table.generator_for(rule.seed, case.dataset, case.case, index, target, rule.kind, 1)
    return to_prompt(table.first_prompt(rule.kind, mask, target, rule.protocol, rng))


def all_asked(
    sets: Iterable[DataSet], kind: str, protocol: str, seed: int, defects: list[Defect]
) -> Iterator[tuple[DataSet, PromptedSlice]]:
    """The prompted slices of several data sets, see `asked`; `protocol` is its name."""
    rule = PromptRule(kind, protocols.load(protocol), seed)
    for one in sets:
        yield from ((one, prompted) for prompted in asked(one, rule, defects))


def with_targets(
    slices: Iterable[tuple[DataSet, PromptedSlice]], defects: Sequence[Defect]
) -> Iterator[tuple[DataSet, PromptedSlice]]:
    """The slices that have targets.

    Args:
        slices: from `all_asked`.
        defects: the list that `all_asked` fills.

    Raises:
        RunError: once all slices are read, if none has a target.
    """
    empty = True
    for one, found in slices:
        if found.questions:
            empty = False
            yield one, found
    if empty:
        first = f"; the first of {len(defects)} defects: {defects[0].reason}" if defects else ""
        raise RunError(f"no target to ask for in these data sets{first}")
