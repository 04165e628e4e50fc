"""The engine, its checkpoints and the command that builds."""

import pytest
import torch

from bench.miniworld.training.engine import MiniTraining, scaled
from tests.helpers.versions import needs_muon

pytestmark = needs_muon
CPU = torch.device("cpu")
SHARE = 1e-6


def trained(quick, tmp_path, checkpoint):
    family = scaled(quick["sam"], SHARE)
    torch.manual_seed(0)
    training = MiniTraining(family.build(), family, CPU, tmp_path / checkpoint)
    training.run(tmp_path / f"{checkpoint}.csv")
    return training.network.state_dict()


@pytest.mark.slow
def test_a_killed_training_goes_on_to_the_same_weights(quick, tmp_path, monkeypatch):
    whole = trained(quick, tmp_path, "whole")
    steps, original = [], MiniTraining._step

    def killed(self, *arguments):
        steps.append(1)
        if len(steps) == 3:
            raise KeyboardInterrupt
        return original(self, *arguments)

    monkeypatch.setattr(MiniTraining, "_step", killed)
    with pytest.raises(KeyboardInterrupt):
        trained(quick, tmp_path, "killed")
    monkeypatch.setattr(MiniTraining, "_step", original)
    resumed = trained(quick, tmp_path, "killed")
    assert all(torch.equal(value, resumed[name]) for name, value in whole.items())
