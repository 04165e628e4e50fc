"""The whole way from stored masks to records, against MONAI and scipy on random and corner-case masks."""

import numpy as np
import pandas as pd
import pytest
import torch
from monai.metrics import compute_dice, compute_hausdorff_distance, compute_iou, compute_surface_dice
from scipy import ndimage

from bench import protocols
from bench.errors import RunError
from bench.scoring import propagation
from bench.scoring.metrics import METRICS
from bench.scoring.score import score
from bench.store.files import write_json
from bench.store.masks import MaskShard
from bench.store.records import read_records
from bench.store.run_folder import (
    RECORD_COLUMNS,
    candidates_path,
    predictions_path,
    records_path,
    targets_path,
)

pytestmark = [  # of MONAI's own calls
    pytest.mark.filterwarnings("ignore:.*always_return_as_numpy:FutureWarning"),
    pytest.mark.filterwarnings("ignore:the prediction of class 0 is all 0:UserWarning"),
]
BENCH = protocols.PROTOCOLS["bench"]
PLANE_MM, SLICE_MM, SLICES = (0.8, 1.7), 3.0, 9
SHAPE = (24, 31)
NAME, CASE = "isles2022", "c1"
LESION = "ischemic stroke lesion"


def blobs(rng, fill):
    seeds = rng.random((*SHAPE, 2)) < fill / np.prod(SHAPE)
    grown = [ndimage.binary_dilation(seeds[..., i], iterations=int(rng.integers(1, 5))) for i in range(2)]
    return grown[0], grown[1]


def box(*sides):
    made = np.zeros(SHAPE, bool)
    made[tuple(slice(*side) for side in sides)] = True
    return made


CORNERS = {
    1: (box((2, 3), (2, 3)), box((20, 21), (30, 31))),  # one pixel each, one in the corner
    2: (box((0, 24), (0, 31)), box((5, 6), (0, 31))),  # everything, and a line
    4: (box((3, 9), (3, 9)), box((0, 0), (0, 0))),  # nothing drawn
    5: (box((3, 9), (3, 9)), box((3, 9), (3, 9))),  # a perfect match
}


def pairs(seed):
    """Slice to (target, predicted); slice 7 is a gap, so that stacking must not close it."""
    rng = np.random.default_rng(seed)
    made = dict(CORNERS) | {index: blobs(rng, 6) for index in (0, 3, 6, 8)}
    return {index: pair for index, pair in sorted(made.items()) if pair[0].any()}


def write_run(folder, drawn, rounds=1, **facts):
    """A run folder of one model and one case; `drawn` maps a slice to (target, mask of each round ...)."""
    place = {"spacing_mm": list(PLANE_MM), "slice_mm": SLICE_MM, "slices": SLICES} | facts
    place = {name: value for name, value in place.items() if value != "absent"}
    kept = [{"slice": index, "target": LESION} | place for index in drawn]
    MaskShard(kept, [row[0] for row in drawn.values()]).save(targets_path(folder, NAME, CASE))
    prompt = "box" if rounds == 1 else "clicks"
    index, masks = [], []
    for number in range(rounds):
        for place_of, row in drawn.items():
            mask = row[1 + number]
            facts = {"slice": place_of, "target": LESION, "prompt": prompt, "round": number + 1}
            state = (
                {"status": "ok", "reason": None, "score": 0.7} if mask is not None else {"reason": "x", "score": None}
            )
            index.append(facts | state)
            masks.append(mask)
    where = predictions_path(folder, "m", NAME, CASE)
    MaskShard(index, masks).save(where)
    write_json(where.with_suffix(".seconds.json"), [{"seconds_encode": 0.1, "seconds_decode": 0.2}] * len(index))
    return pd.DataFrame([{"dataset": NAME, "patient": "p", "case": CASE, "seed": 0}])


def scored(folder, drawn, protocol=BENCH, **more):
    return scored_again(folder, write_run(folder, drawn, **more), protocol)


def scored_again(folder, table, protocol=BENCH):
    score(folder, ["m"], table, protocol, 1, "local", records_path(folder))
    return read_records(folder)


def values(records):
    return records.set_index(["slice", "metric"])["value"]


def monai(target, predicted, spacing):
    one, two = (torch.from_numpy(mask)[None, None].float() for mask in (target, predicted))
    return {
        "dice": float(compute_dice(two, one)),
        "iou": float(compute_iou(two, one)),
        "nsd@2mm": float(compute_surface_dice(two, one, [2.0], include_background=True, spacing=spacing)),
        "hd95": float(compute_hausdorff_distance(two, one, include_background=True, percentile=95, spacing=spacing)),
    }


