from dataclasses import replace
from html.parser import HTMLParser

import pytest

from bench.reporting.page.page import render
from bench.reporting.report import chapters
from tests.helpers import pages


class Outline(HTMLParser):
    """What a reader's browser makes of a page: its elements with their attributes, and its text."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.text = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def text():
    return render(pages.page())


def test_the_page_is_one_file_that_asks_nobody(text):
    outline = Outline(text)
    addresses = [
        value for _, found in outline.elements for name, value in found.items() if name in ("src", "href", "srcset")
    ]
    assert addresses and all(value.startswith(("data:", "#")) for value in addresses)
    assert "@import" not in text and "url(" not in text
    policy = next(m["content"] for m in outline.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; img-src data:;") and "unsafe" not in policy


def test_names_of_data_are_text_and_never_markup(text):
    outline = Outline(text)
    assert len(outline.all("script")) == 1
    assert all(image["src"].startswith("data:") for image in outline.all("img"))
    assert not any(name.startswith("on") for _, found in outline.elements for name in found)
    assert " ".join(outline.text).count(pages.EVIL) >= 3  # class, caption, case, warning: shown as they are


def test_tables_have_captions_and_headings_that_can_be_pressed(text):
    outline = Outline(text)
    captions = {found["id"] for found in outline.all("figcaption") if "id" in found}
    assert captions == {found["aria-describedby"] for found in outline.all("table")} and len(captions) == 3
    columns = [found for found in outline.all("th") if found.get("scope") == "col"]
    assert len(columns) == 6 + 5 + 9 and all(found["aria-sort"] == "none" for found in columns)
    assert any("72.50" not in part and "[40.00, 60.00]" in part for part in outline.text)  # an interval


def test_figures_and_predictions_have_words(text):
    outline = Outline(text)
    assert all(len(image["alt"]) > 20 for image in outline.all("img"))
    labels = [found["aria-label"] for found in outline.all("button") if "Dice" in found.get("aria-label", "")]
    assert len(labels) == 4
    assert labels[0].startswith("sam/mini, segthor, Heart: Dice 25.0 %, prompt box, case c1, slice 3")


def test_facts_failures_and_absent_figures_are_told(text):
    words = " ".join(Outline(text).text)
    for part in ("cd34", "ab12", "CRC check failed", "a chip", "2 cases, 2 patients, 4 prompts", "0.1.0", "axial"):
        assert part in words, part
    assert "calibration-box): the records hold no predicted_iou" in words
    assert "Mini weights on phantom data." in words


def test_tables_stand_in_the_chapter_of_their_prompt():
    scores, comparison = pages.table(), pages.text_table()
    headline, summary = (replace(scores, name=role, role=role) for role in ("headline", "summary"))
    jitter = replace(scores, name="jitter", prompt="box-jitter")
    ledger = replace(comparison, name="ledger", prompt="")
    found = chapters([headline, summary, comparison, jitter, ledger], ["box", "box-jitter", "click"])
    assert [(c.title, [one.name for one in c.shown], [one.name for one in c.folded]) for c in found] == [
        ("Prompt box", ["headline"], ["comparison-dice-box"]),
        ("Prompt box-jitter", ["jitter"], []),
        ("The whole run", [], ["ledger"]),
    ]
    assert found[0].folded[0].title == "Comparison"


def test_titles_name_the_metric():
    found = chapters([pages.table(), pages.table()], ["box"])
    assert found[0].folded[0].title == "Dice, macro class"
