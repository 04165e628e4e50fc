import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from bench.store import records
from bench.store.records import RecordColumns, read_records, to_table, write_records
from bench.store.run_folder import RECORD_COLUMNS, records_path

FACTS = {"run": "r", "model": "m", "dataset": "d", "patient": "p", "case": "c", "seed": 3}
ROW = {"slice": 4, "target": "liver", "prompt": "box", "round": 1, "area_px": 9} | dict.fromkeys(
    ("seconds_encode", "seconds_decode"), 0.5
)


def part(number=0, count=2):
    made = RecordColumns(FACTS | {"case": f"c{number}"})
    for _ in range(count):
        made.add(ROW, {"dice": (0.25, "ok"), "hd95": (float("nan"), "undefined")})
    return made.table()


def test_records_read_back_as_a_frame_would_write_them(tmp_path):
    made = RecordColumns(FACTS)
    made.add(ROW, {"dice": (0.25, "ok")})
    made.add(ROW | {"slice": None, "round": None}, {"volume_hd95": (float("nan"), "undefined")})
    write_records([made.table()], records_path(tmp_path))
    rows = [
        FACTS | ROW | {"metric": "dice", "value": 0.25, "status": "ok"},
        FACTS | ROW | {"slice": None, "round": None, "metric": "volume_hd95", "value": np.nan, "status": "undefined"},
    ]
    frame = records.typed(pd.DataFrame(rows, columns=list(RECORD_COLUMNS)))
    frame.to_parquet(tmp_path / "frame.parquet", index=False)
    pd.testing.assert_frame_equal(read_records(tmp_path), pd.read_parquet(tmp_path / "frame.parquet"))
    theirs = pq.read_schema(tmp_path / "frame.parquet")
    assert pq.read_schema(records_path(tmp_path)).equals(theirs, check_metadata=True)
    assert pq.read_table(records_path(tmp_path))["value"].null_count == 1
    assert to_table(frame).equals(made.table())


def test_parts_stay_in_order_and_share_row_groups(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "ROWS_PER_GROUP", 10)
    write_records((part(number) for number in range(7)), records_path(tmp_path))
    assert read_records(tmp_path, ["case"])["case"].tolist() == [f"c{number}" for number in range(7) for _ in range(4)]
    groups = pq.read_metadata(records_path(tmp_path))
    assert [groups.row_group(number).num_rows for number in range(groups.num_row_groups)] == [12, 12, 4]


def test_no_parts_are_a_table_without_rows(tmp_path):
    write_records([], records_path(tmp_path))
    found = read_records(tmp_path)
    assert tuple(found.columns) == RECORD_COLUMNS and found.empty


def test_a_part_that_fails_leaves_the_old_records(tmp_path):
    write_records([part()], records_path(tmp_path))

    def broken():
        yield part()
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        write_records(broken(), records_path(tmp_path))
    assert len(read_records(tmp_path)) == 4 and [path.name for path in tmp_path.iterdir()] == ["records.parquet"]


def test_only_the_columns_asked_for_are_read(tmp_path):
    write_records([part()], records_path(tmp_path))
    assert read_records(tmp_path, ["value", "model"]).columns.tolist() == ["value", "model"]
