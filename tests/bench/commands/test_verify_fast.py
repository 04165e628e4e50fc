"""`bench verify-fast`."""

from bench.reporting.page.page import facts
from bench.store.files import read_json
from bench.store.run_folder import certificate_path
from tests.helpers import runs
from tests.helpers.command_line import bench


def test_the_command_leaves_a_certificate_that_the_report_shows(tmp_path, capsys):
    code, out, _ = bench(capsys, "verify-fast", "sam/mini", "--pictures", 2, "--out", tmp_path)
    stored = read_json(certificate_path(tmp_path))
    assert code == (0 if stored["passed"] else 1)
    assert stored["summary"]["sam/mini"] in out
    shown = dict(facts(runs.facts(out=tmp_path)))
    assert shown["Faster arithmetic against the published one"] == list(stored["summary"].items())
    certificate_path(tmp_path).unlink()
    assert "Faster arithmetic against the published one" not in dict(facts(runs.facts(out=tmp_path)))
