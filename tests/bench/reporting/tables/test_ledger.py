from fnmatch import fnmatch

import pytest

import adapters
from bench.comparing import published
from bench.data import datasets
from bench.errors import RunError
from bench.reporting.tables import ledger
from bench.reporting.tables.formats import FORMATS
from bench.reporting.tables.ledger import MARKS, entries, lookup, notes, table, text_tables


def terms(names):
    """Licence of the weights and training data by full name of the model, as `run.json` holds them."""
    return {card.name: (card.licence, card.trained_on) for card in map(adapters.card, names)}


@pytest.mark.parametrize(
    ("model", "dataset", "seen"),
    [
        ("sam/vit_b", "segthor", "no"),
        ("sam-med2d/vit_b", "isles2022", "yes"),
        ("sam-med2d/vit_b-pad", "isles2022-adc", "yes"),
        ("imis/vit_b", "isles2022", "likely"),
        ("segmote/released", "isles2022", "likely"),
        ("segmote/released", "totalsegmentator-ct", "yes"),
        ("huang/vit_b", "totalsegmentator-mri", "no"),
        ("huang/mini", "segthor", "no"),
        ("huang/mini", "imis", "no"),
        ("medsam/vit_b", "segthor", "unknown"),
        ("baseline/box", "anything", "no"),
        ("sam-med2d/vit_b", "folder:prostate", "unknown"),
        ("sam-med2d/vit_b", "isles2022:hospital", "yes"),
    ],
)
def test_what_the_ledger_says(model, dataset, seen):
    found = lookup(model, dataset)
    assert (found.weights, found.dataset) == (model, dataset)
    assert found.seen == seen and found.source


def test_what_the_ledger_does_not_say_is_unknown():
    assert lookup("new/model", "segthor").source == "not in the ledger"


def test_every_entry_has_a_source_and_a_mark():
    assert all(entry.source.strip() for entry in entries())
    assert {entry.seen for entry in entries()} <= set(MARKS)


def test_no_entry_is_hidden_by_an_earlier_one():
    for entry in entries():
        model, dataset = entry.weights.replace("*", "x"), entry.dataset.replace("*", "")
        world = "phantom" if entry.weights.endswith("/mini") else "real"
        assert lookup(model, dataset or "x", world).source == entry.source, entry


def test_every_model_is_in_the_ledger():
    for model in adapters.REGISTRY:
        assert lookup(model, "segthor").source != "not in the ledger", model


def test_table_has_the_licences_of_weights_and_data():
    made = table(terms(["sam", "baseline/box"]), ["segthor", "isles2022"])
    assert made["model"].tolist() == ["sam/vit_b"] * 2 + ["baseline/box"] * 2
    assert set(made["weights_licence"]) == {"Apache-2.0"}
    assert made["data_licence"].tolist() == [datasets.load(name).licence for name in ("segthor", "isles2022")] * 2
    for style in ("console", "md", "tex"):
        text = "".join(FORMATS[style](one) for one in text_tables(made, "Official weights."))
        assert "CC BY 4.0" in text and "SA-1B" in text and "Official weights" in text


def test_each_table_keeps_its_own_columns_in_its_file():
    files = [FORMATS["csv"](one).splitlines()[0] for one in text_tables(table(terms(["sam"]), ["segthor"]))]
    assert files == [
        "dataset,model,seen,mark,source",
        "group,model,weights_licence,trained_on",
        "group,dataset,data_licence",
    ]


def test_phantoms_were_seen_by_nobody_but_the_minis_that_trained_on_them():
    assert lookup("sam-med2d/vit_b", "isles2022", "phantom").seen == "no"
    assert "drawn by this project" in lookup("sam-med2d/vit_b", "isles2022", "phantom").source
    assert lookup("sam-med2d/mini", "amos-ct", "phantom").seen == "yes"
    assert lookup("sam-med2d/mini", "amos-ct").seen == "no"
    made = table(terms(["sam-med2d"]), ["isles2022"], "phantom")
    assert "phantoms" in made["data_licence"].item()


def test_notes_explain_only_the_marks_that_occur():
    assert notes({"no"}) == []
    assert [text.split(":")[0] for text in notes({"no", "yes", "unknown"})] == ["§", "(?)"]


def test_bad_files_are_named(tmp_path):
    with pytest.raises(RunError, match=r"none\.csv"):
        entries(tmp_path / "none.csv")
    path = tmp_path / "ledger.csv"
    path.write_text("weights,dataset,seen,source\na,b,perhaps,c\n")
    with pytest.raises(ValueError, match="perhaps"):
        entries(path)


def test_what_bench_reads_from_results_travels_with_an_installation():
    tomllib = pytest.importorskip("tomllib", reason="needs Python 3.11")
    root = ledger.FILE.parents[1]
    settings = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]
    for path in (ledger.FILE, *published.FOLDER.glob("*.csv")):
        package = ".".join(path.parent.relative_to(root).parts)
        assert package in settings["packages"]["find"]["include"]
        assert any(fnmatch(path.name, pattern) for pattern in settings["package-data"][package])
