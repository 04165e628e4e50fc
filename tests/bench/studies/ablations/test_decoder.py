"""A whole ablation, trained once."""

import pandas as pd
import pytest

from bench.studies.ablations import decoder, training
from bench.studies.ablations.output import write


@pytest.mark.slow
def test_ablations_are_trained_tested_and_written_once(setting, tmp_path, monkeypatch):
    made = decoder.ablate(setting, jobs=1)
    assert set(made.numbers["variant"]) == {"frozen", "tuned"}
    assert set(made.numbers["seeds"]) == {3}
    assert {path.suffix for path in write(made, tmp_path)} == {".csv", ".md", ".tex", ".png", ".pdf"}
    assert "paper: tuned" in (tmp_path / "decoder.md").read_text()
    monkeypatch.setattr(training, "train", lambda *_: pytest.fail("trained again"))
    again = decoder.ablate(setting, jobs=1)
    pd.testing.assert_frame_equal(made.numbers, again.numbers)
