"""A page made up for tests: two tables, a figure, four predictions, one of everything that must be inert."""

import numpy as np
import pandas as pd

from bench.reporting.figures.bars import bars
from bench.reporting.figures.picture import Absent
from bench.reporting.gallery.cards import gallery
from bench.reporting.gallery.outlines import DrawnPrompt, OutlinedPrediction, outlines, window
from bench.reporting.gallery.picks import Pick
from bench.reporting.page.page import Chapter, Page, PageFigure
from bench.reporting.page.tables import page_table
from bench.reporting.tables.table import Cell, Line, Table
from bench.reporting.tables.text_table import TextTable
from tests.helpers.runs import everything, facts

EVIL = '<script>document.title = "owned"</script><img src=x onerror="document.title=1">'
MODELS = ("sam/mini", "medsam/mini")


def table():
    """Three rows; the last model has one undefined value."""
    values = {"Heart": (0.5, 0.9), "Aorta": (0.75, float("nan")), EVIL: (0.625, 0.1)}
    lines = [
        Line("segthor", label, [Cell(value, 4, low=value - 0.1, high=value + 0.1, patients=3) for value in row])
        for label, row in values.items()
    ]
    return Table(
        "dice-box-macro_class",
        f"Dice (%), {EVIL}.",
        MODELS,
        lines,
        ("u1: 1 undefined",),
        prompt="box",
        heading="Dice, macro class",
    )


def text_table():
    """A text table with a number in text and a column of words."""
    rows = [["segthor", "a", "+1.5 [0.1, 2.0]", "z1", "a"], ["segthor", "b", "-2.0 [-3.0, -1.0]", "y", "b"]]
    return TextTable(
        "comparison-dice-box",
        "Differences.",
        ["data set", "pair", "delta", "why", "group"],
        rows,
        pd.DataFrame(),
        wide=(("why", 0.3),),
        prompt="box",
        heading="Comparison",
    )


def view(model, dice, label="Heart", kind="box", dataset="segthor"):
    """A square predicted one pixel off."""
    target, predicted = np.zeros((2, 24, 32), bool)
    target[8:16, 8:16] = True
    predicted[9:17, 8:16] = True
    shown = DrawnPrompt(box=(8, 8, 16, 16)) if kind == "box" else DrawnPrompt(clicks=((12, 12, 1), (20, 20, 0)))
    pick = Pick(model, dataset, "p1", "c1", 3, "heart", label, kind, 1, dice, "worst")
    image = np.full((24, 32), 80, np.uint8)
    return OutlinedPrediction(
        pick, image, outlines(target), outlines(predicted), shown, (24, 32), window((24, 32), outlines(target)[0])
    )


def page():
    """The whole page."""
    views = [
        view("sam/mini", 0.25), view("sam/mini", 0.8, label="Aorta"), view("medsam/mini", 0.5, kind="clicks"),
        view("medsam/mini", 0.95, label=EVIL, dataset="isles2022"),
    ]  # fmt: skip
    (picture,) = bars(everything(lambda *_: 0.5), "box")
    figure = PageFigure(picture.name, picture.title, picture.caption, picture.alt, picture.content("png"))
    failures = pd.DataFrame([
        {"stage": "data", "kind": "failed", "dataset": "segthor", "patient": "p", "case": EVIL, "target": None,
         "model": None, "prompt": None, "reason": "CRC check failed"},
    ])  # fmt: skip
    found = facts({"warnings": {"segthor/c1": [EVIL]}}, prompts=("box", "clicks"))
    chapter = Chapter("Prompt box", [page_table(table())], [page_table(text_table())])
    absent = (Absent("calibration-box", "Predicted score against true IoU", "the records hold no predicted_iou"),)
    return Page("a-run", found, [chapter], [figure], absent, gallery(views), failures)
