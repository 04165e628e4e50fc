"""Image embeddings of several data sets."""

import numpy as np
import pandas as pd

from bench.studies.inside import embeddings


def test_mixing_tells_apart_from_together():
    rng = np.random.default_rng(0)
    apart = np.concatenate([rng.normal(0, 1, (10, 4)), rng.normal(100, 1, (10, 4))]).astype(np.float32)
    names = pd.Series(["a"] * 10 + ["b"] * 10)
    assert embeddings.mixing(apart, names).tolist() == [0, 0]
    assert embeddings.mixing(apart, pd.Series(["a", "b"] * 10)).min() > 0.3
