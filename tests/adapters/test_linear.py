import json

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from adapters import linear
from adapters.linear import OneDnnLinear, decision, use_one_dnn
from adapters.published import published_arithmetic


@pytest.fixture(autouse=True)
def _own_cache_folder(monkeypatch, tmp_path):
    monkeypatch.setattr(linear.pooch, "os_cache", lambda name: tmp_path / name)
    decision.cache_clear()
    yield
    decision.cache_clear()


def decide(monkeypatch, use):
    monkeypatch.setattr(linear, "measure", lambda: {"use": use, "reason": "told so", "error": None, "speedup": None})


def rounded_to_bf16(x, weight, bias):
    return F.linear(x.bfloat16(), weight.bfloat16(), bias.bfloat16()).float()


def exact_and(slower):
    def way(x, weight, bias):
        for _ in range(slower):
            F.linear(x, weight, bias)
        return F.linear(x, weight, bias)

    return way


def test_what_rounds_to_bfloat16_is_never_used(monkeypatch):
    monkeypatch.setattr(linear, "_one_dnn", rounded_to_bf16)
    found = linear.measure()
    assert not found["use"] and "not float32" in found["reason"] and found["error"] > 1e-3


def test_what_is_slower_is_not_used(monkeypatch):
    monkeypatch.setattr(linear, "_one_dnn", exact_and(slower=1))
    found = linear.measure()
    assert not found["use"] and found["speedup"] < 1 and found["error"] < 5e-6


def test_what_is_exact_and_faster_is_used(monkeypatch):
    other = exact_and(slower=0)
    monkeypatch.setattr(linear, "_one_dnn", other)
    monkeypatch.setattr(linear, "_seconds", lambda way, _: 1.0 if way is other else 1.2)
    found = linear.measure()
    assert found["use"] and found["speedup"] == pytest.approx(1.2)


def test_the_summary_says_what_computes_and_why(monkeypatch):
    decide(monkeypatch, use=False)
    assert linear.summary() == "PyTorch's own (told so)"


def test_a_machine_is_measured_once(monkeypatch):
    decide(monkeypatch, use=True)
    assert decision()["use"]
    decision.cache_clear()
    decide(monkeypatch, use=False)
    assert decision()["use"], "another process keeps to the first decision"
    assert json.loads(linear.decision_path().read_text())["reason"] == "told so"


def test_a_decision_that_cannot_be_kept_is_not_used(monkeypatch, tmp_path):
    decide(monkeypatch, use=True)
    (tmp_path / "segmote-bench").write_text("a file where the folder should be")
    found = decision()
    assert not found["use"] and "cannot be kept" in found["reason"]


def test_only_large_layers_and_only_where_it_pays(monkeypatch):
    network = nn.Sequential(nn.Linear(256, 128), nn.Linear(128, 16))
    decide(monkeypatch, use=False)
    use_one_dnn(network)
    assert [type(layer) for layer in network] == [nn.Linear, nn.Linear]
    linear.decision_path().unlink()
    decision.cache_clear()
    decide(monkeypatch, use=True)
    names = list(network.state_dict())
    use_one_dnn(network)
    assert [type(layer) for layer in network] == [OneDnnLinear, nn.Linear]
    assert list(network.state_dict()) == names


def test_small_networks_need_no_decision(monkeypatch):
    monkeypatch.setattr(linear, "measure", lambda: pytest.fail("measured for nothing"))
    use_one_dnn(nn.Linear(96, 288))


@pytest.mark.parametrize("bias", [True, False])
def test_the_layer_gives_what_its_parent_gives(bias):
    layer, x = OneDnnLinear(256, 128, bias=bias), torch.randn(2, 8, 8, 256)
    expected = F.linear(x, layer.weight, layer.bias)
    assert torch.equal(layer(x), expected), "with gradients it is its parent"
    with torch.no_grad():
        torch.testing.assert_close(layer(x), expected, rtol=0, atol=1e-5)
        with published_arithmetic():
            assert torch.equal(layer(x), expected)
        with torch.autocast("cpu", torch.bfloat16):
            assert layer(x).dtype == torch.bfloat16
