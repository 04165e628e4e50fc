import io
import zipfile

import numpy as np
import pytest
from scipy import sparse

from segmote.imis.sparse_labels import class_names, load_channels, read_classes


def csr(indices=(5, 6), indptr=(0, 2), shape=(1, 1600), data=(1, 1), kind=b"csr", **other):
    """The bytes of a stored matrix of one row with two values, or what differs from it."""
    parts = {"data": np.array(data, other.get("dtype", np.uint8)), "format": np.array(kind), "shape": np.array(shape)}
    buffer = io.BytesIO()
    np.savez(buffer, indices=np.array(indices), indptr=np.array(indptr), **parts)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["csr", "csc", "coo"])
def test_rows_with_foreground_come_back(kind):
    matrix = np.zeros((4, 12), np.uint8)
    matrix[1, 2:5], matrix[3, 7] = 1, 1
    buffer = io.BytesIO()
    sparse.save_npz(buffer, sparse.csr_matrix(matrix).asformat(kind))
    rows, masks, shape = load_channels(buffer.getvalue())
    assert rows.tolist() == [1, 3] and shape == (4, 12)
    assert np.array_equal(masks, matrix[[1, 3]] > 0)


def test_stored_zeros_are_no_foreground():
    rows, masks, _ = load_channels(csr(data=(0, 0)))
    assert len(rows) == len(masks) == 0


@pytest.mark.parametrize(("data", "dtype"), [((1, 1), np.int64), ((255, 255), np.uint8), ((1, 0.9995), np.float32)])
def test_masks_hold_0_and_1_or_0_and_white(data, dtype):
    rows, masks, _ = load_channels(csr(data=data, dtype=dtype))
    assert rows.tolist() == [0] and masks.sum() == 2


@pytest.mark.parametrize(
    ("data", "dtype", "shown"),
    [
        ((-1, -1), np.int32, "-1"),
        ((2, 2), np.int32, "2"),
        ((1, 255), np.uint8, "1, 255"),
        ((0.3, 0.3), np.float32, "0.3"),
        ((1e-9, 1e-9), np.float64, "1e-09"),
    ],
)
def test_values_of_no_mask_are_refused_and_named(data, dtype, shown):
    with pytest.raises(ValueError, match=f"it holds {shown}; masks hold 0 and 1, or 0 and 255"):
        load_channels(csr(data=data, dtype=dtype))


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        ({"1": "liver", "01": "spleen"}, "id 1 is named more than once"),
        ({"1": None}, "id 1 is named None, which is no text"),
        ({"1": 7}, "id 1 is named 7, which is no text"),
    ],
)
def test_a_class_has_one_name_of_text(labels, reason):
    with pytest.raises(ValueError, match=reason):
        class_names(labels)


WRONG = {
    "column outside": ({"indices": (5, 2**30)}, "index 5 or 1073741824 lies outside of 0 to 1599"),
    "column negative": ({"indices": (5, -1)}, "index -1 or 5 lies outside of 0 to 1599"),
    "column one too far": ({"indices": (5, 1600)}, "index 5 or 1600 lies outside of 0 to 1599"),
    "pointers too long": ({"indptr": (0, 99)}, "pointers do not count"),
    "pointers backwards": ({"indptr": (0, 2, 1), "shape": (2, 1600)}, "pointers do not count"),
    "pointers start late": ({"indptr": (1, 2)}, "pointers do not count"),
    "too few pointers": ({"shape": (3, 1600)}, "2 pointers for 3 lines"),
    "negative shape": ({"shape": (-1, 1600)}, "not one of a matrix"),
    "shape of three": ({"shape": (1, 40, 40)}, "not one of a matrix"),
    "shape of floats": ({"shape": (1.0, 1600.0)}, "not one of a matrix"),
    "huge shape": ({"shape": (1, 2**40)}, "not one of a matrix"),
    "float indices": ({"indices": (5.0, 6.0)}, "indices are not integers"),
    "NaN": ({"data": (np.nan, 1), "dtype": np.float32}, "not finite"),
    "text": ({"data": ("a", "b"), "dtype": "U1"}, "not lists of numbers"),
    "unknown format": ({"kind": b"dia"}, "sparse format 'dia'"),
    "a list of formats": ({"kind": [b"csr", b"csc"]}, "sparse format ''"),
    "more indices than values": ({"indices": (5, 6, 7)}, "2 values for 3 indices"),
}


