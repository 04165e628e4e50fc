"""Marks of tests that need a newer version of a package than the oldest supported one."""

import pytest
import torch

needs_muon = pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="training the minis needs torch 2.9 for Muon")
