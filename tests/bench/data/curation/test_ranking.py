import numpy as np
import pandas as pd
import pytest

from bench.data.curation.ranking import robust_z, with_scores


def table(**columns: object) -> pd.DataFrame:
    one = {"dataset": "a", "modality": "CT", "case": "c", "clarity": 0.01, "contrast": 0.2, "entropy": 5.0}
    one |= {"foreground_ratio": 0.1, "regions": 1}
    return pd.DataFrame(one | {"slice": range(5)} | columns)


def test_mean_deviation_takes_over_where_most_values_are_equal() -> None:
    np.testing.assert_allclose(robust_z([1, 1, 1, 1, 6]), [0, 0, 0, 0, 5 / 1.2533])
    assert robust_z([]).size == 0


def test_each_data_set_and_modality_has_its_own_median() -> None:
    both = pd.concat([table(entropy=[1, 2, 3, 4, 5.0]), table(modality="MR", case="d", entropy=[6, 7, 8, 9, 10.0])])
    z = with_scores(both.reset_index(drop=True), (0.01, 0.9))["z_entropy"]
    np.testing.assert_allclose(z[:5], z[5:])
    assert z[2] == 0


def test_an_image_counts_once_however_many_masks_it_has() -> None:
    many = table(slice=[0, 0, 0, 1, 2], entropy=[1, 1, 1, 2, 3.0])
    assert with_scores(many, (0.01, 0.9))["z_entropy"].tolist()[3] == 0


def test_directions() -> None:
    ranked = with_scores(
        table(clarity=[0.01, 0.02, 0.04, 0.08, 0], foreground_ratio=[0.001, 0.1, 0.2, 0.3, 1], regions=[9, 1, 2, 3, 4]),
        (0.01, 0.5),
    )
    assert ranked["z_clarity"].is_monotonic_increasing is False and ranked["z_clarity"].idxmax() == 3
    assert ranked["z_foreground_ratio"].tolist()[1:4] == [0, 0, 0]
    assert (ranked["z_foreground_ratio"][[0, 4]] < 0).all()
    assert ranked["z_regions"].idxmax() == 1 and ranked["z_regions"].idxmin() == 0


def test_score_is_the_weighted_mean_of_clipped_z() -> None:
    ranked = with_scores(table(contrast=[0.1, 0.2, 0.3, 0.4, 900]), (0.01, 0.9), {"contrast": 2, "entropy": 1})
    assert ranked["score"][4] == pytest.approx(2 * 3 / 3)
    with pytest.raises(ValueError, match="sharpness"):
        with_scores(table(), (0.01, 0.9), {"sharpness": 1})
