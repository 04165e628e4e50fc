import re

import pandas as pd
import pytest

from bench import cli
from bench.comparing.paper import ours
from bench.comparing.published import Outcome, cells, check_cells
from bench.errors import RunError
from tests.helpers.scored import write_scored


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_scored(tmp_path_factory.mktemp("runs") / "official")


def test_our_numbers_find_their_places_in_the_paper(run):
    found = ours([run])
    assert found.refused == [] and "protocol bench, prompt box, macro_class" in found.used[0]
    value = found.values["segthor", "heart", "sam/vit_b"]
    assert value.low < value.value < value.high and value.value == pytest.approx(75, abs=3)
    tested = {v.quote: v for v in check_cells(cells(), found.values) if v.outcome is not Outcome.UNTESTABLE}
    # 19 rows of Table 1 and 3 of Table 2, of which Ours was not run; Table 2 has 4 baselines without MedSAM and Huang
    assert len(tested) == 19 * 6 + 3 * 4
    assert tested["Table 1, ISLES, Ischemic Stroke Lesion, SAM"].outcome is Outcome.DIFFERS
    assert tested["Table 1, SegThor, Average, SAM"].outcome is Outcome.REPRODUCED
    assert "Table 2, IELES, Average, SAM" in tested


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"models": ("sam/mini",), "world": "phantom"}, "mini weights.*phantom data"),
        ({"models": ("sam/mini",)}, "mini weights"),
        ({"world": "phantom"}, "phantom data"),
        ({"allow_random": True}, "untrained weights"),
        ({"limit": 3}, "only the first 3 cases"),
        ({"prompts": ("click",)}, "no prompt box"),
        ({"models": ("baseline/box",)}, "none of the paper's models"),
        ({"names": ("totalsegmentator-ct",)}, "none of the paper's data sets"),
    ],
)
def test_what_is_not_comparable_is_refused_with_the_reason(tmp_path, changes, reason):
    small = {"models": ("sam/vit_b",), "names": ("segthor",), "patients": 2}
    found = ours([write_scored(tmp_path / "r", **(small | changes))])
    assert not found.values and not found.used
    assert re.search(reason, found.refused[0])


def test_one_patient_reproduces_nothing(tmp_path):
    found = ours([write_scored(tmp_path / "r", names=("segthor",), patients=1)])
    assert found.used and not found.values


def test_an_average_over_fewer_rows_is_not_the_papers(tmp_path):
    folder = write_scored(tmp_path / "r", names=("segthor",))
    records = pd.read_parquet(folder / "records.parquet")
    records[records["target"] != "heart"].to_parquet(folder / "records.parquet")
    found = ours([folder]).values
    assert ("segthor", "aorta", "sam/vit_b") in found and ("segthor", "average", "sam/vit_b") not in found


def test_two_runs_add_up_but_never_measure_the_same(tmp_path, run):
    other = write_scored(tmp_path / "ours", models=("segmote/released",), names=("segthor",))
    assert len(ours([run, other]).values) == len(ours([run]).values) + 5
    with pytest.raises(RunError, match=r"again; give one run"):
        ours([run, run])


def bench(capsys, *arguments):
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    return stop.value.code, *capsys.readouterr()


def test_the_command_prints_ours_beside_the_paper(capsys, run, tmp_path):
    mini = write_scored(tmp_path / "mini", models=("sam/mini",), names=("segthor",), patients=2, world="phantom")
    code, out, _ = bench(capsys, "paper", "--run", str(run), "--run", str(mini))
    assert code == 0
    assert f"{mini} is not comparable with the paper: mini weights" in out
    assert "reproduced within our interval" in " ".join(out.split()) and "Printed Dice (%) against ours" in out
    code, out, _ = bench(capsys, "paper", "--run", str(run), "--format", "csv")
    line = next(line for line in out.splitlines() if line.startswith('"value Table 1, SegThor, Average, SAM"'))
    assert line.count(",") > 8 and "reproduced" in line


def test_without_a_folder_the_command_says_so(capsys, tmp_path):
    code, _, err = bench(capsys, "paper", "--run", str(tmp_path))
    assert code == 2 and "is not a run folder" in err
