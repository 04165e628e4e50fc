"""The state of weights files, and what a download fetches."""

import pytest
import torch
from safetensors.torch import save_file

from adapters.weights.catalogue import CATALOGUE
from bench.commands.weights import damage, downloads, weights_state, weights_states
from bench.errors import RunError


def test_each_model_has_a_state(tmp_path):
    (tmp_path / CATALOGUE["sam/vit_b"].file).write_bytes(b"something else")
    assert weights_state("sam/vit_b", tmp_path) == "checksum differs"
    assert weights_state("sam/vit_l", tmp_path) == "missing"
    assert weights_state("sam/mini", tmp_path) == "present (mini)"
    assert weights_state("baseline/box", tmp_path) == "needs none"


def test_files_beside_the_catalogue_are_listed_and_read(tmp_path):
    save_file({"a": torch.zeros(2)}, tmp_path / "mine.safetensors")
    (tmp_path / "broken.safetensors").write_bytes(b"\0" * 20)
    found = weights_states(tmp_path)
    assert found["mine.safetensors"] == "readable, not in the catalogue"
    assert found["broken.safetensors"].startswith("damaged: ")


def test_a_sound_file_has_no_damage(tmp_path):
    save_file({"a": torch.zeros(2)}, tmp_path / "w.safetensors")
    assert damage(tmp_path / "w.safetensors") == ""


def test_all_means_what_a_program_can_fetch():
    found = downloads(["all"])
    assert found == [entry for entry in CATALOGUE.values() if entry.url] and len(found) < len(CATALOGUE)
    assert [entry.name for entry in downloads(["sam", "medsam/vit_b"])] == ["sam/vit_b", "medsam/vit_b"]


def test_what_needs_no_download_is_said():
    with pytest.raises(RunError, match="sam/mini needs no download"):
        downloads(["sam/mini"])
    with pytest.raises(ValueError, match="unknown model"):
        downloads(["sum"])
