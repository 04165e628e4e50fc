"""`bench ls`."""

import re

import pytest

from tests.helpers import layouts
from tests.helpers.command_line import SQUARES, bench

pytestmark = pytest.mark.usefixtures("working_folder")


def test_lists(capsys):
    _, out, _ = bench(capsys, "ls", "models")
    assert re.search(r"sam/vit_h .*641,090,608.*missing", out) and "needs none" in out
    for what, sign in {"datasets": "totalsegmentator-mri", "prompts": "box-jitter", "protocols": "segmote"}.items():
        assert sign in bench(capsys, "ls", what)[1]
    bench(capsys, *SQUARES)
    _, out, _ = bench(capsys, "ls", "runs", ".")
    assert re.search(r"^r +scored", out, re.M)


def test_ledger_of_everything(capsys):
    code, out, _ = bench(capsys, "ls", "ledger", "--models", "imis", "--datasets", "segthor,isles2022")
    assert code == 0 and "SAM-Med3D" in out and "likely" in out


@pytest.mark.parametrize(("more", "count"), [((), "0"), (("--follow-links",), "1")])
def test_data_sets_behind_links_are_counted_only_if_links_are_followed(tmp_path, capsys, more, count):
    layouts.folder(tmp_path / "other", layouts.square())
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked/set").symlink_to(tmp_path / "other")
    code, out, _ = bench(capsys, "ls", "datasets", "--data", tmp_path / "linked", *more)
    (row,) = [line for line in out.splitlines() if line.startswith("folder")]
    assert code == 0 and count in row.split()
