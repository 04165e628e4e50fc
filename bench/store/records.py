"""The records of a run, column by column: one part per model and case, joined to one file without holding them all."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from bench.errors import RunError, first_line
from bench.store.files import partial_path
from bench.store.run_folder import RECORD_COLUMNS, records_path

FLOATS = ("value", "seconds_encode", "seconds_decode")
ROWS_PER_GROUP = 2**18
INTEGERS = ("slice", "round", "seed", "area_px")


def typed(records: pd.DataFrame) -> pd.DataFrame:
    """Records with the types that their columns have in the file: undefined numbers are null."""
    return records.astype(dict.fromkeys(FLOATS, "float64") | dict.fromkeys(INTEGERS, "Int64"))


def _schema() -> pa.Schema:
    example = dict.fromkeys(RECORD_COLUMNS, "") | dict.fromkeys(FLOATS, 0.0) | dict.fromkeys(INTEGERS, 0)
    return pa.Schema.from_pandas(typed(pd.DataFrame([example])), preserve_index=False)


SCHEMA = _schema()


class RecordColumns:
    """Records of one model on one case while they are made.

    Args:
        constant: the columns that all of them share, with their values.
    """

    def __init__(self, constant: Mapping[str, Any]) -> None:
        self._constant = constant
        self._columns: dict[str, list[Any]] = {name: [] for name in RECORD_COLUMNS if name not in constant}

    def add(self, row: Mapping[str, Any], scored: Mapping[str, tuple[float, str]]) -> None:
        """One record per metric.

        Args:
            row: what the scores are of; a value for each column that is neither constant nor of the metric.
            scored: of each metric the value and its status.
        """
        for name, (value, status) in scored.items():
            record = {**row, "metric": name, "value": value, "status": status}
            for column, values in self._columns.items():
                values.append(record[column])

    def table(self) -> pa.Table:
        """All records."""
        count = len(self._columns["metric"])
        arrays = [
            pa.array(self._columns[field.name], field.type, from_pandas=True)
            if field.name in self._columns
            else pa.repeat(pa.scalar(self._constant[field.name], field.type), count)
            for field in SCHEMA
        ]
        return pa.Table.from_arrays(arrays, schema=SCHEMA)


def to_table(records: pd.DataFrame) -> pa.Table:
    """Records of a frame as a part."""
    return pa.Table.from_pandas(typed(records), SCHEMA, preserve_index=False)


def write_records(parts: Iterable[pa.Table], path: Path) -> None:
    """Write parts one after another as one Parquet file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = partial_path(path)
    try:
        with pq.ParquetWriter(partial, SCHEMA) as writer:
            for group in _groups(parts):
                writer.write_table(group)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _groups(parts: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Parts put together until they are worth a row group of their own; at least one, which may be empty."""
    held: list[pa.Table] = [SCHEMA.empty_table()]
    for part in parts:
        held.append(part)
        if sum(map(len, held)) >= ROWS_PER_GROUP:
            yield pa.concat_tables(held)
            held = []
    if held:
        yield pa.concat_tables(held)


def read_records(run: Path, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """The records of a run.

    Args:
        run: the run folder.
        columns: those that are needed, None for all.

    Raises:
        RunError: the run was not scored, or its records are damaged.
    """
    path = records_path(run)
    if not path.exists():
        raise RunError(f"{run} has no records.parquet; is it a run folder? `bench score {run}` makes it")
    try:
        return pd.read_parquet(path, columns=None if columns is None else list(columns))
    except Exception as error:  # whatever Arrow raises on changed bytes
        raise RunError(f"{path} cannot be read ({first_line(error)}); `bench score {run}` writes it again") from None
