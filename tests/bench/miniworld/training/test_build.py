"""Minis built in a single step per stage."""

import csv

import pytest
import torch
from safetensors.torch import load_file, save_file

from adapters.families import small_networks
from bench.miniworld.training.build import build
from bench.miniworld.training.families import FAMILIES
from segmote.network.official_names import name_of_sams
from tests.helpers.versions import needs_muon

pytestmark = pytest.mark.usefixtures("quick")
SHARE = 1e-6


@pytest.mark.parametrize("family", ["medsam", "huang", "sam-med2d", "imis"])
@needs_muon
def test_what_does_not_learn_stays_the_mini_sams(family, tmp_path):
    torch.manual_seed(0)
    sam = {name: value.half() for name, value in small_networks.sam().state_dict().items()}
    save_file(sam, tmp_path / "sam.safetensors")
    (path,) = build([family], tmp_path, share=SHARE, log_dir=tmp_path).values()
    tuned, learns = load_file(path), FAMILIES[family].stages[-1].learns
    name = name_of_sams if family == "imis" else str
    kept = {name(key): value for key, value in sam.items() if not name(key).startswith(learns)}
    kept.pop("image_encoder.patch_embed.proj.weight", None) if family == "medsam" else None
    assert all(torch.equal(value, tuned[key]) for key, value in kept.items())
    assert any(not torch.equal(value, tuned[name(key)]) for key, value in sam.items())


@needs_muon
def test_sam2_is_built_from_nothing(tmp_path):
    (path,) = build(["sam2"], tmp_path, share=SHARE, log_dir=tmp_path).values()
    assert load_file(path).keys() == FAMILIES["sam2"].build().state_dict().keys()


def test_build_names_what_is_wrong(tmp_path):
    with pytest.raises(ValueError, match="sam3"):
        build(["sam3"], tmp_path, log_dir=tmp_path)
    with pytest.raises(ValueError, match="build sam first"):
        build(["huang"], tmp_path, log_dir=tmp_path)


@pytest.mark.slow
@needs_muon
def test_one_step_per_stage_is_deterministic_and_logged(tmp_path):
    (first,) = build(["sam"], tmp_path / "one", share=SHARE, log_dir=tmp_path / "logs").values()
    (again,) = build(["sam"], tmp_path / "two", share=SHARE, log_dir=tmp_path / "logs").values()
    assert first.read_bytes() == again.read_bytes()
    with (tmp_path / "logs" / "sam.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["stage"] for line in lines] == [stage.name for stage in FAMILIES["sam"].stages]
    assert {"blots_box", "blots_swap", "shapes_click5", "loss"} <= set(lines[0])
    assert not list((tmp_path / "checkpoints").glob("*"))
