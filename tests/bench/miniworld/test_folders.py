"""The mini world on disk."""

import pooch
import pytest

from bench.miniworld import folders
from bench.miniworld.phantoms import medseg_hq, zero_shot
from bench.miniworld.training.varied_samples import varied


@pytest.fixture
def drawn(monkeypatch, tmp_path):
    """Which phantoms were drawn, in a cache of its own."""
    made = []

    def write(root, **chosen):
        made.append(chosen)
        (root / "phantom").touch()

    monkeypatch.setattr(pooch, "os_cache", lambda name: tmp_path / name)
    monkeypatch.setattr(zero_shot, "write_zero_shot", write)
    monkeypatch.setattr(medseg_hq, "write_medseg_hq", write)
    return made


def test_phantoms_are_drawn_once_for_each_seed(drawn):
    one, again, other = folders.phantom_data(), folders.phantom_data(), folders.phantom_data(1)
    assert one == again != other and (one / "phantom").is_file()
    assert drawn == [{"seed": 0}, {"seed": 1}]


def test_training_data_of_another_size_have_a_folder_of_their_own(drawn):
    assert folders.training_data(6) != folders.training_data(12)
    assert drawn == [{"seed": 0, "images": 6}, {"seed": 0, "images": 12}]


def test_varied_training_data_have_a_folder_of_their_own(drawn):
    assert folders.varied_training_data(6) != folders.training_data(6)
    assert drawn == [{"seed": 0, "images": 6, "vary": varied}, {"seed": 0, "images": 6}]


def test_an_interrupted_drawing_leaves_nothing(drawn, monkeypatch, tmp_path):
    def stopped(root, **chosen):
        (root / "half").touch()
        raise KeyboardInterrupt

    monkeypatch.setattr(zero_shot, "write_zero_shot", stopped)
    with pytest.raises(KeyboardInterrupt):
        folders.phantom_data()
    assert list((tmp_path / "segmote-bench").iterdir()) == []
