"""Parts that become a picture and its masks."""

import numpy as np

from bench.miniworld.phantoms.geometry import blob
from bench.miniworld.phantoms.grid import SamplingGrid
from bench.miniworld.phantoms.rendering import Part, composite, sample, visible


def test_edges_are_partly_filled_and_later_parts_cover():
    rng = np.random.default_rng(0)
    grid = SamplingGrid.picture(60, 60)
    parts = [Part("a", blob(rng, (0, 0), (60, 60), 0), "first"), Part("b", blob(rng, (50, 0), (30, 30), 0), "second")]
    layers = sample(parts, grid)
    image = composite(layers, {"air": 0, "a": 100, "b": 200}, grid.shape)
    masks = visible(layers, ["first", "second"], grid.shape)
    assert ((image > 5) & (image < 95)).any(), "partial volume at the rim"
    assert not (masks["first"] & masks["second"]).any()
    assert image[masks["second"]].mean() > 180
