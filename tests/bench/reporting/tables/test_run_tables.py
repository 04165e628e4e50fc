import pytest

from bench import cli
from bench.errors import RunError
from bench.reporting import report
from bench.reporting.scored_run import read_scored_run
from bench.reporting.tables import run_tables
from tests.helpers.runs import score_table
from tests.helpers.scored import write_scored


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "r"
    return write_scored(folder, ("sam/vit_b", "sam-med2d/vit_b"), ("isles2022", "segthor"), prompts=("box", "click"))


def bench(capsys, *arguments):
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    return stop.value.code, *capsys.readouterr()


def test_the_command_prints_the_comparison(capsys, run):
    code, out, _ = bench(capsys, "table", str(run), "--show", "comparison", "--reference", "sam")
    assert code == 0 and "Reference: sam/vit_b." in out and "p (Holm)" in out
    code, _, err = bench(capsys, "table", str(run), "--show", "comparison", "--reference", "medsam")
    assert code == 2 and "no model 'medsam'; it has sam/vit_b" in err
    code, _, err = bench(capsys, "table", str(run), "--reference", "sam")
    assert code == 2 and "--show comparison" in err


def test_other_metrics_by_name(capsys, run):
    code, out, _ = bench(capsys, "table", str(run), "--metric", "hd95", "--show", "averages", "--format", "csv")
    assert code == 0 and ",hd95,10." in out
    code, _, err = bench(capsys, "table", str(run), "--metric", "iou")
    assert code == 2 and "no metric 'iou'; it has dice, hd95" in err
    code, _, err = bench(capsys, "table", str(run), "--metric", "jaccard")
    assert code == 2 and "unknown metric 'jaccard'" in err


def test_averages_by_prompt_have_a_column_a_data_set(capsys, run):
    code, out, _ = bench(capsys, "table", str(run), "--show", "prompts")
    assert code == 0 and "isles2022" in out.split("\n\n")[1].splitlines()[0]
    table = run_tables.prompt_table(read_scored_run(run))
    assert [(line.group, line.label) for line in table.lines[:2]] == [("sam/vit_b", "box"), ("sam/vit_b", "click")]
    assert "box: tight box of the target; click:" in table.caption


def test_marks_of_the_ledger_stand_beside_the_scores(capsys, run):
    _, out, _ = bench(capsys, "table", str(run))
    lesion = next(line for line in out.splitlines() if "Ischemic" in line)
    assert lesion.count("§") == 1 and lesion.rstrip().endswith("§")
    assert "§: the weights were trained on this data set" in out
    _, out, _ = bench(capsys, "table", str(run), "--show", "ledger")
    assert "SA-Med2D-20M holds" in out and "SA-1B" in out


def test_intervals_can_be_left_out(capsys, run):
    assert "[7" in bench(capsys, "table", str(run))[1]
    assert "[7" not in bench(capsys, "table", str(run), "--no-intervals")[1]


def test_all_tables_are_written_in_every_format(run):
    made = run_tables.all_tables(read_scored_run(run))
    report.write_tables(run, made)
    names = {path.name for path in (run / "tables").iterdir()}
    assert names == {f"{one.name}.{suffix}" for one in made for suffix in ("csv", "md", "tex")} | {"all.tex"}
    text = (run / "tables" / "all.tex").read_text()
    assert all(rf"\input{{{one.name}.tex}}" in text for one in made)
    assert {"ledger", "dice-by-prompt", "comparison-dice-box-macro_class", "hd95-box-macro_class"} <= {
        one.name for one in made
    }


def test_ledger_of_everything(capsys):
    code, out, _ = bench(capsys, "ls", "ledger", "--models", "imis", "--datasets", "segthor,isles2022")
    assert code == 0 and "SAM-Med3D" in out and "likely" in out


def test_an_unknown_prompt_is_named(run):
    with pytest.raises(RunError, match="no prompt 'text'; it has box, click"):
        score_table(run, "text")
