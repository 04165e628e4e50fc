"""Curation of phantoms with planted defects: each is found and named; the set is whole, checked and the same again."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.data import catalogue
from bench.data.case import Item
from bench.data.curation.selection import SelectionRules
from bench.errors import RunError
from bench.studies.curation import curate as module
from bench.studies.curation.curate import ROLES, Curated, CurationConfig, curate
from segmote.training import data as training
from tests.helpers import curation


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> CurationConfig:
    root = tmp_path_factory.mktemp("curation")
    data = curation.source(root / "sources")
    tested = curation.evaluation(root / "tests", data)
    rules = SelectionRules(least_score=-2.0)
    return CurationConfig(data, ("folder",), root / "set", rules, "segmote", tested, ("folder",))


@pytest.fixture(scope="module")
def found(config: CurationConfig) -> Curated:
    return curate(config)


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures take most of the seconds."""
    monkeypatch.setattr(module, "save", lambda figure, stem: [])
    monkeypatch.setattr(module, "histograms", lambda scores: None)
    monkeypatch.setattr(module, "contact_sheet", lambda scores, items, protocol: None)


def files(folder: Path) -> dict[str, str]:
    """The checksums of all files of a set but figures and those that only speed up a second run."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and module.WORK not in path.parts and path.stem not in ("quality", "contact-sheet")
    }


@pytest.mark.parametrize("case", curation.PLANTED)
def test_each_planted_defect_is_found_and_named(found: Curated, case: str) -> None:
    (reason,) = found.left_out["reason"][found.left_out["case"] == case]
    assert curation.PLANTED[case] in reason
    assert case not in set(found.manifest["case"])


def test_sound_pictures_are_in_the_set(found: Curated) -> None:
    sound = {f"P{patient:02}_{view}" for patient in range(curation.PATIENTS) for view in (1, 2)}
    assert sound - set(found.manifest["case"]) == set()
    assert set(found.left_out["case"]) == set(curation.PLANTED)
    assert found.failed == 1


def test_every_mask_is_in_the_manifest_or_has_a_reason(found: Curated) -> None:
    assert len(found.scores) == len(found.manifest) + (found.left_out["kind"] == "selection").sum()
    assert (found.left_out["reason"] != "").all()


def test_no_patient_is_on_both_sides(found: Curated) -> None:
    sides = found.manifest.groupby("person")["split"].nunique()
    assert sides.max() == 1
    assert found.manifest.drop_duplicates("person")["split"].value_counts().to_dict() == {"train": 18, "test": 2}


def test_checksums_of_the_manifest_are_those_of_the_files(found: Curated, config: CurationConfig) -> None:
    manifest = pd.read_parquet(found.folder / "manifest.parquet")
    for role in ROLES:
        made = [hashlib.sha256((found.folder / path).read_bytes()).hexdigest() for path in manifest[role]]
        assert made == manifest[f"{role}_sha256"].tolist()
    row = manifest.iloc[0]
    told = "".join(
        f"{role} {hashlib.sha256((config.data / folder / Path(row['source']).name).read_bytes()).hexdigest()}\n"
        for role, folder in (("image", "images"), ("mask", "masks"))
    )
    assert row["source"] == f"images/{row['case']}.png"
    assert row["source_sha256"] == hashlib.sha256(told.encode()).hexdigest()
    facts = json.loads((found.folder / "curation.json").read_text())
    assert facts["manifest_sha256"] == hashlib.sha256((found.folder / "manifest.parquet").read_bytes()).hexdigest()


def test_our_readers_read_the_set_as_it_was(found: Curated, config: CurationConfig) -> None:
    items, defects = catalogue.index("imis", found.folder, None)
    assert not defects
    split = dict(zip(found.manifest["person"], found.manifest["split"], strict=True))
    assert {item.patient: item.details["split"] for item in items} == split
    sources = {item.case: item for item in catalogue.index("folder", config.data, None)[0]}
    for item in items[:5]:
        before, after = catalogue.read(sources[item.case.removesuffix("_0000")]), catalogue.read(item)
        np.testing.assert_array_equal(after.image, np.repeat(before.image[..., None], 3, axis=2))
        np.testing.assert_array_equal(after.masks["foreground"], before.masks["foreground"])


def test_the_trainer_finds_the_training_list_and_the_regions(found: Curated) -> None:
    items = training.find_items(found.folder)
    assert {item.patient for item in items} == set(found.manifest["person"][found.manifest["split"] == "train"])
    usable, excluded = training.check(items, 64, pseudo=True)
    assert (len(usable), excluded) == (len(items), [])
    assert all(item.pseudo for item in usable)


@pytest.mark.usefixtures("no_pictures")
def test_any_number_of_workers_and_a_second_run_give_the_same_files(
    found: Curated, config: CurationConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = files(found.folder)
    curate(replace(config, out=tmp_path / "two", jobs=2))
    assert files(tmp_path / "two") == expected
    monkeypatch.setattr("bench.studies.curation.judging.scan", None)  # nothing is judged again
    curate(config)
    assert files(found.folder) == expected


@pytest.mark.usefixtures("no_pictures")
def test_a_killed_run_goes_on_where_it_ended(
    found: Curated, config: CurationConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.studies.curation import judging  # noqa: PLC0415

    here, original = replace(config, out=tmp_path / "set"), judging.scan
    judged: list[str] = []

    def scan(item: Item, protocol: object) -> object:
        if len(judged) == 7:
            raise KeyboardInterrupt
        judged.append(item.case)
        return original(item, protocol)

    monkeypatch.setattr(judging, "scan", scan)
    with pytest.raises(KeyboardInterrupt):
        curate(here)
    first = list(judged)
    judged[:] = [""] * 100
    curate(here)
    assert not set(first) & set(judged)
    assert files(here.out) == files(found.folder)


@pytest.mark.usefixtures("no_pictures")
def test_a_smaller_selection_removes_what_it_no_longer_holds(config: CurationConfig, tmp_path: Path) -> None:
    here = replace(config, out=tmp_path / "set")
    curate(here)
    (here.out / "folder/image/of-mine.png").write_bytes(b"")
    small = curate(replace(here, rules=replace(here.rules, masks=5)))
    listed = set(small.manifest["image"])
    there = {path.relative_to(here.out).as_posix() for path in (here.out / "folder/image").iterdir()}
    assert len(listed) == 5
    assert there - listed == {"folder/image/of-mine.png"}


def test_nothing_to_choose_from_is_one_sentence(config: CurationConfig, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"none of \d+ masks passes; the first reason: "):
        curate(replace(config, out=tmp_path, rules=SelectionRules(least_score=50)))


def test_pictures_and_data_sheet_are_there(found: Curated) -> None:
    for name in ("quality.png", "contact-sheet.png", "quality.pdf", "contact-sheet.pdf"):
        assert (found.folder / name).stat().st_size > 10_000
    sheet = (found.folder / "data-sheet.md").read_text()
    page = (found.folder / "data-sheet.html").read_text()
    assert "| folder | any | 20 | 40 | 40 | 1 | 2 | 4 |" in sheet
    assert "<td>near-duplicate of folder P03_1 slice 0</td>" in page
