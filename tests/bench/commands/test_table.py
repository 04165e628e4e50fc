"""`bench table`: what it shows, in which formats, and which options it refuses."""

import pytest

from tests.helpers.command_line import SQUARES, bench
from tests.helpers.scored import write_scored


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_scored(tmp_path_factory.mktemp("runs") / "r", ("sam/vit_b", "medsam/vit_b"), ("segthor",), 3)


@pytest.fixture(scope="module")
def two_prompts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "r"
    return write_scored(folder, ("sam/vit_b", "sam-med2d/vit_b"), ("isles2022", "segthor"), prompts=("box", "click"))


@pytest.mark.parametrize(
    ("show", "there", "absent"),
    [
        ("scores", "Heart", "p (Holm)"),
        ("averages", "Average", "Heart"),
        ("comparison", "p (Holm)", "Heart"),
        ("prompts", "medsam/vit_b  box", "Heart"),
        ("ledger", "licence", "Heart"),
    ],
)
def test_each_kind_of_table(capsys, run, show, there, absent):
    code, out, _ = bench(capsys, "table", run, "--show", show)
    assert code == 0 and there in out and absent not in out


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--reference", "sam"), "--reference has no meaning for --show scores; it belongs to --show comparison"),
        (
            ("--show", "ledger", "--metric", "iou"),
            "--metric has no meaning for --show ledger; it belongs to --show scores",
        ),
        (("--show", "prompts", "--round", 1), "--round has no meaning for --show prompts"),
        (("--show", "comparison", "--no-intervals"), "--no-intervals has no meaning for --show comparison"),
        (("--show", "everything"), "Invalid value for '--show'"),
        (("--aggregation", "median"), "Invalid value for '--aggregation'"),
    ],
)
def test_what_a_table_would_ignore_is_refused(capsys, run, arguments, text):
    code, _, err = bench(capsys, "table", run, *arguments)
    assert code == 2 and text in err and err.count("bench: ") == 1


def test_the_command_prints_the_comparison(capsys, two_prompts):
    code, out, _ = bench(capsys, "table", two_prompts, "--show", "comparison", "--reference", "sam")
    assert code == 0 and "Reference: sam/vit_b." in out and "p (Holm)" in out
    code, _, err = bench(capsys, "table", two_prompts, "--show", "comparison", "--reference", "medsam")
    assert code == 2 and "no model 'medsam'; it has sam/vit_b" in err
    code, _, err = bench(capsys, "table", two_prompts, "--reference", "sam")
    assert code == 2 and "--show comparison" in err


def test_other_metrics_by_name(capsys, two_prompts):
    code, out, _ = bench(capsys, "table", two_prompts, "--metric", "hd95", "--show", "averages", "--format", "csv")
    assert code == 0 and ",hd95,10." in out
    code, _, err = bench(capsys, "table", two_prompts, "--metric", "iou")
    assert code == 2 and "no metric 'iou'; it has dice, hd95" in err
    code, _, err = bench(capsys, "table", two_prompts, "--metric", "jaccard")
    assert code == 2 and "unknown metric 'jaccard'" in err


def test_marks_of_the_ledger_stand_beside_the_scores(capsys, two_prompts):
    _, out, _ = bench(capsys, "table", two_prompts)
    lesion = next(line for line in out.splitlines() if "Ischemic" in line)
    assert lesion.count("§") == 1 and lesion.rstrip().endswith("§")
    assert "§: the weights were trained on this data set" in out
    _, out, _ = bench(capsys, "table", two_prompts, "--show", "ledger")
    assert "SA-Med2D-20M holds" in out and "SA-1B" in out


def test_intervals_can_be_left_out(capsys, two_prompts):
    assert "[7" in bench(capsys, "table", two_prompts)[1]
    assert "[7" not in bench(capsys, "table", two_prompts, "--no-intervals")[1]


@pytest.mark.usefixtures("working_folder")
def test_table_in_every_format(capsys):
    bench(capsys, *SQUARES)
    for style, sign in {"console": "---", "csv": "dataset,class", "md": "| data set", "tex": r"\toprule"}.items():
        code, out, _ = bench(capsys, "table", "r", "--format", style)
        assert code == 0 and sign in out
    assert bench(capsys, "table", "r", "--format", "pdf")[0] == 2
    assert "no round 3" in bench(capsys, "table", "r", "--round", "3")[2]
    _, summary, _ = bench(capsys, "table", "r", "--show", "averages", "--aggregation", "volume")
    assert "Square" not in summary and "Average" in summary
