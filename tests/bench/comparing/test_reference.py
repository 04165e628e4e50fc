import json

import pytest

from bench.comparing import reference
from bench.errors import RunError
from bench.running import run
from bench.store.files import read_json
from tests.helpers.fakes import config

pytestmark = pytest.mark.usefixtures("registered", "without_figures")


def test_verify_names_the_rows_that_moved(tmp_path):
    run.run(config(tmp_path / "r"))
    reference.write_reference(tmp_path / "r", tmp_path / "ref.json")
    assert reference.verify(tmp_path / "r", tmp_path / "ref.json") == []
    stored = read_json(tmp_path / "ref.json")
    stored["dice"]["box"]["squares | Bar | baseline/box"] -= 0.02
    stored["dice"]["box"]["squares | Gone | baseline/box"] = 0.5
    (tmp_path / "ref.json").write_text(json.dumps(stored))
    moved = reference.verify(tmp_path / "r", tmp_path / "ref.json")
    assert len(moved) == 2 and "Bar | baseline/box: 0.9800 -> 1.0000 (+0.0200)" in moved[0]
    assert len(reference.verify(tmp_path / "r", tmp_path / "ref.json", tolerance=0.05)) == 1


def test_verify_refuses_another_protocol(tmp_path):
    run.run(config(tmp_path / "r"))
    reference.write_reference(tmp_path / "r", tmp_path / "ref.json")
    run.run(config(tmp_path / "s", protocol="segmote"))
    with pytest.raises(RunError, match="not comparable"):
        reference.verify(tmp_path / "s", tmp_path / "ref.json")
