import pytest

from adapters.published import as_published, published_arithmetic


def fail() -> None:
    assert as_published()
    raise RuntimeError


def test_the_switch_holds_within_its_block_even_if_that_fails():
    assert not as_published()
    with pytest.raises(RuntimeError), published_arithmetic():
        fail()
    assert not as_published()


def test_blocks_may_lie_in_each_other():
    with published_arithmetic():
        with published_arithmetic():
            pass
        assert as_published()
