"""The router of MoTE (section 3.3, equations 1 to 5): experts for each token, and the token for the mask.

B: rows, that is image x prompt. T: expert tokens of a row. E: experts; here T = E. D: channels of a token.
k: experts that update a token.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from segmote.network.config import GateMode

NOISE_FLOOR = 1e-2


@dataclass(frozen=True, slots=True, eq=False)
class Routing:
    """What the router of one decoder layer decided for B rows.

    Attributes:
        clean_logits: (B, T, E) L.
        logits: (B, T, E) L~; the clean ones where no noise was asked for.
        noisy: whether noise was added.
        gates: (B, T, E) G; 0 for an expert that is not among a token's k.
        experts: (B, T, k) indices of a token's experts, S of eq. 3, best first; the first is idx of eq. 4.
        confidence: (B, T) c, a token's largest logit.
        token: (B,) the token of highest confidence, the final one (text after eq. 3): of the tokens, not the experts.
    """

    clean_logits: Tensor
    logits: Tensor
    noisy: bool
    gates: Tensor
    experts: Tensor
    confidence: Tensor
    token: Tensor


class TokenLogits(NamedTuple):
    """A router's score of each expert for each token.

    Attributes:
        clean: (B, T, E) L.
        noisy: (B, T, E) L~; None where no noise was asked for.
    """

    clean: Tensor
    noisy: Tensor | None


def token_logits(tokens: Tensor, w_gate: Tensor, w_noise: Tensor, noise: Tensor | None) -> TokenLogits:
    """The logits of tokens (B, T, D).

    Args:
        tokens: (B, T, D) X.
        w_gate, w_noise: (D, E) W_g and W_n.
        noise: (B, T, E) Z, drawn from N(0, 1); None for clean logits.
    """
    clean = tokens @ w_gate  # (B, T, E), eq. 1
    if noise is None:
        return TokenLogits(clean, None)
    return TokenLogits(clean, clean + (F.softplus(tokens @ w_noise) + NOISE_FLOOR) * noise)  # eq. 2


def route(given: TokenLogits, top_k: int, mode: GateMode) -> Routing:
    """Noisy top-k gating. Among equals the lowest index wins, for experts as for tokens.

    Args:
        given: the tokens' logits.
        top_k: k.
        mode: the gates' values, see `gate_values`.
    """
    logits = given.clean if given.noisy is None else given.noisy
    scores, experts = largest(logits, top_k)  # (B, T, k), eq. 3
    confidence = scores[..., 0]  # (B, T), eq. 4
    return Routing(
        clean_logits=given.clean,
        logits=logits,
        noisy=given.noisy is not None,
        gates=gate_values(logits, experts, mode),
        experts=experts,
        confidence=confidence,
        token=largest(confidence, 1)[1][..., 0],
    )


def gate_values(logits: Tensor, experts: Tensor, mode: GateMode) -> Tensor:
    """The gates G (B, T, E), eq. 5, of logits (B, T, E) and each token's experts (B, T, k).

    The equation does not say what the softmax runs over, and the released code has had two versions:

    - "topk_softmax", its first version: over the k kept logits. With k = 1 a gate is always 1, so the router gets no
      gradient at all and stays as it was initialised: zero. Only for reproducing old results, never for training.
    - "straight_through", its second: a kept gate is 1, but has the gradient of its softmax over all E experts.
    - "softmax_all", our reading of the paper: the softmax over all E experts, at the kept ones.
    """
    kept = torch.zeros_like(logits).scatter(-1, experts, 1.0)
    if mode == "topk_softmax":
        return logits.masked_fill(kept == 0, -torch.inf).softmax(dim=-1)
    soft = kept * logits.softmax(dim=-1)
    return kept - soft.detach() + soft if mode == "straight_through" else soft


def largest(values: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The `count` largest of the last dimension and their indices, best first, the lower index first among equals.

    `torch.topk` leaves that order to the device.
    """
    ordered, indices = values.sort(dim=-1, descending=True, stable=True)
    return ordered[..., :count], indices[..., :count]
