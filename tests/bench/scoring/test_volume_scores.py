import numpy as np
import pytest

from bench.protocols import load
from bench.scoring.pair import Target
from bench.scoring.surface import ImagePart
from bench.scoring.volume_scores import ClassKind, kind_of, lesion_records, volume_scores

PROTOCOL = load("bench")
SPACING = (5.0, 0.5, 2.0)  # 5 microlitres
LESIONS, TUBE, PLAIN = ClassKind(True, False), ClassKind(False, True), ClassKind(False, False)


def volume(*boxes):
    made = np.zeros((6, 40, 40), bool)
    for box in boxes:
        made[tuple(slice(*side) for side in box)] = True
    return made


def test_volumes_by_hand():
    target = volume(((1, 3), (0, 10), (0, 10)))  # 200 voxels
    predicted = volume(((1, 3), (5, 10), (0, 10)), ((4, 5), (0, 4), (0, 5)))  # 100 within, 20 beside
    scores, lesions = volume_scores(Target(target, SPACING), predicted, PROTOCOL, PLAIN)
    assert lesions is None and "volume_cldice" not in scores and "lesion_f1" not in scores
    assert scores["volume_sensitivity"] == (0.5, "ok") and scores["volume_ppv"] == (100 / 120, "ok")
    assert scores["volume_difference"] == (pytest.approx(80 * 0.005), "ok")
    assert 0 < scores["volume_boundary_iou"][0] < 1


def test_lesions_by_hand():
    target = volume(((1, 3), (0, 10), (0, 10)), ((4, 5), (20, 22), (20, 22)))
    predicted = volume(((1, 3), (0, 10), (0, 10)), ((0, 1), (30, 33), (30, 33)), ((5, 6), (5, 8), (5, 8)))
    scores, lesions = volume_scores(Target(target, SPACING), predicted, PROTOCOL, LESIONS)
    assert scores["lesion_count_difference"] == (1.0, "ok")
    assert scores["lesion_dice@panoptica"] == scores["lesion_nsd@panoptica"] == (1.0, "ok")
    assert scores["lesion_dice@brats"] == scores["lesion_nsd@brats"] == (0.25, "ok")  # one of four is right
    first, second = lesion_records(Target(target, SPACING), lesions)
    assert first == (
        200,
        {"lesion_ml": (pytest.approx(1.0), "ok"), "lesion_sensitivity": (1, "ok"), "lesion_ppv": (1, "ok")},
    )
    assert second[0] == 4 and second[1]["lesion_sensitivity"] == (0, "ok")
    assert np.isnan(second[1]["lesion_ppv"][0]) and second[1]["lesion_ppv"][1] == "undefined"


@pytest.mark.parametrize("kind", [LESIONS, TUBE, PLAIN])
def test_a_failed_slice_fails_all_that_would_be_scored(kind):
    mask = volume(((1, 3), (0, 10), (0, 10)))
    scored, _ = volume_scores(Target(mask, SPACING), mask, PROTOCOL, kind)
    failed, lesions = volume_scores(Target(mask, SPACING), None, PROTOCOL, kind)
    assert set(failed) == set(scored) and {status for _, status in failed.values()} == {"failed"} and lesions is None


@pytest.mark.parametrize("kind", [LESIONS, TUBE])
def test_a_part_of_a_volume_has_the_scores_of_the_whole(kind):
    target = volume(((1, 4), (10, 20), (10, 30)), ((2, 3), (25, 27), (5, 9)))
    predicted = volume(((1, 4), (12, 20), (10, 28)))
    box = (slice(1, 5), slice(8, 30), slice(5, 32))
    cut = Target(target[box], SPACING, ImagePart((1, 8, 5), target.shape))
    whole, _ = volume_scores(Target(target, SPACING), predicted, PROTOCOL, kind)
    part, _ = volume_scores(cut, predicted[box], PROTOCOL, kind)
    assert part == whole


def test_nothing_drawn_and_nothing_there():
    empty, full = volume(), volume(((1, 3), (0, 10), (0, 10)))
    missed, _ = volume_scores(Target(full, SPACING), empty, PROTOCOL, LESIONS)
    assert missed["volume_sensitivity"] == (0.0, "ok") and missed["volume_ppv"][1] == "undefined"
    assert missed["lesion_dice@brats"] == (0.0, "ok") and missed["volume_difference"] == (pytest.approx(1.0), "ok")
    nothing, _ = volume_scores(Target(empty, SPACING), empty, PROTOCOL, LESIONS)
    assert nothing["lesion_dice@panoptica"][1] == nothing["volume_sensitivity"][1] == "undefined"
    assert nothing["volume_difference"] == (0.0, "ok")


def test_a_picture_has_no_volume():
    mask = np.eye(9, dtype=bool)
    scores, _ = volume_scores(Target(mask, (1.0, 1.0)), mask, PROTOCOL, PLAIN)
    assert scores["volume_difference"][1] == "undefined" and scores["volume_boundary_iou"] == (1.0, "ok")


def test_kinds_of_classes():
    assert kind_of("segthor", "aorta", True) == TUBE and kind_of("segthor", "heart", True) == PLAIN
    assert kind_of("isles2022", "ischemic stroke lesion", True) == LESIONS
    assert kind_of("isles2022", "ischemic stroke lesion", False) == PLAIN
