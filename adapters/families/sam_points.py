"""SAM's embedding of clicks without a wait: the package's own looks up how many there are of each kind."""

from functools import partial

import torch
from torch.nn import functional as F

from segmote.sam import PromptEncoder


def embed_points(encoder: PromptEncoder, points: torch.Tensor, labels: torch.Tensor, pad: bool) -> torch.Tensor:
    """What `PromptEncoder._embed_points` gives, to the bit.

    Args:
        encoder: the learned embeddings.
        points: (B, N, 2) coordinates in pixels of the network's input.
        labels: (B, N) 1 foreground, 0 background, -1 no point.
        pad: add one point that is none.

    Returns:
        (B, N or N + 1, C).
    """
    points = points + 0.5
    if pad:
        points, labels = F.pad(points, (0, 0, 0, 1)), F.pad(labels, (0, 1), value=-1)
    kind, places = labels[..., None], encoder.pe_layer.forward_with_coords(points, encoder.input_image_size)
    embedded = torch.where(kind == -1, encoder.not_a_point_embed.weight, places)
    for label in (0, 1):
        embedded = torch.where(kind == label, embedded + encoder.point_embeddings[label].weight, embedded)
    return embedded


def use_embedding_without_waits(encoder: PromptEncoder) -> None:
    """Let an encoder embed clicks as this module does."""
    encoder._embed_points = partial(embed_points, encoder)
