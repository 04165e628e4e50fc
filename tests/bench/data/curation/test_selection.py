import numpy as np
import pandas as pd
import pytest

from bench.data.curation.selection import SelectionRules, select

LENIENT = SelectionRules(least_score=-9, least_z=-99)


def masks(count: int = 40, dataset: str = "a") -> pd.DataFrame:
    """Sound masks of 2 classes, each of an image and a patient of its own."""
    rng = np.random.default_rng(len(dataset) + count)
    return pd.DataFrame(
        {
            "dataset": dataset,
            "modality": "CT",
            "patient": [f"P{number}" for number in range(count)],
            "person": [f"{dataset}{number}" for number in range(count)],
            "case": [f"c{number:03}" for number in range(count)],
            "slice": 0,
            "target": ["liver", "spleen"] * (count // 2),
            "pixels_sha256": [f"{dataset}{number}" for number in range(count)],
            "hash": [rng.bytes(32).hex() for _ in range(count)],
            "clarity": rng.uniform(0.01, 0.02, count),
            "contrast": rng.uniform(0.1, 0.2, count),
            "entropy": rng.uniform(5, 6, count),
            "foreground_ratio": 0.1,
            "regions": 1,
        }
    )


def kept(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["reason"] == ""]


def test_all_sound_masks_pass() -> None:
    assert len(kept(select(masks(), pd.DataFrame(), LENIENT))) == 40


def test_quotas_are_kept_and_named() -> None:
    both = pd.concat([masks(40), masks(20, "bb")], ignore_index=True)
    found = select(both, pd.DataFrame(), SelectionRules(25, 18, 10, least_score=-9, least_z=-99))
    taken = kept(found)
    assert len(taken) == 25
    assert taken.groupby("dataset").size().max() <= 18
    assert taken.groupby(["dataset", "target"]).size().max() <= 10
    named = " ".join(found["reason"])
    assert "the quota of 25 for all masks is full" in named and "the quota of 10 for class liver of a is full" in named


def test_draws_depend_on_the_seed_and_not_on_the_order_of_rows() -> None:
    few = SelectionRules(10, least_score=-9, least_z=-99)
    first = select(masks(), pd.DataFrame(), few)
    shuffled = select(masks().sample(frac=1, random_state=1), pd.DataFrame(), few)
    pd.testing.assert_frame_equal(first, shuffled)
    other = select(masks(), pd.DataFrame(), SelectionRules(10, least_score=-9, least_z=-99, seed=1))
    assert set(kept(other)["case"]) != set(kept(first)["case"])


def test_a_smaller_target_takes_a_part_of_the_larger_set() -> None:
    sizes = [kept(select(masks(), pd.DataFrame(), SelectionRules(n, least_score=-9, least_z=-99))) for n in (5, 10)]
    assert set(sizes[0]["case"]) < set(sizes[1]["case"])


def test_the_better_of_two_alike_is_kept() -> None:
    table = masks()
    table.loc[7, "hash"] = table.loc[3, "hash"]
    table.loc[7, ["clarity", "contrast", "entropy"]] = [0.03, 0.3, 7]
    found = select(table, pd.DataFrame(), LENIENT)
    assert found["reason"][found["reason"] != ""].to_dict() == {3: "near-duplicate of a c007 slice 0"}


def test_a_leak_takes_all_images_of_the_patient_along_and_no_other() -> None:
    table, tested = masks(), masks(2, "eval")
    table.loc[5, "person"] = table.loc[4, "person"]
    tested.loc[0, "pixels_sha256"] = table.loc[4, "pixels_sha256"]
    tested.loc[1, "hash"] = table.loc[9, "hash"]
    reasons = select(table, tested, LENIENT)["reason"]
    assert reasons[reasons != ""].to_dict() == {
        4: "leaked: the pixels of evaluation image eval c000 slice 0",
        5: "leaked: another image of patient P5 is evaluation image eval c000 slice 0",
        9: "leaked: looks like evaluation image eval c001 slice 0",
    }


def test_everything_leaked_leaves_nothing() -> None:
    assert kept(select(masks(4), masks(4), LENIENT)).empty


def test_limits_name_value_and_limit() -> None:
    table = masks()
    table.loc[0, "foreground_ratio"], table.loc[1, "foreground_ratio"], table.loc[2, "regions"] = 0.0001, 0.95, 40
    table.loc[3, "clarity"] = 1e-6
    table.loc[4, ["clarity", "contrast", "entropy"]] = [0.0095, 0.06, 4.5]
    found = select(table, pd.DataFrame(), SelectionRules(least_z=-8, least_score=-1.3))["reason"]
    assert found[0] == "foreground ratio 0.0001 is below 0.0005"
    assert found[1] == "foreground ratio 0.95 is above 0.9"
    assert found[2] == "40 regions; at most 32"
    assert found[3].startswith("clarity 1e-06 is ") and found[3].endswith("at most 8")
    assert found[4].startswith("score -1.") and found[4].endswith("is below -1.3")


@pytest.mark.parametrize(
    "wrong", [{"masks": -1}, {"least_foreground": 0.5, "most_foreground": 0.1}, {"held_out": 1.0}, {"alike_bits": -1}]
)
def test_rules_that_cannot_be_meant_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"-1|0\.5|1\.0"):
        SelectionRules(**wrong)  # type: ignore[arg-type]
