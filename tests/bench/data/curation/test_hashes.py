import numpy as np
import pytest

from bench.data.curation import hashes
from bench.data.curation.hashes import any_alike, difference_hash, first_alike, pixels_sha256
from tests.helpers.curation import picture


def bits(first: np.ndarray, second: np.ndarray) -> int:
    return int(np.unpackbits(first ^ second).sum())


def test_brightness_and_size_hardly_change_the_hash_and_a_flip_does() -> None:
    image, _ = picture(5)
    original = difference_hash(image)
    assert original.shape == (32,)
    assert bits(original, difference_hash((image * 0.8 + 10).astype(np.uint8))) <= 6
    assert bits(original, difference_hash(image.repeat(2, axis=0).repeat(2, axis=1))) <= 6
    assert bits(original, difference_hash(image[:, ::-1])) > 60
    assert bits(original, difference_hash(picture(6)[0])) > 60


def test_equal_pixels_of_another_shape_are_another_image() -> None:
    flat = np.arange(12, dtype=np.uint8)
    assert pixels_sha256(flat.reshape(3, 4)) != pixels_sha256(flat.reshape(4, 3))


@pytest.mark.parametrize("block", [3, 7, 1024])
def test_pairs_are_found_as_by_comparing_all(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashes, "BLOCK", block)
    rng = np.random.default_rng(0)
    known = rng.integers(0, 256, (8, 32), np.uint8)
    some = known[rng.integers(0, 8, 40)].copy()
    for row in some:
        row[rng.integers(0, 32, 3)] ^= np.uint8(1) << rng.integers(0, 8, 3, np.uint8)
    expected: list[int] = []
    for number, one in enumerate(some):
        earlier = (at for at in range(number) if expected[at] < 0 and bits(one, some[at]) <= 4)
        expected.append(next(earlier, -1))
    assert first_alike(some, 4).tolist() == expected
    assert -1 in expected[1:] and max(expected) > 0
    others = [next((at for at, other in enumerate(known) if bits(one, other) <= 2), -1) for one in some]
    assert any_alike(some, known, 2).tolist() == others
