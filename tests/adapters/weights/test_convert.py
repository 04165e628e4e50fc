"""Checkpoints that need unpickling: named without running them, converted if harmless, refused otherwise."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from adapters import load
from adapters.families.sam_med2d import MINI, network
from adapters.weights.catalogue import locate
from adapters.weights.convert import convert, inspect

FORMATS = {"zip": True, "legacy": False}


class Malicious:
    """Creates a file when unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.target,)


class Shell(Malicious):
    """Runs a command when unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        import os  # noqa: PLC0415

        return os.system, (f"touch {self.target}",)


@pytest.fixture(scope="module")
def trained() -> tuple[torch.nn.Module, torch.optim.Adam]:
    """A network and its optimiser after one step, so that the optimiser has state."""
    net = network(MINI)
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-4)
    for parameter in net.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimiser.step()
    return net, optimiser


def save(content: Any, path: Path, zipped: bool = True) -> Path:
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    return path


@pytest.fixture
def official(trained: tuple[torch.nn.Module, torch.optim.Adam], tmp_path: Path) -> Path:
    """A file as SAM-Med2D's training script saves it: the whole optimiser, not its state dict."""
    net, optimiser = trained
    return save({"model": net.float().state_dict(), "optimizer": optimiser}, tmp_path / "sam-med2d_b.pth")


def test_inspect_names_the_imports_of_the_official_file(official: Path) -> None:
    found = inspect(official)
    assert {"torch.optim.adam.Adam", "collections.defaultdict", "torch._utils._rebuild_tensor_v2"} <= set(found)
    assert found == sorted(found)
    assert not [name for name in found if name.startswith(("os", "posix"))]


@pytest.mark.parametrize("zipped", FORMATS.values(), ids=FORMATS)
def test_converted_file_has_the_same_weights_and_loads(
    trained: tuple[torch.nn.Module, torch.optim.Adam], tmp_path: Path, zipped: bool
) -> None:
    net, optimiser = trained
    path = save({"model": net.state_dict(), "optimizer": optimiser}, tmp_path / "saved.pth", zipped)
    with pytest.raises(ValueError, match="more than plain tensors"):
        load("sam-med2d/mini", weights=path)
    out = convert(path, tmp_path / "new" / "bare.safetensors", confirmed=True)
    assert out == tmp_path / "new" / "bare.safetensors"
    assert [file.name for file in out.parent.iterdir()] == [out.name]
    state = load_file(out)
    assert state.keys() == net.state_dict().keys()
    loaded = load("sam-med2d/mini", weights=out).network.state_dict()
    for key, value in net.state_dict().items():
        assert torch.equal(state[key], value)
        assert torch.equal(loaded[key], value)


def test_converted_file_is_found_beside_the_official_one(official: Path) -> None:
    assert locate("sam-med2d/vit_b", official.parent) == official
    out = convert(official, official.with_suffix(".safetensors"), confirmed=True)
    assert locate("sam-med2d/vit_b", official.parent) == out


def test_nothing_is_converted_without_confirmation(official: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"confirm.*") as caught:
        convert(official, tmp_path / "bare.safetensors", confirmed=False)
    assert "torch.optim.adam.Adam" in str(caught.value)
    assert not (tmp_path / "bare.safetensors").exists()


def test_out_must_be_safetensors(official: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="safetensors"):
        convert(official, tmp_path / "bare.pth", confirmed=True)


def test_training_checkpoint_with_scores_and_counters(tmp_path: Path) -> None:
    content = {
        "model_state_dict": {"weight": torch.arange(4.0), "tied": torch.arange(4.0)},
        "epoch": 3,
        "best_dice": np.float64(0.9),
        "losses": [np.float32(1.5)],
        "curve": np.arange(3),
    }
    content["model_state_dict"]["tied"] = content["model_state_dict"]["weight"]
    path = save(content, tmp_path / "IMIS_latest.pth")
    state = load_file(convert(path, tmp_path / "imis.safetensors", confirmed=True))
    assert state["weight"].tolist() == state["tied"].tolist() == [0, 1, 2, 3]


