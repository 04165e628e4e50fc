import pytest
import torch
from segment_anything.modeling.image_encoder import Block

from adapters import image_attention
from adapters.image_attention import LeanBlock, use_fused_attention, use_lean_blocks
from adapters.published import published_arithmetic


def a_block(window, positions=True, bias=True):
    torch.manual_seed(0)
    block = Block(24, 3, qkv_bias=bias, use_rel_pos=positions, window_size=window, input_size=(9, 11)).eval()
    for parameter in block.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return block


@pytest.mark.parametrize("at_once", [2**22, 9 * 11 * 7, 1], ids=["all heads", "some rows", "one row"])
@pytest.mark.parametrize(
    ("window", "positions", "bias"),  # 4 + 4 channels of positions are as many as a head has, 3 + 3 are fewer
    [(0, True, True), (4, True, True), (4, False, True), (4, True, False), (3, True, True), (3, True, False)],
)
def test_gives_what_the_package_gives(monkeypatch, window, positions, bias, at_once):
    monkeypatch.setattr(image_attention, "SCORES_AT_ONCE", at_once)
    block, x = a_block(window, positions, bias), torch.randn(2, 9, 11, 24)
    with torch.no_grad():
        expected = block(x)
        use_lean_blocks(block)
        assert type(block) is LeanBlock
        torch.testing.assert_close(block(x), expected, rtol=0, atol=1e-5)


def test_padding_is_never_projected():
    rows = []
    block, x = a_block(4), torch.randn(1, 9, 11, 24)
    use_lean_blocks(block)
    for layer in (block.attn.qkv, block.attn.proj):
        layer.register_forward_hook(lambda _, given, __: rows.append(given[0].numel() // 24))
    with torch.no_grad():
        block(x)
        assert rows == [99, 99]
        with published_arithmetic():
            block(x)
        assert rows[2:] == [144, 144]


def test_with_gradients_the_packages_own_code_runs():
    block, x = a_block(4), torch.randn(1, 9, 11, 24)
    expected = block(x)
    use_lean_blocks(block)
    assert torch.equal(block(x), expected)
    block(x).sum().backward()
    assert block.attn.qkv.weight.grad is not None


def test_names_of_weights_stay():
    block = a_block(4)
    names = list(block.state_dict())
    use_lean_blocks(block)
    assert list(block.state_dict()) == names


@pytest.mark.parametrize(("window", "positions", "bias"), [(0, True, True), (4, True, True), (4, False, False)])
def test_the_fused_attention_gives_what_the_package_gives(monkeypatch, window, positions, bias):
    block, x = a_block(window, positions, bias), torch.randn(2, 9, 11, 24)
    calls = []
    fused = torch.nn.functional.scaled_dot_product_attention
    monkeypatch.setattr(
        torch.nn.functional, "scaled_dot_product_attention", lambda *a, **k: calls.append(1) or fused(*a, **k)
    )
    with torch.no_grad():
        expected = block(x)
        use_lean_blocks(block)
        block.fused = True
        torch.testing.assert_close(block(x), expected, rtol=0, atol=1e-5)
        assert calls == [1]
        with published_arithmetic():
            assert torch.equal(block(x), expected)
    torch.testing.assert_close(block(x), expected, rtol=0, atol=1e-5)
    assert calls == [1], "neither as published nor with gradients"


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_fused_attention_is_used_once_it_was_proven(precision):
    network = torch.nn.Sequential(a_block(0), a_block(3))
    use_lean_blocks(network)
    assert not any(block.fused for block in network)
    use_fused_attention(network, precision)
    assert all(block.fused for block in network)


@pytest.mark.parametrize("broken", [0, 3])
def test_a_fused_attention_that_is_off_is_used_by_no_block(monkeypatch, broken):
    network = torch.nn.Sequential(a_block(0), a_block(3))
    use_lean_blocks(network)
    right = image_attention._fused
    wrong = network[0 if broken == 0 else 1].attn
    monkeypatch.setattr(image_attention, "_fused", lambda a, x: right(a, x) * (1 + 1e-4 * (a is wrong)))
    with pytest.warns(UserWarning, match=r"not used \(it is off by 0.0001 in fp32\)"):
        use_fused_attention(network, "fp32")
    assert not any(block.fused for block in network)


def test_a_fused_attention_that_fails_is_not_used(monkeypatch):
    def fails(*_):
        raise torch.OutOfMemoryError("no room\nfor it")

    block = a_block(0)
    use_lean_blocks(block)
    monkeypatch.setattr(image_attention, "_fused", fails)
    with pytest.warns(UserWarning, match=r"not used \(OutOfMemoryError: no room\)"):
        use_fused_attention(block, "fp32")
    assert not block.fused


def test_a_network_without_such_blocks_stays_as_it_is():
    use_fused_attention(torch.nn.Linear(2, 2), "fp32")
