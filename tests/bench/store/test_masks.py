import numpy as np
import pytest

from bench.errors import RunError
from bench.store.masks import MaskShard, PackedMasks
from tests.helpers.layouts import each_byte_changed


def shard(seed: int = 0) -> MaskShard:
    rng = np.random.default_rng(seed)
    masks = [rng.random(shape) > 0.5 for shape in ((1, 1), (3, 5), (17, 9))]
    return MaskShard([{"slice": i, "target": "liver"} for i in range(4)], [masks[0], None, *masks[1:]])


def test_masks_survive_packing_and_failures_stay_in_place(tmp_path):
    shard().save(tmp_path / "a.npz")
    loaded = MaskShard.load(tmp_path / "a.npz")
    assert loaded.index == shard().index
    assert loaded.masks[1] is None
    for before, after in zip(shard().masks, loaded.masks, strict=True):
        assert before is None or np.array_equal(before, after)


def test_empty_shard(tmp_path):
    MaskShard([], []).save(tmp_path / "a.npz")
    assert list(MaskShard.load(tmp_path / "a.npz").masks) == []


def test_equal_shards_give_equal_bytes(tmp_path):
    for name in "ab":
        shard().save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    shard(1).save(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() != (tmp_path / "b").read_bytes()


def test_damaged_shard_says_what_to_do(tmp_path):
    (tmp_path / "a.npz").write_bytes(b"PK\x03\x04 truncated")
    with pytest.raises(RunError, match="delete it and resume"):
        MaskShard.load(tmp_path / "a.npz")


def test_no_changed_byte_of_a_shard_escapes_as_another_error(tmp_path):
    path = tmp_path / "x.npz"
    MaskShard([{"slice": n} for n in range(2)], [np.eye(9, dtype=bool), None]).save(path)
    failed = 0
    for _ in each_byte_changed(path):
        try:
            MaskShard.load(path)
        except RunError:
            failed += 1
    assert failed > path.stat().st_size // 4


def test_a_shard_says_what_it_is_of(tmp_path):
    about = {"dataset": "folder", "case": "肝" * 100}
    MaskShard([{"slice": 0}], [np.eye(3, dtype=bool)], about).save(tmp_path / "a.npz")
    assert MaskShard.load(tmp_path / "a.npz", about).about == about
    with pytest.raises(RunError, match=r"is of .*delete it and resume"):
        MaskShard.load(tmp_path / "a.npz", about | {"case": "b"})


def test_packed_masks_are_a_sequence_of_masks():
    masks = [None if mask is None else mask for mask in shard().masks]
    packed = PackedMasks(masks[:2])
    packed.extend(PackedMasks(masks[2:]))
    assert len(packed) == 4 and packed[-3] is None and packed[1:][0] is None
    assert all(np.array_equal(packed[n], masks[n]) for n in (0, 2, 3)) and packed[3].dtype == bool
    assert np.array_equal(packed[2:][-1], masks[3]) and np.array_equal(packed[-1], masks[3])
    with pytest.raises(IndexError):
        packed[4]
    assert PackedMasks([np.zeros((512, 512), bool)] * 10).nbytes < 10 * 512


def test_a_mask_that_was_taken_out_can_be_changed_alone():
    packed = PackedMasks([np.zeros((2, 2), bool)])
    packed[0][:] = True
    assert not packed[0].any()


def test_shards_are_archives_as_numpy_writes_them(tmp_path):
    shard().save(tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as file:
        held = dict(file)
    assert held["bits"].nbytes == 1 + 2 + 20  # bytes of 1, 15 and 153 bits
    np.savez_compressed(tmp_path / "b.npz", **held)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


@pytest.mark.parametrize(("bits", "reason"), [(np.zeros(3, np.uint8), "end in mask"), (np.zeros(99), "float64")])
def test_bits_that_are_too_few_or_no_bytes_are_refused(tmp_path, bits, reason):
    shard().save(tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as file:
        held = dict(file)
    np.savez_compressed(tmp_path / "a.npz", **(held | {"bits": bits}))
    with pytest.raises(RunError, match=reason):
        MaskShard.load(tmp_path / "a.npz")
