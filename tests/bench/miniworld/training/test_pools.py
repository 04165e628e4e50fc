"""Pools of pictures."""

import numpy as np
import pytest

from bench.miniworld.phantoms.medical import medical_sample
from bench.miniworld.training import pools


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(pools, "folder", lambda: tmp_path)
    monkeypatch.setattr(pools, "OF_A_FILE", 3)


def test_a_pool_is_rendered_once_and_read_again(monkeypatch):
    first = pools.load(["blots"], 4)
    assert len(first.images) == 6  # whole files

    def never(*_):
        raise AssertionError("rendered again")

    monkeypatch.setattr(pools, "render", never)
    again = pools.load(["blots"], 4)
    for name in ("images", "masks", "owner", "names"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))


def test_masks_are_those_of_the_pictures():
    pool = pools.load(["blots"], 1)
    for mask, owner in zip(np.unpackbits(pool.masks, axis=-1).astype(bool), pool.owner, strict=True):
        grey = pool.images[owner, ..., 0].astype(float)
        inside, outside = grey[mask], grey[~mask]
        assert inside.std() < outside.std() or abs(inside.mean() - outside.mean()) > 5
    assert (np.diff(pool.owner) >= 0).all() and set(pool.owner) == {0, 1, 2}


def test_held_out_pictures_are_others():
    seen, unseen = pools.load(["blots"], 1), pools.load(["blots"], 1, held_out=True)
    assert not (seen.images == unseen.images).all((1, 2, 3)).any()


def test_a_stopped_rendering_leaves_no_file(tmp_path, monkeypatch):
    def broken(rng):
        raise RuntimeError("stopped")

    monkeypatch.setitem(pools.SAMPLERS, "blots", broken)
    with pytest.raises(RuntimeError):
        pools.load(["blots"], 1)
    assert not list(tmp_path.glob("*.npz"))


def test_medical_objects_keep_their_names():
    sample = medical_sample(np.random.default_rng(1), "CT")
    image, objects = pools.framed(sample)
    assert image.shape == (pools.SIDE, pools.SIDE, 3)
    assert {pools.NAMES[index] for index, _ in objects} <= set(sample.masks)
    assert all(index > 0 for index, _ in objects)


def test_pools_join_with_their_owners():
    one = pools.load(["blots"], 1)
    both = pools.joined([one, one])
    assert len(both.images) == 6
    np.testing.assert_array_equal(both.owner[len(one.owner) :], one.owner + 3)
