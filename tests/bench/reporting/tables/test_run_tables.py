import pytest

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


def test_averages_by_prompt_have_one_column_per_data_set(run):
    table = run_tables.prompt_table(read_scored_run(run))
    assert [(line.group, line.label) for line in table.lines[:2]] == [("sam/vit_b", "box"), ("sam/vit_b", "click")]
    assert list(table.models) == ["isles2022", "segthor"]
    assert "box: tight box of the target; click:" in table.caption


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


def test_an_unknown_prompt_is_named(run):
    with pytest.raises(RunError, match="no prompt 'text'; it has box, click"):
        score_table(run, "text")