@pytest.mark.parametrize("seed", range(4))
def test_slices_and_volumes_agree_with_monai(tmp_path, seed):
    drawn = pairs(seed)
    found = values(scored(tmp_path, drawn))
    diagonal = np.hypot(23 * PLANE_MM[0], 30 * PLANE_MM[1])
    for index, (target, predicted) in drawn.items():
        theirs = monai(target, predicted, PLANE_MM)
        if not predicted.any():  # MONAI gives infinity; here the worst that fits the image
            theirs |= {"hd95": diagonal, "nsd@2mm": 0.0}
        for name, value in theirs.items():
            assert found[index, name] == pytest.approx(value, abs=1e-5), (index, name)
    stacked = np.zeros((2, SLICES, *SHAPE), bool)
    for index, pair in drawn.items():
        stacked[:, index] = pair
    for name, value in monai(*stacked, (SLICE_MM, *PLANE_MM)).items():
        assert found[pd.NA, f"volume_{name}"] == pytest.approx(value, abs=1e-5), name


@pytest.mark.parametrize("seed", range(4))
def test_lesions_agree_with_scipy(tmp_path, seed):
    drawn = pairs(seed)
    found = values(scored(tmp_path, drawn))
    target, predicted = np.zeros((2, SLICES, *SHAPE), bool)
    for index, pair in drawn.items():
        target[index], predicted[index] = pair
    full = np.ones((3, 3, 3))
    lesions, count = ndimage.label(target, full)
    components, drawn_count = ndimage.label(predicted, full)
    hit = sum(bool((predicted & (lesions == number)).any()) for number in range(1, count + 1))
    wrong = sum(not (target & (components == number)).any() for number in range(1, drawn_count + 1))
    assert found[pd.NA, "lesions_found"] == hit and found[pd.NA, "lesions_missed"] == count - hit
    assert found[pd.NA, "lesions_invented"] == wrong
    assert found[pd.NA, "lesion_f1"] == pytest.approx(2 * hit / (hit + count + wrong))


def test_records_keep_to_the_contract(tmp_path):
    records = scored(tmp_path, pairs(0))
    assert tuple(records.columns) == RECORD_COLUMNS
    assert set(records["metric"]) <= set(METRICS)
    volumes = {name for name, one in METRICS.items() if one.volume} - set(propagation.NAMES)
    volumes -= {"volume_cldice"}  # lesions are no tubes
    assert set(records.loc[records["slice"].isna(), "metric"]) == volumes
    assert (records.loc[records["metric"] == "predicted_iou", "value"] == 0.7).all()
    area = records.query("slice == 4 and metric == 'hd95'")["area_px"].item()
    assert area == 36 and set(records.loc[records["metric"] != "lesion_ppv", "status"]) == {"ok"}


def test_a_picture_is_its_own_volume(tmp_path):
    drawn = {0: pairs(1)[0]}
    found = values(scored(tmp_path, drawn, slice_mm=None, slices=1))
    for name in ("dice", "nsd@2mm", "hd95"):
        assert found[pd.NA, f"volume_{name}"] == found[0, name]
    assert (pd.NA, "lesion_f1") not in found.index


def test_a_run_that_did_not_keep_the_third_axis_has_no_distances_of_volumes(tmp_path):
    records = scored(tmp_path, pairs(2), slice_mm="absent", slices="absent")
    found = records.set_index("metric")
    for name in ("volume_nsd@2mm", "volume_hd95"):
        assert np.isnan(found["value"][name]) and found["status"][name] == "undefined"
    assert found["status"]["volume_dice"] == "ok"
    assert set(found["status"]["hd95"]) == {"ok"}


def test_one_failed_slice_fails_its_own_scores_and_the_volume(tmp_path):
    drawn = pairs(0)
    drawn[3] = (drawn[3][0], None)
    records = scored(tmp_path, drawn)
    failed = records[records["status"] == "failed"]
    assert failed["value"].isna().all()
    slices = {"dice", "iou", "nsd@2mm", "hd95", "assd", "predicted_iou"}
    assert set(failed.loc[failed["slice"] == 3, "metric"]) == slices
    by_lesion = {"lesion_ml", "lesion_sensitivity", "lesion_ppv"}
    volumes = {name for name, one in METRICS.items() if one.volume} - by_lesion - {"volume_cldice", *propagation.NAMES}
    assert set(failed.loc[failed["slice"].isna(), "metric"]) == volumes
    assert set(failed["slice"].dropna()) == {3}


@pytest.mark.parametrize(
    ("rule", "dice", "status"),
    [("nan", np.nan, "undefined"), ("one", 1.0, "ok"), ("zero", 0.0, "ok"), ("skip", np.nan, "skipped")],
)
def test_the_empty_rule_holds_for_overlaps_and_nsd_but_never_for_distances(tmp_path, rule, dice, status):
    nothing = box((0, 0), (0, 0))
    drawn = {0: (nothing, nothing), 1: (box((3, 9), (3, 9)), box((3, 9), (3, 8))), 2: (nothing, box((3, 9), (3, 8)))}
    records = scored(tmp_path, drawn, protocols.with_empty_rule(BENCH, rule)).set_index(["slice", "metric"])
    for name in ("dice", "iou", "nsd@2mm"):
        value, found = records.loc[(0, name), ["value", "status"]]
        assert found == status and (value == dice or (np.isnan(value) and np.isnan(dice)))
    assert np.isnan(records.loc[(0, "hd95"), "value"])
    assert records.loc[(1, "dice"), "value"] == pytest.approx(2 * 30 / 66)
    assert records.loc[(2, "dice"), "status"] == ("skipped" if rule == "skip" else "ok")


