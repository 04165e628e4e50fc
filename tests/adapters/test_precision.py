import pytest
import torch

from adapters.precision import autocast, check_precision, use_whole_float32

CPU = torch.device("cpu")


@pytest.mark.parametrize(("precision", "kind"), [("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_matrices_are_multiplied_in_the_precision_asked_for(precision, kind):
    with torch.autocast("cpu", torch.bfloat16), autocast(CPU, precision):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == kind


def test_an_unknown_precision_is_refused():
    check_precision("fp16")
    with pytest.raises(ValueError, match="fp32, bf16, fp16, got 'fp8'"):
        check_precision("fp8")


def test_float32_is_not_rounded_on_a_gpu():
    backends = torch.backends.cudnn, torch.backends.cuda.matmul
    before = [backend.allow_tf32 for backend in backends]
    try:
        for backend in backends:
            backend.allow_tf32 = True
        use_whole_float32()
        assert not any(backend.allow_tf32 for backend in backends)
    finally:
        for backend, value in zip(backends, before, strict=True):
            backend.allow_tf32 = value
