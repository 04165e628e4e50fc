import pytest

from bench.miniworld.training import segmote


def test_a_missing_base_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"imis\.safetensors, which is not there; build imis first"):
        segmote.build(tmp_path, tmp_path)
