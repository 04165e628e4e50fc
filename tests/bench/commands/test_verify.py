"""`bench verify`: a reference is written and compared with."""

from pathlib import Path

import pytest

from bench.store.files import read_json
from tests.helpers.command_line import SQUARES, bench, one_line

pytestmark = pytest.mark.usefixtures("working_folder")


def test_verify_writes_and_compares(capsys):
    bench(capsys, *SQUARES)
    assert bench(capsys, "verify", "r", "--against", "ref.json", "--write")[0] == 0
    code, out, _ = bench(capsys, "verify", "r", "--against", "ref.json")
    assert code == 0 and "0 of 12 rows moved by more than 0.005 Dice" in out
    stored = read_json(Path("ref.json"))
    text = Path("ref.json").read_text().replace(str(stored["dice"]["box"]["squares | Bar | baseline/box"]), "0.9")
    Path("ref.json").write_text(text)
    code, out, _ = bench(capsys, "verify", "r", "--against", "ref.json")
    assert code == 1 and "squares | Bar | baseline/box: 0.9000" in out
    assert bench(capsys, "verify", "r", "--against", "absent.json")[0] == 2
    code, _, err = bench(capsys, "verify", "r", "--against", "r/run.json")
    assert code == 2 and "run.json is no reference, it has no dice" in one_line(err)
