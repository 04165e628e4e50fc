"""Trainings of a tiny network: what learns, what is written, killed and resumed, one process and two."""

import csv
import json
import shutil
import signal
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from segmote.training import files, losses
from segmote.training.learnable import learning
from segmote.training.settings import TrainConfig
from segmote.training.train import train
from tests.helpers.training_world import CONFIG, SERVED, network, recipe, write_world

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_world(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def embeddings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("embeddings")


def config_of(data: Path, out: Path, embeddings: Path, **changes: Any) -> TrainConfig:
    return TrainConfig(data, out, accelerator="cpu", embeddings=embeddings, **changes)


@pytest.fixture(scope="module")
def uninterrupted(data: Path, embeddings: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("uninterrupted")
    train(network(), recipe(), config_of(data, out, embeddings))
    return out


def lines_of(path: Path) -> list[dict[str, float]]:
    with path.open() as file:
        return [{name: float(value) for name, value in line.items()} for line in csv.DictReader(file)]


def test_a_router_without_gradient_is_refused(data: Path, tmp_path: Path, embeddings: Path) -> None:
    dead = replace(CONFIG, gate_mode="topk_softmax")
    with pytest.raises(ValueError, match="no gradient"):
        train(network(dead), recipe("paper"), config_of(data, tmp_path, embeddings))


def test_text_without_vocabulary_is_refused(data: Path, tmp_path: Path, embeddings: Path) -> None:
    mute = network()
    mute.vocabulary = tmp_path / "none.txt"
    with pytest.raises(ValueError, match="uses text prompts"):
        train(mute, recipe(), config_of(data, tmp_path, embeddings))


def test_log_weights_and_metadata(uninterrupted: Path) -> None:
    steps, epochs = lines_of(uninterrupted / files.STEPS), lines_of(uninterrupted / files.EPOCHS)
    assert [line["epoch"] for line in epochs] == [1, 2, 3]
    assert [line["corrections"] for line in steps[:4]] == [0, 1, 0, 1]
    assert all(line["router_gradient"] > 0 for line in steps)
    for line in steps:
        assert sum(line[f"expert_{number}"] for number in range(4)) == pytest.approx(1)
        assert sum(line[f"token_{number}"] for number in range(4)) == pytest.approx(1)
    assert {f"{SERVED}/auto", f"{SERVED}/box", "many/click"} <= set(epochs[0])
    assert "many/auto" not in epochs[0]
    assert steps[0]["rate"] == pytest.approx(1e-3)
    assert list((uninterrupted / files.CURVES / "steps").glob("events.out.tfevents.*"))


def test_only_what_learns_has_changed(uninterrupted: Path) -> None:
    before, after = network(), load_file(uninterrupted / files.WEIGHTS)
    moved = {name for name, value in before.state_dict().items() if not torch.equal(value, after[name])}
    wanted = set(learning(before, recipe("released")))
    assert moved <= wanted
    # The IoU token and SAM's masks do not learn; all parts of MoTE and PPT do.
    for part in ("w_gate_token", "w_noise_token", "experts_token", "img_prompt_pool", "expert_output_mlps"):
        assert any(part in name for name in moved), part
    with safe_open(uninterrupted / files.WEIGHTS, "pt") as file:
        about = json.loads(file.metadata()["training"])
    config = about["config"]
    assert config["num_experts"] == 4
    # Readers of these files find the recipe inside the configuration.
    assert config["recipe"] == json.loads(json.dumps(asdict(recipe("released"))))
    assert about["held_out"]


@pytest.mark.slow
@pytest.mark.parametrize("killed_at", [("line", 9), ("checkpoint", 2)])
def test_a_killed_training_goes_on_to_the_same_losses(
    data: Path, embeddings: Path, uninterrupted: Path, tmp_path: Path, killed_at: tuple[str, int]
) -> None:
    command = [sys.executable, "-m", "tests.helpers.training_world", data, tmp_path, "released", *killed_at]
    killed = subprocess.run([str(part) for part in command], cwd=ROOT, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert not (tmp_path / files.WEIGHTS).exists()
    # Started again from other values: what goes on is the checkpoint, not these.
    train(network(), recipe(), config_of(data, tmp_path, embeddings))
    for name in (files.STEPS, files.EPOCHS, files.WEIGHTS):
        assert (tmp_path / name).read_bytes() == (uninterrupted / name).read_bytes(), name


def test_a_finished_training_is_not_run_again(data: Path, uninterrupted: Path, embeddings: Path) -> None:
    steps = (uninterrupted / files.STEPS).read_bytes()
    again = train(network(), recipe(), config_of(data, uninterrupted, embeddings))
    assert again.steps.read_bytes() == steps
    assert set(again.dice) == {SERVED, "many"}


def test_another_setting_does_not_go_on(data: Path, uninterrupted: Path, embeddings: Path) -> None:
    with pytest.raises(ValueError, match="another seed: 0, now 1"):
        train(network(), recipe(), config_of(data, uninterrupted, embeddings, seed=1))


def test_other_pictures_do_not_go_on(data: Path, uninterrupted: Path, embeddings: Path, tmp_path: Path) -> None:
    shutil.copytree(data, tmp_path / "data")
    next((tmp_path / "data" / "MANY" / "image").glob("*.png")).unlink()
    with pytest.raises(ValueError, match="other pictures"):
        train(network(), recipe(), config_of(tmp_path / "data", uninterrupted, embeddings))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["paper", "released"])
def test_mixed_precision_learns_what_full_precision_learns(
    data: Path, embeddings: Path, tmp_path: Path, name: str
) -> None:
    whole, half = (
        train(network(), recipe(name, epochs=1), config_of(data, tmp_path / kind, embeddings, precision=kind))
        for kind in ("fp32", "bf16")
    )
    full, mixed = lines_of(whole.steps), lines_of(half.steps)
    assert [line["batch"] for line in mixed] == [line["batch"] for line in full]
    assert mixed[0]["loss"] == pytest.approx(full[0]["loss"], rel=0.05) and mixed[0]["loss"] != full[0]["loss"]
    assert all(line["router_gradient"] > 0 for line in mixed)
    # PPT is asked with and without gradients in one pass, which must not cost it its own.
    before, after = network().state_dict(), load_file(half.weights)
    assert not torch.equal(after["mask_decoder.img_prompt_pool.query"], before["mask_decoder.img_prompt_pool.query"])
    assert {value.dtype for value in after.values()} <= {torch.float32, torch.int64}


def test_nan_stops_and_names_the_batch(
    data: Path, embeddings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = iter(range(1000))
    sound = losses.dice_loss

    def broken(targets: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
        return sound(targets, logits) * (torch.nan if next(calls) == 5 else 1)

    monkeypatch.setattr(losses, "dice_loss", broken)
    with pytest.raises(ValueError, match=r"the loss is nan in epoch 2, batch \d.*the state after epoch 1 is in"):
        train(network(), recipe("paper"), config_of(data, tmp_path, embeddings))
    report = json.loads((tmp_path / files.DIVERGED).read_text())
    assert len(report["images"]) == 4 and all(Path(image).is_file() for image in report["images"])
    assert report["last_gradients"]["router_gradient"] > 0
    kept = files.load_checkpoint(tmp_path)
    assert kept is not None and kept["epochs"] == 1
    assert all(bool(value.isfinite().all()) for value in kept["trained"].values())


def test_a_gradient_that_is_no_number_stops_before_it_is_learned_from(
    data: Path, embeddings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = iter(range(1000))
    sound = losses.dice_loss

    class Broken(torch.autograd.Function):
        @staticmethod
        def forward(context: Any, value: torch.Tensor) -> torch.Tensor:
            return value.clone()

        @staticmethod
        def backward(context: Any, gradient: torch.Tensor) -> torch.Tensor:
            return gradient * torch.inf

    def steep(targets: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
        loss = sound(targets, logits)
        return Broken.apply(loss) if next(calls) == 5 else loss

    monkeypatch.setattr(losses, "dice_loss", steep)
    with pytest.raises(ValueError, match=r"the loss is 0\.\d+ in epoch 2.*last gradient (inf|nan)"):
        train(network(), recipe("paper"), config_of(data, tmp_path, embeddings))
    kept = files.load_checkpoint(tmp_path)
    assert kept is not None and all(bool(value.isfinite().all()) for value in kept["trained"].values())


def test_few_experts_cannot_draw_pseudo_masks(data: Path, tmp_path: Path, embeddings: Path) -> None:
    with pytest.raises(ValueError, match="num_experts is 3, but pseudo masks"):
        train(network(replace(CONFIG, num_experts=3)), recipe(), config_of(data, tmp_path, embeddings))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["paper", "released"])
def test_two_processes_descend_as_one(data: Path, embeddings: Path, tmp_path: Path, name: str) -> None:
    logs = []
    for devices in (1, 2):
        out = tmp_path / str(devices)
        trained = train(network(), recipe(name, epochs=1), config_of(data, out, embeddings, devices=devices))
        logs.append((lines_of(trained.steps), load_file(trained.weights), lines_of(trained.epochs)))
    (one, weights, dice), (two, weights_of_two, dice_of_two) = logs
    assert len(one) == len(two) > 2
    for line, line_of_two in zip(one, two, strict=True):
        assert line_of_two == pytest.approx(line, rel=2e-3, abs=1e-5)
    # The first step comes before any difference could add up.
    assert two[0] == pytest.approx(one[0], rel=1e-5, abs=1e-7)
    assert dice_of_two[0] == pytest.approx(dice[0], abs=0.02)
    for part in weights:
        np.testing.assert_allclose(weights_of_two[part], weights[part], rtol=0, atol=2e-3, err_msg=part)
