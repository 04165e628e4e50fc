import json

import pytest

from bench.comparing import reference
from bench.errors import RunError
from bench.running import run
from bench.store.files import read_json
from bench.store.run_folder import read_run
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


def test_verify_refuses_another_release_and_takes_references_of_older_versions(tmp_path):
    run.run(config(tmp_path / "r", world="real"))
    facts = read_run(tmp_path / "r")
    assert facts.data["squares"].release == ""
    reference.write_reference(tmp_path / "r", tmp_path / "ref.json")
    stored = read_json(tmp_path / "ref.json")
    stored["data"]["squares"] |= {"release": "v2", "labels_sha256": "other"}
    (tmp_path / "ref.json").write_text(json.dumps(stored))
    with pytest.raises(RunError, match=r"ref.json has squares v2 and .* has squares without a release"):
        reference.verify(tmp_path / "r", tmp_path / "ref.json")
    del stored["data"]
    (tmp_path / "ref.json").write_text(json.dumps(stored))
    assert reference.verify(tmp_path / "r", tmp_path / "ref.json") == []
