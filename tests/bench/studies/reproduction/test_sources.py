"""The phantom sources: some of their pictures are spoiled, and no mask is."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.miniworld.phantoms import medseg_hq
from bench.miniworld.phantoms.sample import TrainingSample
from bench.studies.reproduction.sources import SEED, SPOILED_SHARE, spoiled, write_sources


def test_a_share_of_the_pictures_is_spoiled_in_three_ways() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (32, 32)).astype(np.uint8)
    sample = TrainingSample(image, {"a": image > 100}, "CT")
    made = [spoiled(sample, rng) for _ in range(400)]
    bad = [one for one in made if one is not sample]
    assert 0.5 * SPOILED_SHARE < len(bad) / len(made) < 2 * SPOILED_SHARE
    assert all(one.masks is sample.masks for one in made)
    spread = [float(one.image.std()) for one in bad]
    assert min(spread) < 0.3 * image.std() and max(spread) > image.std()


def test_they_are_written_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(medseg_hq, "CODES", {"XRAY": "X-ray"})
    write_sources(tmp_path / "new/sources", 12)
    medseg_hq.write_medseg_hq(tmp_path / "sound", SEED, 12)
    names = sorted(path.name for path in (tmp_path / "new/sources/XRAY/image").iterdir())
    assert len(names) == 12

    def differs(name: str) -> bool:
        pair = (Image.open(folder / f"XRAY/image/{name}") for folder in (tmp_path / "new/sources", tmp_path / "sound"))
        return not np.array_equal(*map(np.asarray, pair))

    assert 0 < sum(map(differs, names)) < 12
    (tmp_path / "new/sources/XRAY/image" / names[0]).write_text("mine")
    write_sources(tmp_path / "new/sources", 12)
    assert (tmp_path / "new/sources/XRAY/image" / names[0]).read_text() == "mine"
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["sources"]
