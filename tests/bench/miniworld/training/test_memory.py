import json

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from adapters import Prompt, SlicePrompt, load
from adapters.families import small_networks
from adapters.families.small_networks import is_memory
from bench.miniworld.training import memory, pools
from bench.miniworld.training.batches import Source
from bench.miniworld.training.build import save
from bench.miniworld.training.pools import Pool


def squares():
    """Three pictures with a bright square each."""
    images, masks = np.full((3, 128, 128, 3), 60, np.uint8), np.zeros((3, 128, 128), bool)
    for number in range(3):
        masks[number, 40 : 80 + 5 * number, 50:90] = True
        images[number][masks[number]] = 200
    return Pool(images, np.packbits(masks, -1), np.arange(3), np.zeros(3, np.int16))


@pytest.fixture
def network():
    torch.manual_seed(0)
    return small_networks.with_memory(small_networks.sam2())


@pytest.fixture
def volumes():
    return volumes_of(0)


def volumes_of(seed):
    source = Source(squares(), torch.device("cpu"))
    return memory.phantom_volumes(source, 3, 4, torch.Generator().manual_seed(seed))


def test_an_object_moves_until_it_is_gone():
    gone = 0
    for seed in range(6):
        drawn = volumes_of(seed)
        assert drawn.images.shape[:2] == drawn.masks.shape[:2] == (4, len(drawn.boxes))
        areas = drawn.masks.sum((-2, -1))
        assert (areas[0] > 0).all() and (drawn.masks[0] != drawn.masks[1]).any()
        there = areas > 0
        assert (there[:-1] | ~there[1:]).all()  # once gone, it does not come back
        gone += int((~there).sum())
    assert gone


def test_only_memory_learns(network, volumes):
    before = {name: value.clone() for name, value in network.named_parameters()}
    learned = memory.learning(network)
    optimiser = torch.optim.SGD(learned, 1.0)
    for by_mask in (False, True):
        memory.loss(network, volumes, by_mask).backward()
    optimiser.step()
    changed = {name for name, value in network.named_parameters() if not torch.equal(value, before[name])}
    assert changed and all(is_memory(name) or name == memory.TEMPORAL for name in changed)
    assert {name.partition(".")[0] for name in changed} >= {"memory_attention", "memory_encoder", memory.TEMPORAL}


@torch.no_grad()
def test_at_first_memory_hands_its_features_through(network, volumes):
    memory.hand_through(network, volumes)
    seen = []
    network.sam_mask_decoder.register_forward_pre_hook(
        lambda _, __, given: seen.append(given["image_embeddings"]), with_kwargs=True
    )
    memory.follow(network, volumes, by_mask=False)
    features = memory._encoded(network, volumes.images)[0][-1] + network.no_mem_embed.reshape(-1, 1, 1)
    for given, wanted in zip(seen[1:], features[1:], strict=True):
        assert torch.corrcoef(torch.stack([given.flatten(), wanted.flatten()]))[0, 1] > 0.9


def test_the_file_gets_a_memory_and_keeps_all_else(monkeypatch, tmp_path):
    monkeypatch.setattr(pools, "load", lambda worlds, pictures: squares())
    monkeypatch.setattr(memory, "SLICES", 2)
    torch.manual_seed(0)
    save(small_networks.sam2(), tmp_path / "sam2.safetensors", {"family": "sam2", "steps": 5})
    before = load_file(tmp_path / "sam2.safetensors")
    path = memory.build(tmp_path, tmp_path / "logs", steps=1)
    after = load_file(path)
    assert all(torch.equal(after[key], value) for key, value in before.items() if key != memory.TEMPORAL)
    assert any(map(is_memory, after)) and not any(map(is_memory, before))
    with safe_open(path, "pt") as file:
        about = json.loads(file.metadata()["training"])
    assert about["steps"] == 5 and about["memory_steps"] == 1
    assert (tmp_path / "logs" / "sam2-memory.csv").read_text().startswith("step,seconds,loss\n1,")
    model = load("sam2/mini", weights=path)
    encoded = model.encode([np.zeros((20, 30), np.uint8)] * 2)
    assert model.propagate(encoded, [SlicePrompt(0, Prompt(box=np.array([2, 2, 9, 9])))])[0].masks.shape == (2, 20, 30)


def test_a_start_that_does_not_fit_is_refused(tmp_path):
    with pytest.raises(ValueError, match="build sam2 first"):
        memory.build(tmp_path, tmp_path)
    save(small_networks.sam(), tmp_path / "sam2.safetensors", {})
    with pytest.raises(ValueError, match="no mini SAM 2 of this size"):
        memory.build(tmp_path, tmp_path)
