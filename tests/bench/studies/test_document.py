"""A document of answers, tables and figures as Markdown and as a page."""

from pathlib import Path

from matplotlib.figure import Figure

from bench.studies.document import SheetEntry, write_document

TABLE = [["data set", "Dice"], ["liver|<b>", 0.5], ["spleen", "0.75"]]


def test_both_forms_have_text_table_and_figure(tmp_path: Path) -> None:
    (tmp_path / "figures").mkdir()
    Figure(figsize=(1, 1)).savefig(tmp_path / "figures/bars.png")
    entries = [SheetEntry("Which?", "These < those.", TABLE, [tmp_path / "figures/bars.png"]), SheetEntry("Why?", "")]
    written = write_document("A report", {"Results": entries}, tmp_path / "report.v2")
    assert [path.name for path in written] == ["report.v2.md", "report.v2.html"]
    text, page = (path.read_text() for path in written)
    assert text.splitlines()[0] == "# A report" and "## Results" in text and "### Why?" in text
    assert "| data set | Dice |\n| --- | --- |" in text and "liver\\|" in text
    assert "![bars](figures/bars.png)" in text
    assert "<b>" not in page and "liver|&lt;b&gt;" in page and "These &lt; those." in page
    assert 'src="data:image/png;base64,' in page and "<th>Dice</th>" in page and "<td>0.5</td>" in page
