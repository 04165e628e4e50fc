"""`bench check`; and `bench convert` on the same damaged files: a sentence and an exit code, never a traceback."""

import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tests.helpers.command_line import bench

State = dict[str, torch.Tensor]


def sound() -> State:
    return {"a.weight": torch.linspace(-1, 1, 12).reshape(3, 4), "a.bias": torch.ones(3)}


def spoilt(value: float) -> State:
    state = sound()
    state["a.bias"][1] = value
    return state


def cut(path: Path) -> None:
    save_file(sound(), path)
    path.write_bytes(path.read_bytes()[:-20])


def cut_in_the_header(path: Path) -> None:
    save_file(sound(), path)
    path.write_bytes(path.read_bytes()[:40])


def lying_header(path: Path) -> None:
    save_file(sound(), path)
    path.write_bytes(struct.pack("<Q", 2**40) + path.read_bytes()[8:])


def lying_offsets(path: Path) -> None:
    save_file(sound(), path)
    path.write_bytes(path.read_bytes().replace(b"[3,4]", b"[3,9]"))


def page(path: Path) -> None:
    path.write_text("<!DOCTYPE html><title>Quota exceeded</title>")


def cut_archive(path: Path) -> None:
    torch.save(sound(), path)
    path.write_bytes(path.read_bytes()[:-200])


DAMAGED: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "cut": ("w.safetensors", cut, "is cut off, damaged or no weights file"),
    "cut in the header": ("w.safetensors", cut_in_the_header, "is cut off, damaged or no weights file"),
    "length of the header lies": ("w.safetensors", lying_header, "is cut off, damaged or no weights file"),
    "shape of a tensor lies": ("w.safetensors", lying_offsets, "is cut off, damaged or no weights file"),
    "empty": ("w.safetensors", lambda path: path.write_bytes(b""), "is cut off, damaged or no weights file"),
    "NaN": ("w.safetensors", lambda path: save_file(spoilt(torch.nan), path), "1 tensors with NaN or infinite values"),
    "infinity": ("w.pth", lambda path: torch.save(spoilt(torch.inf), path), "1 tensors with NaN or infinite values"),
    "a page instead of a file": ("w.pth", page, "damaged"),
    "cut archive": ("w.pth", cut_archive, "damaged"),
}


def said_by(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    """Exit code, and all that was printed, in one line."""
    code, out, err = bench(capsys, *arguments)
    return code, " ".join((out + err).split())


@pytest.mark.parametrize(("name", "write", "text"), DAMAGED.values(), ids=DAMAGED)
def test_check_weights_says_what_is_damaged_and_exits_with_1(tmp_path, capsys, name, write, text):
    write(tmp_path / name)
    code, said = said_by(capsys, "check", "weights", "--weights", tmp_path)
    assert code == 1
    assert f"{name} damaged: " in said and text in said and "Traceback" not in said


@pytest.mark.parametrize(("name", "write", "text"), DAMAGED.values(), ids=DAMAGED)
def test_convert_refuses_damaged_files_in_a_sentence(tmp_path, capsys, name, write, text):
    write(tmp_path / name)
    before = (tmp_path / name).read_bytes()
    code, said = said_by(capsys, "convert", tmp_path / name, tmp_path / "out.safetensors", "--yes")
    assert code == 2
    assert text in said and "Traceback" not in said
    assert [path.name for path in tmp_path.iterdir()] == [name] and (tmp_path / name).read_bytes() == before


def test_check_weights_exits_with_0_where_files_are_sound(tmp_path, capsys):
    save_file(sound(), tmp_path / "bare.safetensors")
    layer = torch.nn.Linear(2, 2)
    torch.save({"model": layer.state_dict(), "optimizer": torch.optim.Adam(layer.parameters())}, tmp_path / "all.pth")
    code, said = said_by(capsys, "check", "weights", "--weights", tmp_path)
    assert code == 0
    assert "bare.safetensors readable, not in the catalogue" in said
    assert "all.pth a pickle, not in the catalogue; `bench convert" in said


def test_convert_keeps_the_tensors_of_safetensors_and_never_writes_over_them(tmp_path, capsys):
    path = tmp_path / "w.safetensors"
    save_file({f"module.{key}": value for key, value in sound().items()}, path)
    before = path.read_bytes()
    code, said = said_by(capsys, "convert", path, "--yes")
    assert code == 2 and "is the file to be converted" in said and path.read_bytes() == before
    code, _ = said_by(capsys, "convert", path, tmp_path / "bare.safetensors", "--yes")
    assert code == 0 and (tmp_path / "bare.safetensors").is_file()


@pytest.mark.usefixtures("working_folder")
def test_check_data_lists_what_is_wrong(capsys):
    code, out, _ = bench(capsys, "check", "data", "--data", "data", "--datasets", "squares")
    assert code == 1 and "CRC check failed" in out and "no mask" in out
