import hashlib
from pathlib import Path

import numpy as np

from bench import protocols
from bench.data import catalogue
from bench.data.curation.quality import image_quality
from bench.data.curation.scan import scan
from tests.helpers.curation import add, picture
from tests.helpers.layouts import corner, nnunet

PROTOCOL = protocols.load("segmote")


def test_a_volume_has_a_row_for_each_mask_of_each_slice(tmp_path: Path) -> None:
    label = corner()
    label[4:, 4:, 1:4] = 2
    nnunet(tmp_path, {"background": 0, "liver": 1, "spleen": 2}, label=label)
    (item,), _ = catalogue.index("nnunet", tmp_path, None)
    found = scan(item, PROTOCOL)
    assert [(row["slice"], row["target"]) for row in found.rows] == [
        (1, "liver"), (1, "spleen"), (2, "spleen"), (3, "spleen"),
    ]  # fmt: skip
    assert found.rows[0]["foreground_ratio"] == 6 / 42
    assert found.rows[0]["pixels_sha256"] == found.rows[1]["pixels_sha256"] != found.rows[2]["pixels_sha256"]
    told = "".join(f"{role} {hashlib.sha256(path.read_bytes()).hexdigest()}\n" for role, path in item.files.items())
    assert found.rows[0]["source_sha256"] == hashlib.sha256(told.encode()).hexdigest()


def test_a_picture_is_judged_as_it_is_stored(tmp_path: Path) -> None:
    image, mask = picture(1)
    add(tmp_path, "P1_1", image, mask)
    (item,), _ = catalogue.index("folder", tmp_path, None)
    (row,) = scan(item, PROTOCOL).rows
    assert row["clarity"] == image_quality(image).clarity
    assert (row["height"], row["width"], row["person"], row["source"]) == (64, 64, "p1", "images/P1_1.png")


def test_what_cannot_be_read_is_a_defect(tmp_path: Path) -> None:
    add(tmp_path, "P1_1", *picture(1))
    (tmp_path / "masks/P1_1.png").write_bytes(b"no picture")
    (item,), _ = catalogue.index("folder", tmp_path, None)
    (defect,) = scan(item, PROTOCOL).defects
    assert (defect.kind, defect.case) == ("failed", "P1_1")
    assert "masks/P1_1.png" in defect.reason
    add(tmp_path, "P1_1", picture(1)[0], np.zeros((64, 64)))
    assert scan(item, PROTOCOL).defects[0].kind == "skipped"