def test_pixels_as_the_unit_of_distance(tmp_path):
    drawn = pairs(3)
    found = values(scored(tmp_path, drawn, protocols.PROTOCOLS["medsam"]))
    for index in (0, 1, 3):
        theirs = monai(*drawn[index], (1.0, 1.0))
        assert found[index, "nsd@2px"] == pytest.approx(theirs["nsd@2mm"], abs=1e-5)
        assert found[index, "hd95_px"] == pytest.approx(theirs["hd95"], abs=1e-5)


def write_candidates(folder, rows):
    shard = MaskShard([facts for facts, _ in rows], [mask for _, mask in rows])
    shard.save(candidates_path(folder, "m", NAME, CASE))


def test_regret_and_the_oracle_are_scored_from_stored_candidates(tmp_path):
    target = box((3, 9), (3, 9))
    good, own, bad = box((3, 9), (3, 8)), box((3, 9), (3, 7)), box((3, 9), (3, 5))
    table = write_run(tmp_path, {0: (target, own), 2: (target, target)})
    others = [({"entry": 0, "candidate": 0, "score": 0.6}, bad), ({"entry": 0, "candidate": 2, "score": 0.1}, good)]
    write_candidates(tmp_path, others)
    found = values(scored_again(tmp_path, table, BENCH))
    assert found[0, "oracle_iou"] == pytest.approx(30 / 36) and found[0, "oracle_dice"] == pytest.approx(60 / 66)
    assert found[0, "iou"] == pytest.approx(24 / 36) and found[0, "regret"] == pytest.approx(6 / 36)
    assert (2, "regret") not in found.index  # one candidate: nothing to regret
    by_oracle = values(scored_again(tmp_path, table, protocols.PROTOCOLS["huang"]))
    assert by_oracle[0, "dice"] == pytest.approx(60 / 66) and by_oracle[0, "regret"] == pytest.approx(6 / 36)
    assert by_oracle[pd.NA, "volume_dice"] == pytest.approx(2 * (30 + 36) / (72 + 30 + 36))


def test_clicks_have_scores_of_all_rounds(tmp_path):
    target = box((0, 10), (0, 10))
    drawn = {0: (target, box((0, 10), (0, 5)), box((0, 10), (0, 9)), target), 1: (target, None, None, None)}
    records = scored(tmp_path, drawn, rounds=3)
    found = records[records["round"].isna()].set_index(["slice", "metric"])
    assert found["value"][0, "noc@85"] == 2 and found["value"][0, "noc@90"] == 2
    assert found["value"][0, "nof@90"] == 0
    assert found["value"][0, "iou_auc"] == pytest.approx((0 + 0.5 + 0.5 + 0.9 + 0.9 + 1) / 6)
    assert set(found.loc[1, "status"]) == {"failed"} and found.loc[1, "value"].isna().all()
    assert not records.loc[records["round"].isna(), "slice"].isna().any()


def test_components_are_scored_alone_and_stacked_as_one_class(tmp_path):
    target = box((2, 6), (2, 6)) | box((12, 18), (12, 18))
    parts = {f"{LESION}#1": box((2, 6), (2, 6)), f"{LESION}#2": box((12, 18), (12, 18))}
    place = {"slice": 0, "spacing_mm": list(PLANE_MM), "slice_mm": SLICE_MM, "slices": SLICES}
    shard = MaskShard([place | {"target": name} for name in parts], list(parts.values()))
    table = write_run(tmp_path, {0: (target, target)})
    shard.save(targets_path(tmp_path, NAME, CASE))
    where = predictions_path(tmp_path, "m", NAME, CASE)
    entry = {"slice": 0, "prompt": "box", "round": 1, "status": "ok", "reason": None, "score": None}
    MaskShard([entry | {"target": name} for name in parts], list(parts.values())).save(where)
    write_json(where.with_suffix(".seconds.json"), [{"seconds_encode": 0.1, "seconds_decode": 0.2}] * 2)
    records = scored_again(tmp_path, table, BENCH)
    dice = records[records["metric"].isin(["dice", "volume_dice"])]
    assert dice["target"].tolist() == [f"{LESION}#1", f"{LESION}#2", LESION] and (dice["value"] == 1).all()


def test_a_prediction_without_its_target_is_a_damaged_run(tmp_path):
    table = write_run(tmp_path, pairs(0))
    shard = MaskShard.load(targets_path(tmp_path, NAME, CASE))
    MaskShard(shard.index[1:], shard.masks[1:]).save(targets_path(tmp_path, NAME, CASE))
    with pytest.raises(RunError, match="damaged"):
        scored_again(tmp_path, table)
