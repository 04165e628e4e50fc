"""SAM's mask decoder for a batch of different images.

The package's own `MaskDecoder.forward` repeats one image embedding for all prompts; this forward pass
uses the same modules with one embedding per prompt.
"""

import torch

from segmote.sam import MaskDecoder


def predict_masks(
    decoder: MaskDecoder,
    embeddings: torch.Tensor,
    positions: torch.Tensor,
    sparse: torch.Tensor,
    dense: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """All mask candidates of B prompts, each on its own image.

    Args:
        decoder: the modules.
        embeddings: (B, C, h, w) image embeddings, or (1, C, h, w) of the one image that all prompts are on.
        positions: (1, C, h, w) positional encoding of the grid.
        sparse: (B, N, C) embedded points and boxes.
        dense: (B, C, h, w) embedded masks, or (1, C, h, w) for all. Where embeddings are for all too, the first layer
            projects the image once.

    Returns:
        (B, M, 4h, 4w) logits and (B, M) predicted scores; candidate 0 is the one for clear prompts.
    """
    batch, masks = len(sparse), decoder.num_mask_tokens
    learned = torch.cat([decoder.iou_token.weight, decoder.mask_tokens.weight])
    tokens = torch.cat([learned.expand(batch, -1, -1), sparse], dim=1)
    # A pixel's channels lie side by side, as the transformer reads them; its attention takes one image for all tokens.
    source, positions = (part.contiguous(memory_format=torch.channels_last) for part in (embeddings + dense, positions))
    tokens, pixels = decoder.transformer(source, positions, tokens)
    features = decoder.output_upscaling(pixels.transpose(1, 2).reshape(batch, *source.shape[1:]))
    kernels = [mlp(tokens[:, 1 + i]) for i, mlp in enumerate(decoder.output_hypernetworks_mlps)]
    logits = torch.stack(kernels, dim=1) @ features.flatten(2)
    return logits.reshape(batch, masks, *features.shape[2:]), decoder.iou_prediction_head(tokens[:, 0])


def pick_single(logits: torch.Tensor, scores: torch.Tensor, several: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Candidates 1 and up for an ambiguous prompt, otherwise candidate 0 alone."""
    kept = slice(1, None) if several else slice(0, 1)
    return logits[:, kept], scores[:, kept]
