"""SAM's decoder on several images at once, against the decoder of the package."""

import torch

from adapters.families.sam_decoder import pick_single, predict_masks
from adapters.families.small_networks import DIM, GRID, sam


def test_a_batch_is_what_the_packages_decoder_draws_one_by_one():
    torch.manual_seed(0)
    network = sam()
    embeddings = torch.randn(3, DIM, GRID, GRID)
    boxes = torch.tensor([[8.0, 8, 60, 90], [20, 30, 100, 50], [0, 0, 128, 128]])
    positions = network.prompt_encoder.get_dense_pe()
    with torch.no_grad():
        sparse, dense = network.prompt_encoder(None, boxes, None)
        logits, scores = predict_masks(network.mask_decoder, embeddings, positions, sparse, dense)
        for row in range(3):
            one = network.mask_decoder.predict_masks(
                embeddings[row, None], positions, sparse[row, None], dense[row, None]
            )
            torch.testing.assert_close(logits[row], one[0][0], atol=1e-4, rtol=1e-4)
            torch.testing.assert_close(scores[row], one[1][0], atol=1e-4, rtol=1e-4)


def test_only_an_ambiguous_prompt_gets_several_candidates():
    logits, scores = torch.arange(4.0).reshape(1, 4, 1, 1), torch.arange(4.0)[None]
    assert pick_single(logits, scores, True)[1].tolist() == [[1, 2, 3]]
    assert pick_single(logits, scores, False)[0].flatten().tolist() == [0]
