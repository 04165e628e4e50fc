"""`bench convert`: what a pickled weights file names, and what is refused."""

import os
from pathlib import Path

import pytest
import torch

from tests.helpers.command_line import bench, one_line

pytestmark = pytest.mark.usefixtures("working_folder")


def test_convert_says_what_the_pickle_names_and_asks(capsys, monkeypatch):
    layer = torch.nn.Linear(2, 2)
    torch.save({"model": layer.state_dict(), "optimizer": torch.optim.Adam(layer.parameters())}, "w.pth")
    monkeypatch.setattr("typer.confirm", lambda text: False)
    code, out, err = bench(capsys, "convert", "w.pth")
    assert code == 2 and "torch.optim.adam.Adam" in out and "confirm" in one_line(err)
    assert not Path("w.safetensors").exists()
    code, out, _ = bench(capsys, "convert", "w.pth", "--yes")
    assert code == 0 and out.endswith("w.safetensors\n") and Path("w.safetensors").exists()


def test_convert_refuses_a_malicious_file_even_with_yes(capsys):
    class Trap:
        def __reduce__(self):
            return os.system, ("touch sprung",)

    torch.save({"model": Trap()}, "w.pth")
    code, out, err = bench(capsys, "convert", "w.pth", "--yes")
    assert code == 2 and "system" in out and "Traceback" not in err
    assert not Path("sprung").exists()
