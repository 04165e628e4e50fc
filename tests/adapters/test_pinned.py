"""Tensors travel whole; on a CPU nothing is copied."""

import pytest
import torch

from adapters.pinned import begin_to_host, to_device


def test_on_a_cpu_nothing_is_copied():
    values = torch.arange(6).reshape(2, 3)
    assert to_device(values, torch.device("cpu")).data_ptr() == values.data_ptr()
    assert begin_to_host(values)().data_ptr() == values.data_ptr()


@pytest.mark.gpu
def test_values_arrive_on_a_gpu_and_come_back():
    device = torch.device("cuda")
    sent = [torch.full((512, 512), float(n)) for n in range(20)]
    there = [to_device(values.clone(), device) for values in sent]  # each block is free again while others travel
    back = [begin_to_host(2 * values) for values in there]
    assert all(torch.equal(arrived(), 2 * values) for arrived, values in zip(back, sent, strict=True))
    assert to_device(there[0], device) is there[0]
