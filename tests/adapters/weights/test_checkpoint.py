"""Weights files of every layout, and those that do not fit."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

import adapters
from adapters.weights import checkpoint


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
