import pytest
import torch
from segment_anything.modeling.image_encoder import Block

from adapters import image_attention
from adapters.image_attention import LeanBlock, use_lean_blocks
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
