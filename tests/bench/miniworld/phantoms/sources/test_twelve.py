"""All sources below one folder, and what is left of them without pydicom."""

import sys

from bench.data import catalogue
from bench.miniworld.phantoms.sources.twelve import draw_sources
from bench.studies.reproduction.programme import PAPER_SOURCES


def test_each_source_is_found_once_with_as_many_people_as_asked(tmp_path):
    draw_sources(tmp_path, 5, 2, 2)
    for name in PAPER_SOURCES.values():
        assert len(catalogue.roots(name, tmp_path)) == 1, name
        items, defects = catalogue.index(name, tmp_path, None)
        assert len({item.patient for item in items}) == (4 if name.startswith(("isic", "sz")) else 2) and not defects


def test_without_pydicom_there_is_no_chaos(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pydicom", None)
    draw_sources(tmp_path, 5, 1, 2)
    found = [name for name in PAPER_SOURCES.values() if catalogue.roots(name, tmp_path)]
    assert found == [name for name in PAPER_SOURCES.values() if not name.startswith("chaos")]
