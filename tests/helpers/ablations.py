"""Results of an ablation by hand."""

import pandas as pd

from bench.studies.ablations.summary import MEAN


def values(*means: float, spread: float = 0.1) -> pd.DataFrame:
    """Three seeds of each variant, that much apart."""
    rows = {(v, s): {MEAN: mean + spread * s} for v, mean in enumerate(means) for s in range(3)}
    return pd.DataFrame(rows).T.rename_axis(["variant", "seed"])
