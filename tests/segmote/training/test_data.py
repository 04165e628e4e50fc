"""What a training reads, whom it holds out, in which order, with which prompts; embeddings on disk."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from adapters import geometry
from adapters.families import imis
from bench.data.reading import layout
from segmote.training import data, simulated_user
from segmote.training.batches import Batch, Epoch, Sources, epoch_batches, own_part, version_of
from segmote.training.data import (
    TrainingItem,
    check,
    find_items,
    patient_of,
    read_image,
    read_masks,
    read_regions,
    split_patients,
)
from segmote.training.embeddings import encode_missing, open_store, varied, version_path
from segmote.training.prepare import check_network
from segmote.training.prompts import corrected, first_prompts, priors, rounds_with_priors
from segmote.training.step import TrainingStep
from tests.helpers.training_world import CONFIG, SERVED, SIDE, network, recipe, write_set, write_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def sources(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Sources:
    items = find_items(world)
    store = open_store(network(), tmp_path_factory.mktemp("embeddings"), half=False)
    files = {item.image: store.path(item.image) for item in items}
    encode_missing(network(), store, files, iter)
    pooled = {name: torch.full((16,), float(number)) for number, name in enumerate(("liver", "lesion"))}
    return Sources(items, recipe("released"), store, files, pooled, seed=0)


def item(code: str, patient: str, number: int = 0) -> TrainingItem:
    return TrainingItem(code, patient, Path(f"{code}/{patient}_{number}.png"), Path("x.npz"), None, ("a",))


# Files.


def test_items_are_the_training_list_by_name(world: Path) -> None:
    items = find_items(world)
    assert [found.code for found in items] == ["many"] * 8 + [SERVED] * 6
    assert items[0].names == ("liver", "lesion")
    assert {found.patient for found in items if found.code == "many"} == {"P_000", "P_001", "P_002", "P_003"}
    assert len(find_items(world, limit=1)) == 2
    assert {found.code for found in find_items(world, codes=["many"])} == {"many"}


def test_missing_data_is_named(world: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="named lungs; there are many, few"):
        find_items(world, codes=["lungs"])
    with pytest.raises(ValueError, match="no data set of the IMIS layout"):
        find_items(tmp_path)
    (tmp_path / "dataset.json").write_text("{}")
    with pytest.raises(ValueError, match="not of the IMIS layout"):
        find_items(tmp_path)


def test_two_sets_of_one_name_are_refused(tmp_path: Path) -> None:
    write_set(tmp_path / "a" / "SET", 1)
    write_set(tmp_path / "b" / "set", 1)
    with pytest.raises(ValueError, match="two data sets of one name"):
        find_items(tmp_path)


@pytest.mark.parametrize("name", ["ABD_001_100", "ISIC_0000001", "case-12-slice_003", "x", "set2_case_01"])
def test_patients_are_those_of_the_benchmark(name: str) -> None:
    assert patient_of(name) == layout.patient_of(name)


def test_an_explicit_patient_goes_first(tmp_path: Path) -> None:
    write_set(tmp_path / "set", 1)
    path = tmp_path / "set" / "dataset.json"
    content = json.loads(path.read_text())
    content["training"][0]["patient"] = "somebody"
    path.write_text(json.dumps(content))
    assert find_items(tmp_path)[0].patient == "somebody"


def test_images_are_those_of_the_adapter(world: Path) -> None:
    path = find_items(world)[0].image
    pixels = geometry.resize_nearest_pillow(read_rgb(path), (SIDE, SIDE))
    expected = imis.standardised(torch.from_numpy(pixels).permute(2, 0, 1))
    torch.testing.assert_close(read_image(path, SIDE), expected)


def read_rgb(path: Path) -> np.ndarray:
    return np.array(data.Image.open(path).convert("RGB"))


def test_what_cannot_be_read_is_excluded_with_a_reason(tmp_path: Path) -> None:
    write_set(tmp_path / "set", 3)
    items = find_items(tmp_path)
    items[0].image.write_bytes(items[0].image.read_bytes()[:40])
    items[1].label.write_bytes(b"no archive")
    items[2].image.unlink()
    assert items[3].pseudo is not None
    items[3].pseudo.write_bytes(b"no array")
    usable, excluded = check(items, SIDE, pseudo=True)
    assert usable == items[4:]
    np.save(items[4].pseudo, np.full((40, 56, 1), -1))
    assert check(items[4:5], SIDE, pseudo=True)[0][0].pseudo is None
    assert [one.image for one in excluded] == [one.image for one in items[:4]]
    assert all("cannot be read" in one.reason for one in excluded)
    assert len(check(items, SIDE, pseudo=False)[1]) == 3


def test_masks_without_foreground_are_left_out(tmp_path: Path) -> None:
    write_set(tmp_path / "set", 1)
    first = find_items(tmp_path)[0]
    masks = read_masks(first, SIDE)
    assert set(masks) == {"liver", "lesion"} and masks["liver"].shape == (SIDE, SIDE)
    data.sparse.save_npz(first.label, data.sparse.csr_matrix(np.zeros((2, 40 * 56), np.int32)))
    usable, excluded = check([first], SIDE, pseudo=False)
    assert not usable and "no foreground at 64 x 64" in excluded[0].reason


def test_regions_are_smoothed_and_small_ones_left_out(tmp_path: Path) -> None:
    numbers = np.full((100, 100, 1), -1)
    numbers[10:40, 20:60] = 0
    numbers[20, 30] = 7
    numbers[70:71, 70:90] = 2
    np.save(tmp_path / "r.npy", numbers)
    (region,) = read_regions(tmp_path / "r.npy", 100)
    # The hole is closed; the cross-shaped opening takes the four corners.
    assert region[20, 30] and region.sum() == 30 * 40 - 4


# Patients and order.


def test_no_patient_is_on_both_sides() -> None:
    items = [item("a", f"p{n}", view) for n in range(30) for view in range(3)]
    items += [item("b", f"p{n}") for n in range(20, 40)]
    learning, held_out = split_patients(items, seed=3)
    sides = [{one.patient for one in side} for side in (learning, held_out)]
    assert not sides[0] & sides[1]
    assert len(learning) + len(held_out) == len(items)
    assert all({one.code for one in side} == {"a", "b"} for side in (learning, held_out))
    assert 3 <= len(sides[1]) <= 5
    assert split_patients(items[::-1], seed=3)[1] == held_out[::-1]
    assert {one.patient for one in split_patients(items, seed=4)[1]} != sides[1]


def test_a_single_patient_is_not_held_out() -> None:
    learning, held_out = split_patients([item("a", "p", 0), item("a", "p", 1)], seed=0)
    assert len(learning) == 2 and not held_out


def test_batches_have_all_items_and_never_mix() -> None:
    items = [item("ISIC", f"p{n}") for n in range(7)] + [item("b", f"q{n}") for n in range(13)]
    batches = epoch_batches(items, ["isic"], 4, seed=0, epoch=0)
    assert {index for batch in batches for index in batch} == set(range(20))
    assert all(len(batch) == 4 and len({index < 7 for index in batch}) == 1 for batch in batches)
    assert batches == epoch_batches(items, ["isic"], 4, seed=0, epoch=0)
    assert batches != epoch_batches(items, ["isic"], 4, seed=0, epoch=1)
    assert batches != epoch_batches(items, ["isic"], 4, seed=1, epoch=0)


def test_processes_share_a_batch_without_rest() -> None:
    batch = tuple(range(12))
    assert [index for process in range(3) for index in own_part(batch, process, 3)] == list(batch)


def test_devices_that_do_not_divide_the_batch_are_refused() -> None:
    with pytest.raises(ValueError, match="devices must divide the batch of 4 images, got 3"):
        check_network(network(), recipe(), devices=3)


def test_halves_of_a_batch_are_drawn_as_the_whole(sources: Sources) -> None:
    whole = Epoch(sources, 1)[0]
    halves = [Epoch(replace(sources, process=process, processes=2), 1)[0] for process in (0, 1)]
    for part in ("embeddings", "targets", "regions", "pooled"):
        torch.testing.assert_close(torch.cat([getattr(half, part) for half in halves]), getattr(whole, part))
    prompts = [first_prompts(batch, sources.recipe)._asdict() for batch in (*halves, whole)]
    assert [name for name, value in prompts[0].items() if value is not None] == [
        name for name, value in prompts[2].items() if value is not None
    ]
    boxed = [corrected(batch, zeros(batch), 0, False).points for batch in (*halves, whole)]
    torch.testing.assert_close(torch.cat([points[0] for points in boxed[:2]]), boxed[2][0])


def zeros(batch: Batch) -> torch.Tensor:
    return torch.full((len(batch.targets), 1, 16, 16), -1.0)


# Prompts.


@pytest.fixture
def mask() -> np.ndarray:
    y, x = np.mgrid[:64, :64]
    return ((x - 30) / 12) ** 2 + ((y - 25) / 8) ** 2 <= 1


def test_boxes_are_tight_or_at_most_five_pixels_off(mask: np.ndarray) -> None:
    tight = simulated_user.box(mask, None)
    assert tight.tolist() == [18, 17, 42, 33]
    rng = np.random.default_rng(0)
    moved = np.stack([simulated_user.box(mask, rng) for _ in range(300)]) - tight
    assert moved.min() == -5 and moved.max() == 5
    assert np.array_equal(np.unique(moved), np.arange(-5, 6))
    edge = np.ones((8, 8), bool)
    boxes = np.stack([simulated_user.box(edge, rng) for _ in range(50)])
    assert boxes.min() >= 0 and boxes.max() <= 7


def test_clicks_lie_in_the_central_half(mask: np.ndarray) -> None:
    assert mask.sum() == 297
    rng = np.random.default_rng(0)
    clicks = [simulated_user.click(mask, rng) for _ in range(300)]
    xy, labels = np.concatenate([xy for xy, _ in clicks]), np.concatenate([labels for _, labels in clicks])
    assert (labels == 1).all() and np.hypot(*(xy - (30, 25)).T).max() <= 7
    one = np.zeros((64, 64), bool)
    one[5, 9] = True
    (corner,), (label,) = simulated_user.click(one, rng)
    assert label == 0 and tuple(corner) != (9, 5)


def test_error_clicks_say_what_is_missing(mask: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    drawn = np.roll(mask, 6, axis=1)
    xy, labels = simulated_user.error_clicks(mask, drawn, 200, rng)
    columns, rows = xy.astype(int).T
    assert np.array_equal(mask[rows, columns], labels == 1)
    assert (mask ^ drawn)[rows, columns].all() and set(labels) == {0, 1}
    _, labels = simulated_user.error_clicks(mask, mask, 3, rng)
    assert labels.tolist() == [-1, -1, -1]


def test_kinds_and_priors_follow_their_shares(sources: Sources) -> None:
    batch = Epoch(sources, 0)[0]
    kinds = {"boxes": 0, "points": 0, "pooled": 0}
    both = np.zeros(2)
    for number in range(200):
        other = batch._replace(number=number)
        prompts = first_prompts(other, sources.recipe)._asdict()
        (kind,) = [name for name, value in prompts.items() if value is not None]
        kinds[kind] += 1
        prior = priors(other, lambda: zeros(batch))
        assert prior.points is None and prior.boxes is None
        both += [prior.masks is not None, prior.pooled is not None]
        assert 3 in rounds_with_priors(other, 4) and len(rounds_with_priors(other, 4)) == 2
    assert 60 < kinds["boxes"] < 100 and 40 < kinds["points"] < 80 and 40 < kinds["pooled"] < 80
    assert (both > 80).all() and (both < 120).all()


def test_a_batch_without_ppt_in_the_network_is_asked_otherwise(sources: Sources) -> None:
    batch = next(batch for batch in Epoch(sources, 0) if batch.served)
    without = network(replace(CONFIG, ppt_queries=0))
    outcome = TrainingStep(without, recipe(ppt_first=True))(batch, "first")
    assert bool(outcome.loss.isfinite())


# Embeddings.


def test_an_epoch_takes_variants_as_often_as_one_is_augmented(sources: Sources) -> None:
    several = replace(sources, recipe=replace(sources.recipe, variants=4))
    taken = [version_of(several, epoch, index) for epoch in range(100) for index in range(14)]
    plain = {path for path in sources.files.values()}
    assert np.mean([path in plain for path in taken]) == pytest.approx(0.8**2, abs=0.04)
    assert {path.stem.partition("-")[2] for path in taken} == {"", "1", "2", "3", "4"}
    assert {version_of(sources, epoch, 0) for epoch in range(50)} == {sources.files[sources.items[0].image]}


def test_variants_are_brighter_or_of_other_contrast_by_a_fifth() -> None:
    picture = torch.randn(3, 8, 8, generator=torch.Generator().manual_seed(0))
    assert varied(picture, Path("a.safetensors"), 0) is picture
    scales, shifts = [], []
    for number in range(1, 301):
        path = version_path(Path("a.safetensors"), number)
        made = varied(picture, path, number)
        torch.testing.assert_close(made, varied(picture, path, number), rtol=0, atol=0)
        scales.append(float((made[0, 0, 0] - made[0, 0, 1]) / (picture[0, 0, 0] - picture[0, 0, 1])))
        shifts.append(float((made - scales[-1] * picture).mean()))
    changed = np.abs(np.array(scales) - 1) > 1e-4, np.abs(shifts) > 1e-4
    assert (changed[0] | changed[1]).all()
    # Of what is changed, 16 in 36 only in contrast, 16 only in brightness, 4 in both.
    assert (changed[0] & changed[1]).mean() == pytest.approx(1 / 9, abs=0.05)
    assert changed[0].mean() == pytest.approx(5 / 9, abs=0.08) and changed[1].mean() == pytest.approx(5 / 9, abs=0.08)
    assert 0.15 < max(scales) - 1 <= 0.2 and 0.15 < 1 - min(scales) <= 0.2 + 1e-6
    assert 0.15 < max(shifts) <= 0.2 + 1e-6 and 0.15 < -min(shifts) <= 0.2 + 1e-6


def test_a_batch_has_the_embeddings_of_the_variants(sources: Sources, world: Path, tmp_path: Path) -> None:
    store = open_store(network(), tmp_path, half=False)
    files = {found.image: store.path(found.image) for found in sources.items}
    several = replace(sources, store=store, files=files, recipe=replace(sources.recipe, variants=2))
    encode_missing(network(), store, files, iter, variants=2)
    assert len(list(store.folder.iterdir())) == 3 * len(files)
    batch = next(found for epoch in range(9) for found in Epoch(several, epoch) if _has_variant(several, found))
    for index, embedding in zip(batch.indices, batch.embeddings, strict=True):
        path = version_of(several, batch.epoch, index)
        image = sources.items[index].image
        number = int(path.stem.partition("-")[2] or 0)
        with torch.no_grad():
            wanted, _ = network().encode(varied(read_image(image, SIDE), path, number)[None])
        torch.testing.assert_close(embedding, wanted[0])


def _has_variant(sources: Sources, batch: Batch) -> bool:
    return any("-" in version_of(sources, batch.epoch, index).stem for index in batch.indices)


def test_embeddings_are_the_encoders(sources: Sources) -> None:
    path = sources.items[0].image
    with torch.no_grad():
        expected = network().encode(read_image(path, SIDE)[None])
    for found, wanted in zip(sources.store.read(sources.files[path]), expected, strict=True):
        torch.testing.assert_close(found, wanted[0])


@pytest.mark.parametrize("damage", ["cut", "altered", "missing"])
def test_damaged_embeddings_are_computed_again(world: Path, tmp_path: Path, damage: str) -> None:
    store = open_store(network(), tmp_path, half=False)
    images = [found.image for found in find_items(world)[:2]]
    files = {image: store.path(image) for image in images}
    encode_missing(network(), store, files, iter)
    first = files[images[0]]
    sound = first.read_bytes()
    spoil(first, sound, damage)
    with pytest.raises(ValueError, match="computes it again"):
        store.read(first)
    computed: list[Path] = []
    encode_missing(network(), store, files, lambda found: (computed.append(one.image) or one for one in found))
    assert computed == images[:1] and first.read_bytes() == sound
    assert not list(store.folder.glob("*.partial"))


def spoil(path: Path, sound: bytes, damage: str) -> None:
    if damage == "missing":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(sound[:-100])
    else:
        path.write_bytes(sound[:-1] + bytes([sound[-1] ^ 1]))


def test_other_weights_have_other_embeddings(tmp_path: Path) -> None:
    one, other = network(), network()
    with torch.no_grad():
        next(iter(other.image_encoder.parameters())).add_(1)
    assert open_store(one, tmp_path, False).folder != open_store(other, tmp_path, False).folder
    assert open_store(one, tmp_path, False).folder != open_store(one, tmp_path, True).folder


def test_half_embeddings_take_half(world: Path, tmp_path: Path) -> None:
    image = find_items(world)[0].image
    stores = [open_store(network(), tmp_path, half) for half in (False, True)]
    for store in stores:
        encode_missing(network(), store, {image: store.path(image)}, iter)
    full, half = (store.path(image) for store in stores)
    assert half.stat().st_size < 0.6 * full.stat().st_size
    for one, two in zip(stores[0].read(full), stores[1].read(half), strict=True):
        torch.testing.assert_close(one, two, atol=1e-2, rtol=1e-2)
