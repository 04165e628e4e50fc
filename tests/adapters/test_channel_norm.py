import copy

import pytest
import torch
from sam2.modeling.sam2_utils import LayerNorm2d as Sam2Norm
from segment_anything.modeling.common import LayerNorm2d as SamNorm

from adapters.channel_norm import use_one_pass_norms
from adapters.published import published_arithmetic


@pytest.fixture(params=[SamNorm, Sam2Norm])
def norm(request):
    made = request.param(6)
    torch.nn.init.normal_(made.weight)
    torch.nn.init.normal_(made.bias)
    return made


@pytest.mark.parametrize("order", [torch.channels_last, torch.contiguous_format])
def test_gives_what_the_packages_give(norm, order):
    x = torch.randn(2, 6, 4, 5).contiguous(memory_format=order)
    expected = norm(x).detach()
    kind = type(norm)
    use_one_pass_norms(norm)
    assert isinstance(norm, kind) and type(norm) is not kind
    with torch.no_grad():
        torch.testing.assert_close(norm(x), expected, rtol=0, atol=1e-5)
        assert norm(x).stride() == expected.stride()


def test_one_pass_where_channels_lie_side_by_side(norm, monkeypatch):
    x, calls = torch.randn(2, 6, 4, 5).contiguous(memory_format=torch.channels_last), []
    use_one_pass_norms(norm)
    once = torch.nn.functional.layer_norm
    monkeypatch.setattr(torch.nn.functional, "layer_norm", lambda *given: calls.append(1) or once(*given))
    norm(x)
    with torch.no_grad():
        with published_arithmetic():
            norm(x)
        norm(x.contiguous())
        assert not calls
        norm(x)
    assert calls == [1]


def test_a_network_is_changed_once(norm):
    use_one_pass_norms(norm)
    kind = type(norm)
    use_one_pass_norms(norm)
    assert type(norm) is kind
    assert type(copy.deepcopy(norm)) is kind
