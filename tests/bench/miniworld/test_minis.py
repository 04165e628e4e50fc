"""The embedded weights: they are small, fit the real classes strictly, and say how they were trained."""

import csv
import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

import adapters
from adapters.weights.catalogue import MINI_FOLDER
from bench.miniworld.training.families import FAMILIES
from bench.miniworld.training.memory import STEPS
from segmote.network.official_names import is_unused, name_of_sams

LARGEST_BYTES, LARGEST_TOGETHER = 3 * 2**20, 20_000_000
LOGS = Path(__file__).parents[3] / "results" / "reference" / "mini"
MINIS = [*FAMILIES, "segmote"]


def weights(family: str) -> dict[str, torch.Tensor]:
    return load_file(MINI_FOLDER / f"{family}.safetensors")


@pytest.mark.parametrize("family", MINIS)
def test_a_file_is_small_and_fits_strictly(family):
    path, state = MINI_FOLDER / f"{family}.safetensors", weights(family)
    assert path.stat().st_size <= LARGEST_BYTES
    assert {value.dtype for value in state.values()} == {torch.float16}
    assert all(value.isfinite().all() for value in state.values())
    network = adapters.load(f"{family}/mini").network
    assert sum(value.numel() for value in network.parameters()) == adapters.card(f"{family}/mini").parameters
    missing, unexpected = network.load_state_dict(state, strict=False)
    assert not unexpected and all(map(is_unused, missing))


def test_all_files_together_are_small():
    assert sum(path.stat().st_size for path in MINI_FOLDER.glob("*.safetensors")) <= LARGEST_TOGETHER


@pytest.mark.parametrize("family", FAMILIES)
def test_a_file_says_how_it_was_trained(family):
    with safe_open(MINI_FOLDER / f"{family}.safetensors", "pt") as file:
        training = json.loads(file.metadata()["training"])
    stages, seed = FAMILIES[family].stages, FAMILIES[family].seed
    steps = sum(stage.steps for stage in stages)
    memory = {"memory_steps": STEPS, "memory_parameters": 226_481} if family == "sam2" else {}
    assert training == {"family": family, "seed": seed, "steps": steps, "data": FAMILIES[family].world} | memory
    with (LOGS / f"{family}.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert (lines[-1]["stage"], int(lines[-1]["step"])) == (stages[-1].name, stages[-1].steps)
    world = stages[-1].worlds[0]
    own, swapped = (float(lines[-1][f"{world}_{kind}"]) for kind in ("box", "swap"))
    assert own > float(lines[0][f"{world}_box"]) and own > swapped + 0.1


@pytest.mark.parametrize("family", [name for name in FAMILIES if FAMILIES[name].parent])
def test_what_did_not_learn_is_the_mini_sams(family):
    learned, tuned, sam = FAMILIES[family].stages[-1].learns, weights(family), weights("sam")
    name = name_of_sams if family == "imis" else str
    kept = {name(key): value for key, value in sam.items() if not name(key).startswith(learned)}
    assert kept and all(torch.equal(value, tuned[key]) for key, value in kept.items())
    assert any(not torch.equal(value, tuned[name(key)]) for key, value in sam.items())
