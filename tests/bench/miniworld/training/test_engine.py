"""The engine, its checkpoints and the command that builds."""

import csv
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from adapters.families import small_networks
from bench.miniworld.training import build as building
from bench.miniworld.training import engine
from bench.miniworld.training.build import build
from bench.miniworld.training.engine import Training, scaled
from bench.miniworld.training.families import FAMILIES
from bench.miniworld.training.inheritance import unit_range
from bench.miniworld.training.networks import embed
from segmote.network.official_names import name_of_sams

CPU = torch.device("cpu")
SHARE = 1e-6
SMALL = {
    name: replace(family, stages=tuple(replace(stage, pictures=2, objects=2) for stage in family.stages))
    for name, family in FAMILIES.items()
}


@pytest.fixture(autouse=True)
def quick(tiny_pools, tmp_path, monkeypatch):
    monkeypatch.setattr(building, "FAMILIES", SMALL)
    monkeypatch.setattr(building, "checkpoint", lambda name, share=1.0: tmp_path / "checkpoints" / f"{name}.pt")
    monkeypatch.setattr(engine, "faster_precision", lambda *_: "fp32")


def trained(tmp_path, checkpoint):
    family = scaled(SMALL["sam"], SHARE)
    torch.manual_seed(0)
    training = Training(family.build(), family, CPU, tmp_path / checkpoint)
    training.run(tmp_path / f"{checkpoint}.csv")
    return training.network.state_dict()


def test_one_step_a_stage_is_deterministic_and_logged(tmp_path):
    (first,) = build(["sam"], tmp_path / "one", share=SHARE, log_dir=tmp_path / "logs").values()
    (again,) = build(["sam"], tmp_path / "two", share=SHARE, log_dir=tmp_path / "logs").values()
    assert first.read_bytes() == again.read_bytes()
    with (tmp_path / "logs" / "sam.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["stage"] for line in lines] == [stage.name for stage in FAMILIES["sam"].stages]
    assert {"blots_box", "blots_swap", "shapes_click5", "loss"} <= set(lines[0])
    assert not list((tmp_path / "checkpoints").glob("*"))


def test_a_killed_training_goes_on_to_the_same_weights(tmp_path, monkeypatch):
    whole = trained(tmp_path, "whole")
    steps, original = [], Training._step

    def killed(self, *arguments):
        steps.append(1)
        if len(steps) == 3:
            raise KeyboardInterrupt
        return original(self, *arguments)

    monkeypatch.setattr(Training, "_step", killed)
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path, "killed")
    monkeypatch.setattr(Training, "_step", original)
    resumed = trained(tmp_path, "killed")
    assert all(torch.equal(value, resumed[name]) for name, value in whole.items())


@pytest.mark.parametrize("family", ["medsam", "huang", "sam-med2d", "imis"])
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


def test_sam2_is_built_from_nothing(tmp_path):
    (path,) = build(["sam2"], tmp_path, share=SHARE, log_dir=tmp_path).values()
    assert load_file(path).keys() == FAMILIES["sam2"].build().state_dict().keys()


def test_build_names_what_is_wrong(tmp_path):
    with pytest.raises(ValueError, match="sam3"):
        build(["sam3"], tmp_path, log_dir=tmp_path)
    with pytest.raises(ValueError, match="build sam first"):
        build(["huang"], tmp_path, log_dir=tmp_path)


def test_medsam_starts_by_seeing_what_sam_sees(tmp_path):
    torch.manual_seed(0)
    sam, medsam = small_networks.sam(), small_networks.sam()
    save_file(sam.state_dict(), tmp_path / "sam.safetensors")
    unit_range(medsam, tmp_path / "sam.safetensors")
    images = torch.rand(1, 3, 128, 128)
    with torch.no_grad():
        (expected,) = embed(sam, FAMILIES["sam"].prepare(images))
        torch.testing.assert_close(embed(medsam, images)[0], expected, atol=1e-3, rtol=1e-3)
        assert not torch.allclose(embed(sam, images)[0], expected, atol=1e-2)
