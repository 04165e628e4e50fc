"""Chosen experts, against the network and by hand."""

import pandas as pd
import pytest

from bench.studies.inside import choices


def test_choices_are_those_of_the_network(segmenter, slices):
    table = choices.choices(segmenter, (found for _, found in slices))
    assert len(table) == sum(len(found.questions) for _, found in slices)
    row, (_, found) = table.iloc[0], slices[0]
    [encoded] = segmenter.encode([found.sample.image])
    drawn = segmenter.draw([(encoded, found.questions[0].prompt)])
    assert row["token"] == int(drawn.token)
    experts = [str(drawn.routings[1].experts[0, token, 0].item()) for token in range(4)]
    assert [row[f"layer1_token{token}"] for token in range(4)] == experts
    assert (table["best_dice"] >= table["dice"]).all()


def test_shares_by_hand():
    table = pd.DataFrame({
        "dataset": ["b", "b", "b", "a"], "token": [0, 0, 1, 2], "best_token": [0, 1, 1, 2],
        "dice": [0.1, 0.2, 0.3, 0.4], "best_dice": [0.1, 0.8, 0.3, 0.4], "layer0_token0": ["0", "0", "1", "2+1"],
        "layer0_token1": ["0", "0", "2", "1+2"],
    })  # fmt: skip
    found = choices.shares(table, 3)
    assert list(found.index) == ["b", "a"]
    assert found["n"].tolist() == [3, 1]
    assert found.loc["b", ["token0", "token1", "token2", "hit"]].tolist() == pytest.approx([2 / 3, 1 / 3, 0, 2 / 3])
    assert found.loc["b", "best_dice"] == pytest.approx(0.4)
    used = choices.expert_shares(table, 0, 3)
    assert used.loc["b"].tolist() == pytest.approx([4 / 6, 1 / 6, 1 / 6])
    assert used.loc["a"].tolist() == pytest.approx([0, 0.5, 0.5])
