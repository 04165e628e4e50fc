"""`bench export`."""

from pathlib import Path

import pytest

from bench.commands.export import ExportFormat
from bench.reporting.export import FORMATS
from tests.helpers.command_line import SQUARES, bench, one_line

pytestmark = pytest.mark.usefixtures("working_folder")


def test_every_format_has_its_word():
    assert ExportFormat.__args__ == tuple(FORMATS)


def test_an_export_lies_in_the_run_folder_and_is_never_mixed(capsys):
    bench(capsys, *SQUARES)
    code, out, _ = bench(capsys, "export", "r", "--format", "nnunet")
    assert code == 0 and "files in r/export/nnunet" in out
    assert Path("r/export/nnunet/fake--good/box/squares/c0.nii.gz").is_file()
    code, _, err = bench(capsys, "export", "r", "--format", "nnunet")
    assert code == 2 and "not empty" in one_line(err)
    code, out, _ = bench(capsys, "export", "r", "--format", "grand-challenge", "--out", "gc")
    assert code == 0 and Path("gc/fake--good/box/metrics.json").is_file()
