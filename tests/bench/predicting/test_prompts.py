import numpy as np
import torch

from bench.predicting.prompts import to_prompt
from bench.prompting.prompt import SimulatedPrompt


def test_a_box_alone_has_no_points():
    box = np.array([1, 2, 3, 4], np.float32)
    made = to_prompt(SimulatedPrompt(box=box))
    assert made.kinds == {"box"} and made.box is not None and made.box.tolist() == [1, 2, 3, 4]


def test_corrections_follow_the_first_clicks_with_the_models_own_feedback():
    previous = torch.zeros(1, 4, 4)
    made = to_prompt(SimulatedPrompt(clicks=((5, 6, 1),)), [(7, 8, 0)], previous)
    assert made.kinds == {"points", "mask"} and made.previous is previous
    assert made.points.xy.tolist() == [[5, 6], [7, 8]] and made.points.labels.tolist() == [1, 0]


def test_a_name_passes():
    assert to_prompt(SimulatedPrompt(text="liver")).text == "liver"