def test_no_state_dict_inside(tmp_path: Path) -> None:
    path = save({"optimizer": torch.optim.Adam([torch.zeros(1, requires_grad=True)])}, tmp_path / "other.pth")
    with pytest.raises(ValueError, match="holds no state dict"):
        convert(path, tmp_path / "other.safetensors", confirmed=True)


def malicious_files(folder: Path, target: Path) -> list[Path]:
    """Torch archives in both formats, and plain pickles in every protocol; touching `target` when unpickled."""
    content = {"model": {"weight": torch.zeros(1)}, "optimizer": Malicious(target), "hook": Shell(target)}
    files = [save(content, folder / f"{name}.pth", zipped) for name, zipped in FORMATS.items()]
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        path = folder / f"protocol{protocol}.pth"
        path.write_bytes(pickle.dumps(Shell(target), protocol=protocol))
        files.append(path)
    return files


def test_malicious_files_would_work_if_they_were_unpickled(tmp_path: Path) -> None:
    """The other tests prove something only if the trap is real."""
    target = tmp_path / "touched"
    pickle.loads(pickle.dumps(Shell(target)))
    assert target.exists()


def test_malicious_files_are_refused_by_every_path(tmp_path: Path) -> None:
    target, out = tmp_path / "touched", tmp_path / "bare.safetensors"
    for path in malicious_files(tmp_path, target):
        assert any(name in ("posix.system", "nt.system") for name in inspect(path)), path
        with pytest.raises(ValueError, match=r"posix.system|nt.system"):
            convert(path, out, confirmed=False)
        with pytest.raises(ValueError, match="refused") as caught:
            convert(path, out, confirmed=True)
        assert "system" in str(caught.value)
        with pytest.raises(ValueError, match="refused"):
            load("sam-med2d/mini", weights=path)
        assert not target.exists()
        assert not out.exists()


@pytest.mark.parametrize(
    "name",
    ["builtins.eval", "builtins.getattr", "torch.optim.adam.Adam.__init__", "torch.load", "torch.hub.load"],
)
def test_names_beside_the_listed_ones_are_refused(tmp_path: Path, name: str) -> None:
    module, _, attribute = name.rpartition(".")
    path = tmp_path / "crafted.pth"
    legacy = [torch.serialization.MAGIC_NUMBER, torch.serialization.PROTOCOL_VERSION, {}]
    head = b"".join(pickle.dumps(value, protocol=2) for value in legacy)
    path.write_bytes(head + b"\x80\x02c" + f"{module}\n{attribute}\n".encode() + b"X\x01\x00\x00\x001\x85R.")
    assert name in inspect(path)
    with pytest.raises(ValueError, match="refused") as caught:
        convert(path, tmp_path / "bare.safetensors", confirmed=True)
    assert name in str(caught.value)


def test_conversion_leaves_the_ordinary_loader_as_strict_as_before(official: Path, tmp_path: Path) -> None:
    convert(official, tmp_path / "bare.safetensors", confirmed=True)
    with pytest.raises(ValueError, match="more than plain tensors"):
        load("sam-med2d/mini", weights=official)


@pytest.mark.parametrize("content", [b"", b"no pickle", b"PK\x03\x04 no archive", b"\x80\x02}q\x00."])
def test_damaged_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "damaged.pth"
    path.write_bytes(content)
    assert inspect(path) == []
    with pytest.raises(ValueError, match=r"refused|state dict"):
        convert(path, tmp_path / "bare.safetensors", confirmed=True)
    with pytest.raises(ValueError, match=r"no weights file|state dict"):
        load("sam-med2d/mini", weights=path)


def test_cut_archive_is_refused(official: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.pth"
    cut.write_bytes(official.read_bytes()[:-200])
    with pytest.raises(ValueError, match="refused"):
        convert(cut, tmp_path / "bare.safetensors", confirmed=True)


def test_torchscript_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "script.pth"
    torch.jit.script(torch.nn.Linear(1, 1)).save(path)
    with pytest.raises(ValueError, match=r"refused|holds no state dict"):
        convert(path, tmp_path / "bare.safetensors", confirmed=True)
