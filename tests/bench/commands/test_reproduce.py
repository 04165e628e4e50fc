"""`bench reproduce segmote` as a user runs it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from bench.studies.ablations import experts
from bench.studies.reproduction import parts, steps
from tests.helpers import curation
from tests.helpers.command_line import bench, one_line


def test_without_weights_the_rest_is_done_and_what_is_missing_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(8):
        curation.add(tmp_path / "data", f"P{number:02}_1", *curation.picture(number))
    command = ("reproduce", "segmote", "--data", tmp_path / "data", "--weights", tmp_path / "weights")
    command += ("--out", tmp_path / "out", "--quick", "--jobs", "1")
    code, out, err = bench(capsys, *command)
    assert code == 1, err
    assert "curated-set: done" in out and "held-out: done" in out and "table-3: done" in out
    assert "training: missing (weights: imis/vit_b" in out
    assert "figure-6a: missing (needs training)" in out
    assert "table-1: missing (data: none of isles2022" in out
    text = (tmp_path / "out/report.md").read_text()
    assert "data not found: CHAOS (T1); data not found: CHAOS (T2)" in text and "IMISNet-B.pth" in text
    assert "THIS WAS QUICK" in text and "MINI WORLD" not in text
    again, out, _ = bench(capsys, *command)
    assert again == 1 and "curated-set: done before" in out and "training: missing" in out
    code, _, err = bench(capsys, *command[:-3], "--jobs", "1")
    assert (code, "other quick" in one_line(err)) == (2, True)


@pytest.mark.slow
def test_the_whole_programme_in_the_mini_world(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ("reproduce", "segmote", "--out", tmp_path / "out", "--quick", "--jobs", "2")
    names = [step.name for step in steps.STEPS]
    monkeypatch.setattr(experts, "ACTIVE", (1,))
    monkeypatch.setattr(parts, "models", lambda programme: ("baseline/ellipse", "imis/mini"))

    def stop(report: object, out: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:  # the first ablation is trained and tested, but not written any more
        patch.setattr(parts.ablation_output, "write", stop)
        code, out, err = bench(capsys, *command)
    assert code == 130 and "run the same command again to resume" in one_line(err)
    assert out.count(": done\n") == (before := names.index("table-2"))
    code, out, err = bench(capsys, *command)
    assert code == 0, err
    assert out.count(": done before\n") == before and out.count(": done\n") == len(names) - before
    text = (tmp_path / "out/report.md").read_text()
    assert "Every step is done." in text and "THIS WAS QUICK" in text
    for name in ("figures/figure5", "inside/figure4", "ablations/decoder", "inside/routing-token", "inside/experts"):
        assert f"({name}.png)" in text
        assert np.asarray(Image.open(tmp_path / f"out/{name}.png")).std() > 5
        assert (tmp_path / f"out/{name}.pdf").exists()
    found = pd.read_csv(tmp_path / "out/numbers.csv")
    measured = found[found["ours"].notna()].groupby("item").size()
    assert set(measured.index) == {"Table 1", "Table 2", "Table 4", "Figure 5"}
    assert found["source"].dropna().str.contains("phantom").all()
    code, out, err = bench(capsys, *command)
    assert code == 0 and out.count(": done before") == len(names), err
