import pandas as pd
from matplotlib.figure import Figure

from bench.data.case import Defect
from bench.studies.inside.output import InsideReport, write

REPORT = InsideReport("", {"bars": Figure(figsize=(1, 1))}, {"numbers": pd.DataFrame({"a": [1]})})


def test_figures_and_tables_are_written_and_named(tmp_path):
    made = write(REPORT, [], tmp_path)
    assert [path.name for path in made] == ["bars.png", "bars.pdf", "numbers.csv"]
    assert set(made) == set(tmp_path.iterdir())


def test_what_could_not_be_read_is_listed(tmp_path):
    made = write(REPORT, [Defect("d", "p", "c", "failed", "CRC check failed")], tmp_path)
    assert made[-1].name == "left-out.csv"
    assert pd.read_csv(made[-1]).to_dict("records") == [
        {"dataset": "d", "case": "c", "kind": "failed", "reason": "CRC check failed"}
    ]
    assert "left-out" not in REPORT.tables
