"""Image embeddings of several data sets."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bench.studies.inside import embeddings


def test_mixing_tells_apart_from_together():
    rng = np.random.default_rng(0)
    apart = np.concatenate([rng.normal(0, 1, (10, 4)), rng.normal(100, 1, (10, 4))]).astype(np.float32)
    names = pd.Series(["a"] * 10 + ["b"] * 10)
    assert embeddings.mixing(apart, names).tolist() == [0, 0]
    assert embeddings.mixing(apart, pd.Series(["a", "b"] * 10)).min() > 0.3


def brute_force(vectors, names, name):
    """Mean distances to the five nearest of the own and of the other data sets, from the table of all pairs."""
    distances = np.linalg.norm(vectors[:, None] - vectors[None], axis=-1)
    own, other = [], []
    for place in np.flatnonzero(names == name):
        mine = np.flatnonzero((names == name) & (np.arange(len(names)) != place))
        own.append(np.sort(distances[place, mine])[: embeddings.NEIGHBOURS].mean())
        other.append(np.sort(distances[place, names != name])[: embeddings.NEIGHBOURS].mean())
    return np.mean(own), np.mean(other)


def test_transitions_are_what_the_table_of_all_pairs_says():
    rng = np.random.default_rng(1)
    names = rng.permutation(np.repeat(["a", "b", "c"], (9, 4, 20)))  # b has fewer than five neighbours of its own
    vectors = rng.normal(size=(33, 6)) + (names == "c")[:, None]
    vectors[names == "a", :] *= 3
    found = embeddings.transitions(vectors.astype(np.float32), pd.Series(names))
    for name in "abc":
        own, other = brute_force(vectors, names, name)
        np.testing.assert_allclose(found.loc[name, ["own", "other", "ratio"]], [own, other, other / own], rtol=1e-4)
    assert found["images"].to_dict() == {"a": 9, "b": 4, "c": 20, embeddings.ALL: 33}
    shares = found["images"][:3] / 33
    np.testing.assert_allclose(found.loc[embeddings.ALL, "own"], (shares * found["own"][:3]).sum(), rtol=1e-6)


def test_gaps_between_data_sets_raise_the_ratio_and_a_common_scale_does_not():
    rng = np.random.default_rng(2)
    names = pd.Series(["a", "b"] * 30)
    together = rng.normal(size=(60, 4)).astype(np.float32)
    apart = together + 50 * (names == "b").to_numpy()[:, None].astype(np.float32)
    near, far, scaled = (
        embeddings.transitions(one, names).loc[embeddings.ALL, "ratio"] for one in (together, apart, 7 * together)
    )
    assert 0.8 < near < 1.2 and far > 20
    np.testing.assert_allclose(scaled, near, rtol=1e-4)


def test_a_single_image_and_a_lone_data_set_have_no_ratio():
    vectors = np.random.default_rng(3).normal(size=(7, 3)).astype(np.float32)
    one = embeddings.transitions(vectors, pd.Series(["a"] * 6 + ["b"]))
    assert np.isnan(one.loc["b", "ratio"]) and one.loc["a", "ratio"] > 0
    assert embeddings.transitions(vectors, pd.Series(["a"] * 7))["ratio"].isna().all()


def test_the_sources_of_the_paper_all_look_different() -> None:
    names = [f"set {number}" for number in range(15)]
    table = pd.DataFrame({"dataset": names, "pca_1": range(15), "pca_2": range(15)})
    axes = Figure().subplots()
    embeddings.scatter(axes, table, "pca")
    looks = {(part.get_facecolor().tobytes(), part.get_paths()[0].vertices.tobytes()) for part in axes.collections}
    assert len(looks) == 15
