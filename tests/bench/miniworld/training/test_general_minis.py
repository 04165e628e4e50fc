"""The mini weights, the networks they fit, and the code that trains them."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from sam2.modeling.sam2_base import SAM2Base
from segment_anything.modeling import Sam

from adapters.families import small_networks
from adapters.weights.catalogue import MINI_FOLDER
from bench.miniworld.training import segmote
from bench.miniworld.training.batches import Batch, draw, stream
from bench.miniworld.training.inheritance import unit_range
from bench.miniworld.training.interaction import boxed, interact
from bench.miniworld.training.losses import box_loss, cross_entropy, dice_loss, iou
from bench.miniworld.training.networks import Prompts, embed, localise, propose
from bench.miniworld.training.prompts import enlarged_boxes, next_click, noisy_boxes
from bench.miniworld.training.recipes import RECIPES
from bench.miniworld.training.rehearsal import Rehearsal, rehearse
from bench.miniworld.training.train import build

LARGEST_BYTES = 3_000_000
NETWORKS = {
    "sam": small_networks.sam,
    "sam2": small_networks.sam2,
    "medsam": small_networks.sam,
    "huang": small_networks.sam,
}
LOGS = Path(__file__).parents[4] / "results" / "reference" / "mini"


def weights(family):
    return load_file(MINI_FOLDER / f"{family}.safetensors")


def prepare(family):
    adapter = RECIPES[family].adapter
    return adapter(adapter.cards[f"{family}/mini"], adapter.build("mini"), torch.device("cpu"), "fp32").prepare


def batch(family, images=2, seed=0):
    rng = np.random.default_rng(seed)
    return draw(stream(RECIPES[family].sampler, rng), prepare(family), images, rng, RECIPES[family].variation)


@pytest.mark.parametrize(("family", "kind"), [("sam", Sam), ("sam2", SAM2Base), ("medsam", Sam), ("huang", Sam)])
def test_weights_are_small_and_fit_the_real_network_class(family, kind):
    network = NETWORKS[family]()
    assert isinstance(network, kind)
    assert not network.training
    assert (MINI_FOLDER / f"{family}.safetensors").stat().st_size <= LARGEST_BYTES
    assert sum(value.numel() for value in network.parameters()) <= LARGEST_BYTES / 2
    state = weights(family)
    assert {value.dtype for value in state.values()} == {torch.float16}
    assert all(value.isfinite().all() for value in state.values())
    network.load_state_dict(state, strict=True)


@pytest.mark.parametrize("family", RECIPES)
def test_weights_say_how_they_were_trained(family):
    with safe_open(MINI_FOLDER / f"{family}.safetensors", "pt") as file:
        training = json.loads(file.metadata()["training"])
    recipe = RECIPES[family]
    steps = recipe.steps + (recipe.drill.steps if recipe.drill else 0)
    assert training == {"family": family, "seed": recipe.seed, "steps": steps, "data": recipe.data}
    with (LOGS / f"{family}.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert int(lines[-1]["step"]) == steps
    assert float(lines[-1]["dice_box"]) > float(lines[0]["dice_box"])


@pytest.mark.parametrize(
    ("family", "learned"), [("medsam", ("image_encoder.", "mask_decoder.")), ("huang", ("mask_decoder.",))]
)
def test_fine_tuning_left_the_rest_of_sam_as_it_was(family, learned):
    sam, tuned = weights("sam"), weights(family)
    same = {name for name, value in sam.items() if torch.equal(value, tuned[name])}
    assert {name for name in sam if not name.startswith(learned)} <= same
    for prefix in learned:
        assert any(name.startswith(prefix) and name not in same for name in sam)


@pytest.mark.parametrize("family", ["sam", "sam2"])
def test_one_call_for_objects_of_several_images_is_the_networks_own_answer(family):
    network, drawn = NETWORKS[family](), batch(family)
    prompts = boxed(drawn.boxes)
    with torch.no_grad():
        logits, scores = propose(network, embed(network, drawn.images), drawn.owner, prompts)
        for index, owner in enumerate(drawn.owner):
            one = Prompts(drawn.boxes[index, None], prompts.xy[:1], prompts.labels[:1], None)
            features = embed(network, drawn.images[owner, None])
            alone = propose(network, features, torch.tensor([0]), one)
            torch.testing.assert_close(alone, (logits[index, None], scores[index, None]), atol=1e-4, rtol=1e-4)


def test_sam_in_training_draws_what_sam_itself_draws():
    network, drawn = small_networks.sam(), batch("sam", images=1)
    prompts = boxed(drawn.boxes)
    with torch.no_grad():
        features = embed(network, drawn.images)
        logits, scores = propose(network, features, drawn.owner, prompts)
        sparse, dense = network.prompt_encoder(points=None, boxes=drawn.boxes, masks=None)
        position = network.prompt_encoder.get_dense_pe()
        single = network.mask_decoder(features[0], position, sparse, dense, multimask_output=False)
        several = network.mask_decoder(features[0], position, sparse, dense, multimask_output=True)
    torch.testing.assert_close(single, (logits[:, :1], scores[:, :1]))
    torch.testing.assert_close(several, (logits[:, 1:], scores[:, 1:]))


@pytest.mark.parametrize("family", RECIPES)
def test_batch_has_targets_inside_their_boxes(family):
    drawn = batch(family, images=3)
    assert drawn.images.shape == (3, 3, small_networks.IMAGE_SIZE, small_networks.IMAGE_SIZE)
    assert drawn.owner.unique().tolist() == [0, 1, 2]
    stride = small_networks.IMAGE_SIZE // small_networks.MASK_SIDE
    for target, box in zip(drawn.targets, drawn.boxes, strict=True):
        y, x = torch.nonzero(target[0] > 0, as_tuple=True)
        assert 0 < target.max() <= 1
        # one native pixel of an inclusive box, one of smoothing, and the low-resolution pixel itself
        slack = stride + 2 * small_networks.IMAGE_SIZE / 96
        assert box[0] - slack <= x.min() * stride and x.max() * stride <= box[2] + slack
        assert box[1] - slack <= y.min() * stride and y.max() * stride <= box[3] + slack


def test_click_lands_in_the_error_with_its_label():
    target, predicted = torch.zeros(2, 1, 64, 64, dtype=torch.bool), torch.zeros(2, 1, 64, 64, dtype=torch.bool)
    target[:, :, 10:20, 30:40] = True
    predicted[0, :, 10:20, 30:35] = True  # the right half is missed
    predicted[1] = target[1]
    predicted[1, :, 50:55, 5:10] = True  # drawn too much
    for seed in range(20):
        xy, labels = next_click(target, predicted, 4, torch.Generator().manual_seed(seed))
        assert labels.tolist() == [[1], [0]]
        (column, row), (false_column, false_row) = ((xy[:, 0] + 0.5) // 4).long().tolist()
        assert 35 <= column < 40 and 10 <= row < 20
        assert 5 <= false_column < 10 and 50 <= false_row < 55


def test_box_noise_keeps_to_its_limits():
    generator = torch.Generator().manual_seed(0)
    boxes = torch.tensor([[100.0, 100.0, 110.0, 120.0], [0.0, 10.0, 250.0, 200.0]]).repeat(200, 1)
    moved = (noisy_boxes(boxes, 256, generator) - boxes).abs()
    assert moved[::2].amax(0).le(torch.tensor([1.0, 2.0, 1.0, 2.0])).all()
    assert 4 < moved[1::2].max() <= 5
    enlarged = enlarged_boxes(boxes, 256, generator)
    assert (enlarged[:, :2] <= boxes[:, :2]).all() and (enlarged[:, 2:] >= boxes[:, 2:]).all()
    assert enlarged.min() >= 0 and (enlarged - boxes).abs().max() <= 5


def test_losses_by_hand():
    target = torch.tensor([[[1.0, 0.0, 0.0, 0.0]]])
    sure = torch.tensor([[[30.0, -30.0, -30.0, -30.0]]])
    unsure = torch.zeros(1, 1, 4)
    assert float(box_loss(sure, target)) == pytest.approx(0, abs=1e-6)
    assert float(dice_loss(unsure, target)) == pytest.approx(1 - (2 * 0.5 + 1) / (2 + 1 + 1))
    assert float(cross_entropy(unsure, target)) == pytest.approx(np.log(2))
    wrong_object = torch.tensor([[[-2.0, -30.0, -30.0, -30.0]]])
    plain, balanced = (float(cross_entropy(wrong_object, target, share)) for share in (0.0, 1.0))
    assert balanced == pytest.approx(2 * plain, rel=1e-4)  # a quarter of the pixels, half of the weight
    assert float(iou(torch.tensor([[[1.0, 1.0, -1.0, -1.0]]]), target)) == pytest.approx(0.5)
    assert float(iou(-torch.ones(1, 1, 4), torch.zeros(1, 1, 4))) == 1


def test_rounds_add_clicks_and_feed_masks_back(monkeypatch):
    seen = []

    def record(network, features, owner, prompts):
        seen.append(prompts)
        return torch.full((len(owner), 4, 64, 64), -50.0), torch.zeros(len(owner), 4)

    monkeypatch.setattr("bench.miniworld.training.interaction.propose", record)
    drawn = Batch(
        torch.zeros(1, 3, 256, 256), torch.zeros(1, dtype=torch.long), torch.ones(1, 1, 64, 64), torch.ones(1, 4)
    )
    list(interact(small_networks.sam(), [], drawn, boxed(drawn.boxes), 3, torch.Generator().manual_seed(0)))
    assert [prompts.xy.shape[1] for prompts in seen] == [0, 1, 2]
    assert seen[0].masks is None and float(seen[2].masks.min()) == -32
    assert seen[2].labels.tolist() == [[1, 1]]


@pytest.mark.slow
def test_building_twice_gives_the_same_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr("bench.miniworld.training.train.VALIDATION_IMAGES", 2)
    one = build(list(RECIPES), tmp_path / "one", steps_scale=1e-6, log_dir=tmp_path / "one")
    two = build(list(RECIPES), tmp_path / "two", steps_scale=1e-6, log_dir=tmp_path / "two")
    for family in RECIPES:
        assert one[family].read_bytes() == two[family].read_bytes()


@pytest.mark.slow
def test_segmote_is_built_in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setattr("bench.miniworld.training.train.VALIDATION_IMAGES", 2)
    monkeypatch.setattr("bench.miniworld.training.segmote.IMAGES", 12)
    build(["sam", "imis"], tmp_path, steps_scale=1e-6, log_dir=tmp_path)
    path = segmote.build(tmp_path, tmp_path, scale=1e-6)
    assert load_file(path).keys() == load_file(MINI_FOLDER / "segmote.safetensors").keys()
    assert len((tmp_path / "segmote.csv").read_text().splitlines()) == 2  # the header and one epoch


def test_one_step_of_training_is_deterministic(tmp_path, monkeypatch):
    monkeypatch.setattr("bench.miniworld.training.train.VALIDATION_IMAGES", 1)
    (first,) = build(["sam"], tmp_path / "one", steps_scale=1e-6, log_dir=tmp_path / "logs").values()
    (again,) = build(["sam"], tmp_path / "two", steps_scale=1e-6, log_dir=tmp_path / "logs").values()
    assert first.read_bytes() == again.read_bytes()
    assert (tmp_path / "logs" / "sam.csv").read_text().startswith("step,seconds,loss,dice_box,dice_click1,dice_click5")
    with torch.no_grad():
        untrained = small_networks.sam().state_dict()
    assert load_file(first).keys() == untrained.keys()


def test_build_names_what_is_wrong(tmp_path):
    with pytest.raises(ValueError, match="sam3"):
        build(["sam3"], tmp_path, log_dir=tmp_path)
    with pytest.raises(ValueError, match="build sam first"):
        build(["huang"], tmp_path, log_dir=tmp_path)


@pytest.mark.parametrize("build_network", [small_networks.sam, small_networks.sam2])
def test_rehearsal_teaches_boxes_and_leaves_the_image_encoder_alone(build_network):
    torch.manual_seed(0)
    network = build_network()
    localise(network)
    encoder = {name: value.clone() for name, value in network.image_encoder.state_dict().items()}
    boxes = torch.tensor([[20.0, 40.0, 180.0, 200.0], [100.0, 60.0, 220.0, 140.0]])
    inside = torch.zeros(2, small_networks.MASK_SIDE, small_networks.MASK_SIDE, dtype=torch.bool)
    inside[0, 10:50, 5:45] = inside[1, 15:35, 25:55] = True

    @torch.no_grad()
    def contrast():
        levels = embed(network, torch.zeros(1, 3, small_networks.IMAGE_SIZE, small_networks.IMAGE_SIZE))
        logits, _ = propose(network, levels, torch.zeros(2, dtype=torch.long), boxed(boxes))
        return float(logits[:, 0][inside].mean() - logits[:, 0][~inside].mean())

    before = contrast()
    rehearse(network, Rehearsal(60, 2e-3), torch.Generator().manual_seed(0))
    assert contrast() > before + (0.5 if build_network is small_networks.sam else 0.005)  # SAM 2 starts later
    assert all(torch.equal(value, encoder[name]) for name, value in network.image_encoder.state_dict().items())


def test_medsam_starts_by_seeing_what_sam_sees():
    sam, medsam = small_networks.sam(), small_networks.sam()
    sam.load_state_dict({name: value.float() for name, value in weights("sam").items()})
    unit_range(medsam, MINI_FOLDER / "sam.safetensors")
    image = torch.rand(
        1, 3, small_networks.IMAGE_SIZE, small_networks.IMAGE_SIZE, generator=torch.Generator().manual_seed(0)
    )
    with torch.no_grad():
        expected = sam.image_encoder((255 * image - sam.pixel_mean) / sam.pixel_std)
        torch.testing.assert_close(medsam.image_encoder(image), expected, atol=1e-4, rtol=1e-4)
        assert not torch.allclose(sam.image_encoder(image), expected, atol=1e-2)