@pytest.mark.parametrize(("change", "reason"), WRONG.values(), ids=WRONG)
def test_what_a_file_says_of_itself_is_not_believed(change, reason):
    with pytest.raises(ValueError, match=reason):  # ours: SciPy's own checks are not to be relied on
        load_channels(csr(**change))


def test_a_matrix_of_a_hundred_million_empty_channels_costs_nothing():
    buffer = io.BytesIO()
    sparse.save_npz(buffer, sparse.coo_matrix(([1], ([0], [5])), shape=(100_000_000, 1600), dtype=np.uint8))
    with pytest.raises(ValueError, match="100000000 channels"):
        load_channels(buffer.getvalue())


def altered(content: bytes, name: str, raw: bytes) -> bytes:
    """An archive with one of its files replaced."""
    with zipfile.ZipFile(io.BytesIO(content)) as old:
        parts = {one: old.read(one) for one in old.namelist()} | {name: raw}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for one, part in parts.items():
            new.writestr(one, part)
    return buffer.getvalue()


def header(shape: tuple[int, ...], descr: str = "|u1") -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": descr, "fortran_order": False, "shape": shape})
    return buffer.getvalue()


BROKEN = {
    "no header": b"csr",
    "cut header": header((2,)).replace(b"}", b" ", 1),
    "asks for 4 GiB": header((4 << 30,)) + bytes(1000),
    "asks for more than there is": header((1000,)) + bytes(10),
    "more than asked for": header((2,)) + bytes(10),
    "objects": header((2,), "|O") + bytes(16),
    "negative length": header((-2,)) + bytes(2),
}


@pytest.mark.parametrize("raw", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("name", ["data", "indices", "indptr", "format", "shape"])
def test_a_damaged_array_is_a_value_error(name, raw):
    with pytest.raises(ValueError, match=r"."):  # any reason, but never another error
        load_channels(altered(csr(), f"{name}.npy", raw))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no archive"])
def test_something_else_is_a_value_error(content):
    with pytest.raises(ValueError, match=r"."):  # any reason, but never another error
        load_channels(content)


def label(*rows) -> bytes:
    """A stored label of 4 x 3 pixels with the given rows of foreground."""
    matrix = np.zeros((len(rows), 12), np.uint8)
    for row, places in zip(matrix, rows, strict=True):
        row[list(places)] = 1
    buffer = io.BytesIO()
    sparse.save_npz(buffer, sparse.csr_matrix(matrix))
    return buffer.getvalue()


@pytest.mark.parametrize("name", ["x___a.(3, 4, 3, 1).npz", "x.(3, 4, 3).NPZ", "x.npz"])
def test_rows_are_classes_by_id_and_one_name_is_one_class(name):
    masks = read_classes(label([0, 1], [], [7]), name, {0: "background", 1: "liver", 3: "liver", 9: "heart"}, (4, 3))
    assert masks.keys() == {"liver"}
    assert np.flatnonzero(masks["liver"]).tolist() == [0, 1, 7]


def test_a_row_with_foreground_and_no_name_is_refused_with_its_id_and_count():
    with pytest.raises(ValueError, match="class id 2 has 3 pixels and no name; name it in the labels"):
        read_classes(label([0], [1, 2, 3]), "x.npz", {1: "liver"}, (4, 3))
    assert read_classes(label([0], []), "x.npz", {1: "liver"}, (4, 3)).keys() == {"liver"}


@pytest.mark.parametrize("name", ["x.(2, 3, 4, 1).npz", "x.(1, 4, 3, 1).npz", "x.(2, 4).npz", "x.(2, 4, 3, 2).npz"])
def test_a_label_of_another_shape_than_its_name_or_image_is_refused(name):
    with pytest.raises(ValueError, match=r"\(2, 12\) values named"):
        read_classes(label([0], [1]), name, {1: "liver", 2: "heart"}, (4, 3))
