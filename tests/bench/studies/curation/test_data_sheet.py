from dataclasses import asdict
from pathlib import Path

import pandas as pd

from bench.data.curation.selection import SelectionRules
from bench.studies.curation.data_sheet import DataSheet, write_data_sheet

FACTS = {
    "version": "1", "protocol": "segmote", "rules": asdict(SelectionRules(per_class=7)), "evaluation": ["segthor"],
    "evaluation_not_checked": ["segthor P1: gone"], "masks_read": 9, "manifest_sha256": "abc",
}  # fmt: skip


def test_counts_rules_reasons_and_licences_in_both_forms(tmp_path: Path) -> None:
    names = {"dataset": "folder", "modality": "CT", "slice": 0}
    manifest = pd.DataFrame(
        [
            {**names, "person": "p1", "case": "a", "target": "liver|<b>", "split": "train"},
            {**names, "person": "p2", "case": "b", "target": "spleen", "split": "test"},
        ]
    )
    reasons = ["score -1.5 is below -1", "score -2.5 is below -1", "near-duplicate of folder c slice 0"]
    left_out = pd.DataFrame({"dataset": "folder", "kind": "selection", "reason": reasons})
    write_data_sheet(DataSheet(FACTS, manifest, left_out), tmp_path)
    text, page = ((tmp_path / f"data-sheet.{kind}").read_text() for kind in ("md", "html"))
    assert "| folder | CT | 2 | 2 | 2 | 2 | 1 | 1 |" in text
    assert "| folder | selection | 2 | score -1.5 is below -1 |" in text
    assert "| per_class | 7 |" in text
    assert "of segthor, pixel by pixel" in text and "1 of their cases could not be read" in text
    assert "liver\\|" in text and "<b>" not in page and "liver|&lt;b&gt;" in page
    assert "that of the source data" in text and "that of the source data" in page
    for title in ("Motivation", "Composition", "Uses", "Distribution and maintenance"):
        assert f"## {title}" in text and f"<h2>{title}</h2>" in page
