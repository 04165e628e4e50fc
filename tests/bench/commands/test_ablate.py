"""`bench ablate`: what it refuses, and the ablation that trains nothing."""

from pathlib import Path

import pytest

from bench.cli import main


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["expert"], "unknown ablation expert; there are experts, queries, decoder, size"),
        (["experts", "--data", "{data}"], "--four must name the data sets"),
        (["experts", "--data", "{data}", "--four", "ct"], "no data set ct"),
    ],
)
def test_wrong_requests_are_said_in_a_line(two_data_sets, arguments, text, capsys):
    filled = [part.format(data=two_data_sets) for part in arguments]
    with pytest.raises(SystemExit) as stop:
        main(["ablate", *filled])
    assert stop.value.code == 2
    assert text in capsys.readouterr().err


def test_size_is_written_by_the_command(tmp_path: Path, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["ablate", "size", "--out", str(tmp_path)])
    assert stop.value.code == 0
    assert "17,563,776" in capsys.readouterr().out
    verdicts = (tmp_path / "verdicts.md").read_text().splitlines()
    assert [line.partition(":")[0] for line in verdicts] == ["size", "size"]
