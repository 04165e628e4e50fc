"""Records as a run writes them, for tests of what reads them."""

import pandas as pd

from bench.store.run_folder import RECORD_COLUMNS

DEFAULTS = {
    "run": "r", "model": "a", "dataset": "d", "patient": "p1", "case": "c1", "slice": 0, "target": "t", "prompt": "box",
    "round": 1, "seed": 0, "metric": "dice", "value": 0.5, "status": "ok", "seconds_encode": 0.0, "seconds_decode": 0.0,
    "area_px": 10,
}  # fmt: skip


def records(*rows):
    """A frame with the columns and types of `records.parquet`; each row says what differs from `DEFAULTS`."""
    frame = pd.DataFrame([DEFAULTS | row for row in rows], columns=list(RECORD_COLUMNS))
    return frame.astype({"value": float} | dict.fromkeys(("slice", "round", "seed", "area_px"), "Int64"))
