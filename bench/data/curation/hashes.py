"""Fingerprints of images: one that only equal pixels share, one that images which look alike share in most bits.

The perceptual hash is the difference hash (dHash) of the library `imagehash`. The library compares hashes one pair at a
time; here all pairs are compared, as products of matrices.
"""

import hashlib
from collections.abc import Iterator

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 16
BITS = SIDE * SIDE
BLOCK = 1024  # hashes compared with as many others at a time

Hashes = NDArray[np.uint8]


def pixels_sha256(image: NDArray[np.uint8]) -> str:
    """SHA-256 of shape and pixels of an image."""
    return hashlib.sha256(repr(image.shape).encode() + np.ascontiguousarray(image).tobytes()).hexdigest()


def difference_hash(image: NDArray[np.uint8]) -> Hashes:
    """The perceptual hash of an image (H, W) or (H, W, 3): 256 bits as 32 bytes.

    The image is reduced to 16 rows of 17 grey values; a bit tells whether the right one of two neighbours is brighter.
    Brightness, contrast, size and compression hardly change it, a flip or a turn does.

    Source: N. Krawetz, "Kind of Like That" (2013), with 16 x 16 in place of 8 x 8 bits.
    """
    return np.packbits(imagehash.dhash(Image.fromarray(image), SIDE).hash)


def first_alike(hashes: Hashes, at_most: int) -> NDArray[np.int64]:
    """For each hash the first earlier one that is kept and differs in at most so many bits; -1 if itself is kept.

    Args:
        hashes: (N, 32), the preferred ones first.
        at_most: bits.
    """
    found = np.full(len(hashes), -1)
    for start in range(0, len(hashes), BLOCK):
        mine = found[start : start + BLOCK]
        for earlier in range(0, start, BLOCK):
            alike = _alike(hashes[start : start + BLOCK], hashes[earlier : earlier + BLOCK], at_most)
            alike &= found[earlier : earlier + BLOCK] < 0
            new = (mine < 0) & alike.any(axis=1)
            mine[new] = earlier + alike[new].argmax(axis=1)
        within = _alike(hashes[start : start + BLOCK], hashes[start : start + BLOCK], at_most)
        for row in np.flatnonzero(mine < 0):
            near = np.flatnonzero(within[row, :row] & (mine[:row] < 0))
            if near.size:
                mine[row] = start + near[0]
    return found


def any_alike(hashes: Hashes, others: Hashes, at_most: int) -> NDArray[np.int64]:
    """For each hash (N, 32) the first of the others (M, 32) that differs in at most so many bits, -1 if none does."""
    found = np.full(len(hashes), -1)
    for start, block in _blocks(hashes):
        for other_start, other in _blocks(others):
            alike = _alike(block, other, at_most)
            new = (found[start : start + BLOCK] < 0) & alike.any(axis=1)
            found[start : start + BLOCK][new] = other_start + alike[new].argmax(axis=1)
    return found


def _blocks(hashes: Hashes) -> Iterator[tuple[int, Hashes]]:
    return ((start, hashes[start : start + BLOCK]) for start in range(0, len(hashes), BLOCK))


def _alike(first: Hashes, second: Hashes, at_most: int) -> NDArray[np.bool_]:
    """Which pairs differ in at most so many bits: the product of bits as -1 and 1 counts equal minus unequal."""
    return np.asarray(_signs(first) @ _signs(second).T >= BITS - 2 * at_most)


def _signs(hashes: Hashes) -> NDArray[np.float32]:
    return np.unpackbits(hashes, axis=1).astype(np.float32) * 2 - 1
