import torch

from adapters import geometry
from adapters.families.sam2_embedding import LARGEST_FEEDBACK, Sam2Embedding, best_of


def test_the_best_rated_candidate_is_taken_and_handed_back_within_bounds() -> None:
    frame = geometry.squash((20, 30), 32)
    image = Sam2Embedding(torch.zeros(8, 2, 2), (torch.zeros(1, 8, 8), torch.zeros(2, 4, 4)), frame)
    logits = torch.full((3, 8, 8), -1.0)
    logits[1, :, :4], logits[1, 0, 0] = 100.0, -50.0
    found = best_of(image, logits, torch.tensor([0.2, 0.9, 0.5]))
    assert (found.selected, round(found.score, 6)) == (1, 0.9)
    assert found.mask.shape == (20, 30) and found.mask[10, :12].all() and not found.mask[:, 18:].any()
    assert found.logits is not None and found.feedback is not None
    assert (found.logits.max(), found.feedback.max(), found.feedback.min()) == (
        100,
        LARGEST_FEEDBACK,
        -LARGEST_FEEDBACK,
    )
