import pytest

from adapters.weights.catalogue import CATALOGUE
from bench.comparing.published import DATASETS, MODELS, Measured, Outcome, cells, check_cells, read
from bench.errors import RunError

HOLDS, CONTRADICTED, DIFFERS = Outcome.HOLDS, Outcome.CONTRADICTED, Outcome.DIFFERS


def test_all_values_are_there():
    counts = {table: sum(cell.table == table for cell in cells()) for table in (1, 2, 4)}
    assert counts == {1: 19 * 7, 2: 9 * 5, 4: 4 * 4}
    assert len(read("table3")) == 6


def test_typed_as_in_the_paper(shared):
    text = (shared / "paper" / "segmote.txt").read_text()
    for cell in cells():
        printed = f"<b>{cell.value:.2f}</b>" if cell.coloured else f"{cell.value:.2f}"
        assert printed in text, cell
    plain = text.replace("<b>", "").replace("</b>", "")
    for name, skipped in (("table1", 1), ("table2", 0), ("table4", 0)):
        for row in read(name).to_numpy().tolist():
            assert "\t".join([row[skipped], *(value.rstrip("*") for value in row[skipped + 1 :])]) in plain


def test_our_names_are_known():
    for model in set(MODELS.values()):
        assert model in CATALOGUE
    printed = cells()
    assert set(DATASETS) <= {cell.dataset for cell in printed}
    assert {cell.model for cell in printed} == set(MODELS)


def ours(value, low, high):
    return {("segthor", "heart", "sam/vit_b"): Measured(value, low, high)}


@pytest.mark.parametrize(
    ("found", "outcome"),
    [
        ((80.0, 79.0, 81.0), Outcome.REPRODUCED),
        ((78.0, 77.0, 79.0), DIFFERS),
    ],
)
def test_a_value_is_reproduced_within_our_interval(found, outcome):
    [verdict] = [v for v in check_cells(cells(), ours(*found)) if v.quote == "Table 1, SegThor, Heart, SAM"]
    assert verdict.outcome is outcome


def test_without_a_run_nothing_is_tested_and_the_files_are_named(monkeypatch, tmp_path):
    monkeypatch.setenv("BENCH_WEIGHTS", str(tmp_path))
    by_name = {v.quote: v for v in check_cells(cells(), {})}
    assert {v.outcome for v in by_name.values()} == {Outcome.UNTESTABLE}
    assert by_name["Table 1, SegThor, Heart, SAM"].note == "missing: sam_vit_b_01ec64.pth; a run on segthor"
    assert "not published" in by_name["Table 2, BTCV, Average, Ours"].note
    (tmp_path / "sam_vit_b_01ec64.pth").touch()
    by_name = {v.quote: v for v in check_cells(cells(), {})}
    assert by_name["Table 1, SegThor, Heart, SAM"].note == "missing: a run on segthor"


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(RunError, match=r"table1\.csv"):
        cells(tmp_path)
