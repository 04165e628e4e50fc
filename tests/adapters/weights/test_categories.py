import json
import os
import pickle

import numpy as np
import pytest
import torch
from safetensors import safe_open

from adapters.weights.convert import convert, inspect

WEIGHTS = np.linspace(0, 1, 512 * 3, dtype=np.float32).reshape(512, 3)
MAP = {"kidney_left": ["left kidney", "kidney"], "liver": ["liver", "liver"], "lung": ["lung  ", "lung"]}
INDEX = {"kidney": 0, "liver": 1, "lung": 2}


@pytest.fixture
def official(tmp_path):
    """A file in the format of IMIS-Bench's `categories_weight.pkl`."""
    path = tmp_path / "categories_weight.pkl"
    path.write_bytes(pickle.dumps([WEIGHTS, MAP, INDEX, {i: n for n, i in INDEX.items()}], protocol=4))
    return path


def test_table_becomes_safetensors_with_its_names(official, tmp_path):
    out = convert(official, tmp_path / "categories.safetensors", confirmed=True)
    with safe_open(out, "pt") as file:
        assert torch.equal(file.get_tensor("weights"), torch.from_numpy(WEIGHTS))
        texts = file.metadata()
    assert json.loads(texts["categories_map"]) == MAP and json.loads(texts["index_of_category"]) == INDEX
    assert json.loads(texts["category_of_index"]) == {"0": "kidney", "1": "liver", "2": "lung"}


def test_what_it_names_is_said_and_needs_confirmation(official, tmp_path):
    assert any("_reconstruct" in name for name in inspect(official))
    with pytest.raises(ValueError, match="confirm"):
        convert(official, tmp_path / "out.safetensors", confirmed=False)


class Trap:
    def __reduce__(self):
        return os.mkdir, ("sprung",)


@pytest.mark.parametrize("content", [[Trap(), MAP, INDEX, {}], [np.array([Trap()], object), MAP, INDEX, {}]])
def test_malicious_table_is_refused_though_confirmed(content, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "categories_weight.pkl"
    path.write_bytes(pickle.dumps(content, protocol=4))
    with pytest.raises(ValueError, match=r"refused.*mkdir"):
        convert(path, tmp_path / "out.safetensors", confirmed=True)
    assert not (tmp_path / "sprung").exists() and not (tmp_path / "out.safetensors").exists()


@pytest.mark.parametrize("content", [pickle.dumps({"a": 1}), pickle.dumps([1, 2, 3, 4]), b"\x80\x04garbage", b""])
def test_other_files_are_named_as_such(content, tmp_path):
    path = tmp_path / "other.pkl"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"other\.pkl is (refused|not a table)"):
        convert(path, tmp_path / "out.safetensors", confirmed=True)
