"""Weights files of every layout, and those that do not fit."""

import json
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

import adapters
from adapters.weights import checkpoint
from adapters.weights.checkpoint import WRAPPERS, DamagedWeights, bare_state, check, fill


def network() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Linear(3, 1))


def filled(path: Path) -> dict[str, torch.Tensor]:
    other = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Linear(3, 1))
    checkpoint.fill(other, path)
    return other.state_dict()


def assert_loaded(path: Path) -> None:
    for key, value in network().state_dict().items():
        torch.testing.assert_close(filled(path)[key], value, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("wrapped", [False, True])
def test_bare_wrapped_and_training_files_load(tmp_path: Path, prefix: str, wrapped: bool) -> None:
    net = network()
    state: dict[str, Any] = {prefix + key: value for key, value in net.state_dict().items()}
    optimizer = torch.optim.AdamW(net.parameters()).state_dict()
    content = {"model": state, "optimizer": optimizer, "epoch": 3} if wrapped else state
    torch.save(content, tmp_path / "weights.pth")
    assert_loaded(tmp_path / "weights.pth")


def test_half_precision_safetensors_load_as_float32(tmp_path: Path) -> None:
    save_file({key: value.half() for key, value in network().state_dict().items()}, tmp_path / "w.safetensors")
    assert_loaded(tmp_path / "w.safetensors")
    assert all(value.dtype == torch.float32 for value in filled(tmp_path / "w.safetensors").values())


def test_every_kind_of_wrong_key_is_named(tmp_path: Path) -> None:
    state = network().state_dict()
    state["extra.weight"] = state.pop("0.bias")
    state["1.weight"] = torch.zeros(1, 4)
    torch.save(state, tmp_path / "weights.pth")
    with pytest.raises(ValueError, match="does not fit") as caught:
        filled(tmp_path / "weights.pth")
    for part in ("1 missing: 0.bias", "1 unexpected: extra.weight", "1 wrong shape: 1.weight (1, 4) for (1, 3)"):
        assert part in str(caught.value)


def test_long_lists_of_keys_are_shortened(tmp_path: Path) -> None:
    torch.save({f"key{n}": torch.zeros(1) for n in range(100)}, tmp_path / "weights.pth")
    with pytest.raises(ValueError, match=r"100 unexpected: key0, .* and 95 more"):
        filled(tmp_path / "weights.pth")


def test_a_file_that_needs_unpickling_is_refused(tmp_path: Path) -> None:
    content = {"model": network().state_dict(), "optimizer": torch.optim.Adam(network().parameters())}
    torch.save(content, tmp_path / "weights.pth")
    with pytest.raises(ValueError, match=r"weights\.pth holds more than plain tensors.*refused"):
        filled(tmp_path / "weights.pth")


@pytest.mark.parametrize("name", ["weights.pth", "weights.safetensors"])
@pytest.mark.parametrize("content", [b"", b"<html>Google Drive</html>", b"PK\x03\x04 cut off"])
def test_a_damaged_file_is_named(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=name.replace(".", r"\.")):
        filled(tmp_path / name)


@pytest.mark.parametrize("content", [[1, 2], {"epoch": 3}, {"model": {"a": 1}}])
def test_a_file_without_a_state_dict(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "weights.pth")
    with pytest.raises(ValueError, match="no state dict"):
        filled(tmp_path / "weights.pth")


@pytest.mark.parametrize("name", ["sam/mini", "sam2/mini", "medsam/mini", "huang/mini"])
def test_load_takes_a_file(tmp_path: Path, name: str) -> None:
    state = adapters.load(name, weights="random").network.state_dict()
    torch.save({"model": state}, tmp_path / "mine.pt")
    loaded = adapters.load(name, weights=tmp_path / "mine.pt").network.state_dict()
    assert all(torch.equal(loaded[key], value) for key, value in state.items())


def test_load_does_not_mix_up_families(tmp_path: Path) -> None:
    torch.save(adapters.load("sam/mini", weights="random").network.state_dict(), tmp_path / "sam.pt")
    with pytest.raises(ValueError, match="does not fit this network"):
        adapters.load("sam2/mini", weights=tmp_path / "sam.pt")


@pytest.fixture
def trainee():
    return torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))


def prefixed(state, prefix):
    return {prefix + key: value for key, value in state.items()}


PREFIXES = ("", "module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module.", "module.module.")


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("wrapper", [(), ("state_dict",), ("model",), ("model_state_dict",), ("model", "state_dict")])
def test_wrappers_and_prefixes_come_off_in_any_combination(trainee, tmp_path, prefix, wrapper):
    content = prefixed({key: value + 1 for key, value in trainee.state_dict().items()}, prefix)
    for name in reversed(wrapper):
        content = {name: content, "epoch": 3}
    torch.save(content, tmp_path / "x.pth")
    before = {key: value.clone() for key, value in trainee.state_dict().items()}
    fill(trainee, tmp_path / "x.pth")
    assert all(torch.equal(value, before[key] + 1) for key, value in trainee.state_dict().items())


def test_two_keys_that_become_one_are_refused(trainee, tmp_path):
    state = dict(trainee.state_dict())
    with pytest.raises(ValueError, match="name the same tensor"):
        bare_state(state | prefixed(state, "module."), tmp_path)


@pytest.mark.parametrize("content", [[1], {"state_dict": 1}, {"a": [1]}, {1: torch.ones(1)}, "text", None])
def test_something_else_has_no_state_dict(content, tmp_path):
    with pytest.raises(ValueError, match="holds no state dict"):
        bare_state(content, tmp_path)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_tensor_that_is_not_finite_is_refused_by_its_name(trainee, tmp_path, value):
    state = {key: tensor.clone() for key, tensor in trainee.state_dict().items()}
    state["0.weight"][1, 2] = value
    for name in ("x.pth", "x.safetensors"):
        save_file(state, tmp_path / name) if name.endswith("safetensors") else torch.save(state, tmp_path / name)
        with pytest.raises(DamagedWeights, match=r"1 tensors with NaN or infinite values: 0\.weight"):
            fill(trainee, tmp_path / name)
        with pytest.raises(DamagedWeights, match=r"0\.weight"):
            check(tmp_path / name)


@pytest.mark.parametrize("name", ["x.pth", "x.safetensors"])
@pytest.mark.parametrize("keep", [0, 7, 100, 0.5, 0.99])
def test_a_cut_file_gets_a_sentence(trainee, tmp_path, name, keep):
    path = tmp_path / name
    state = trainee.state_dict()
    save_file(state, path) if name.endswith("safetensors") else torch.save(state, path)
    raw = path.read_bytes()
    path.write_bytes(raw[: keep if keep > 1 else int(len(raw) * keep)])
    with pytest.raises(ValueError, match=rf"{name}.*"):
        fill(trainee, path)


def test_a_header_that_asks_for_more_than_there_is(trainee, tmp_path):
    header = json.dumps({"a": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}).encode()
    (tmp_path / "x.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + b"1234")
    with pytest.raises(DamagedWeights, match="cut off, damaged or no weights file"):
        check(tmp_path / "x.safetensors")


def test_the_table_of_wrappers_is_what_the_message_names(tmp_path):
    with pytest.raises(ValueError, match="holds no state dict") as caught:
        bare_state([], tmp_path)
    assert all(name in str(caught.value) for name in WRAPPERS)
