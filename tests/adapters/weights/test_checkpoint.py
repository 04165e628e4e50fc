import json
import struct

import pytest
import torch
from safetensors.torch import save_file

from adapters.weights.checkpoint import WRAPPERS, DamagedWeights, bare_state, check, fill


@pytest.fixture
def network():
    return torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))


def prefixed(state, prefix):
    return {prefix + key: value for key, value in state.items()}


PREFIXES = ("", "module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module.", "module.module.")


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("wrapper", [(), ("state_dict",), ("model",), ("model_state_dict",), ("model", "state_dict")])
def test_wrappers_and_prefixes_come_off_in_any_combination(network, tmp_path, prefix, wrapper):
    content = prefixed({key: value + 1 for key, value in network.state_dict().items()}, prefix)
    for name in reversed(wrapper):
        content = {name: content, "epoch": 3}
    torch.save(content, tmp_path / "x.pth")
    before = {key: value.clone() for key, value in network.state_dict().items()}
    fill(network, tmp_path / "x.pth")
    assert all(torch.equal(value, before[key] + 1) for key, value in network.state_dict().items())


def test_two_keys_that_become_one_are_refused(network, tmp_path):
    state = dict(network.state_dict())
    with pytest.raises(ValueError, match="name the same tensor"):
        bare_state(state | prefixed(state, "module."), tmp_path)


@pytest.mark.parametrize("content", [[1], {"state_dict": 1}, {"a": [1]}, {1: torch.ones(1)}, "text", None])
def test_something_else_has_no_state_dict(content, tmp_path):
    with pytest.raises(ValueError, match="holds no state dict"):
        bare_state(content, tmp_path)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_tensor_that_is_not_finite_is_refused_by_its_name(network, tmp_path, value):
    state = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    state["0.weight"][1, 2] = value
    for name in ("x.pth", "x.safetensors"):
        save_file(state, tmp_path / name) if name.endswith("safetensors") else torch.save(state, tmp_path / name)
        with pytest.raises(DamagedWeights, match=r"1 tensors with NaN or infinite values: 0\.weight"):
            fill(network, tmp_path / name)
        with pytest.raises(DamagedWeights, match=r"0\.weight"):
            check(tmp_path / name)


@pytest.mark.parametrize("name", ["x.pth", "x.safetensors"])
@pytest.mark.parametrize("keep", [0, 7, 100, 0.5, 0.99])
def test_a_cut_file_gets_a_sentence(network, tmp_path, name, keep):
    path = tmp_path / name
    state = network.state_dict()
    save_file(state, path) if name.endswith("safetensors") else torch.save(state, path)
    raw = path.read_bytes()
    path.write_bytes(raw[: keep if keep > 1 else int(len(raw) * keep)])
    with pytest.raises(ValueError, match=rf"{name}.*"):
        fill(network, path)


def test_a_header_that_asks_for_more_than_there_is(network, tmp_path):
    header = json.dumps({"a": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}).encode()
    (tmp_path / "x.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + b"1234")
    with pytest.raises(DamagedWeights, match="cut off, damaged or no weights file"):
        check(tmp_path / "x.safetensors")


def test_the_table_of_wrappers_is_what_the_message_names(tmp_path):
    with pytest.raises(ValueError) as caught:
        bare_state({}, tmp_path) or bare_state([], tmp_path)
    assert all(name in str(caught.value) for name in WRAPPERS)
