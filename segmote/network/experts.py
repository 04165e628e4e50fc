"""The mixture of token experts (MoTE) of one decoder layer: figure 2, right; section 3.3, equation 6.

Each expert token is replaced by the output of the experts that the router chose for it.

B: rows, that is image x prompt. T: expert tokens. E: experts; T = E = `num_experts`. D: `dim`. R: `expert_rank`.
"""

import torch
from torch import Tensor, nn

from segmote.network.config import SegmoteConfig
from segmote.network.router import Routing, route, token_logits

ZERO_GUARD = 2.22e-16


class Expert(nn.Module):
    """One expert's own linear branch; what follows is shared by all experts. `mixture` computes all at once."""

    def __init__(self, dim: int, rank: int) -> None:
        super().__init__()
        self.lin1 = nn.Linear(dim, rank)


class TokenExperts(nn.Module):
    """MoTE: router and experts. The decoder layer inherits from it, as the official weights name both on one level.

    Of the official names `w_gate_token` and `w_noise_token` are W_g and W_n of equations 1 and 2, `experts_token` the
    expert branches, `dte_token`, `dteall_token` and `proj_token` the "subsequent mapping" that all experts share.
    `dte`, `dteall`, `mean` and `std` are stored but never used.
    """

    def __init__(self, config: SegmoteConfig) -> None:
        super().__init__()
        self.config = config
        dim, rank, experts = config.dim, config.expert_rank, config.num_experts
        self.w_gate_token = nn.Parameter(torch.zeros(dim, experts))
        self.w_noise_token = nn.Parameter(torch.zeros(dim, experts))
        self.experts_token = nn.ModuleList(Expert(dim, rank) for _ in range(experts))
        self.dte_token = nn.Linear(rank, rank)
        self.dteall_token = nn.Linear(rank, rank)
        self.proj_token = nn.Linear(rank, dim)
        self.dte = nn.Linear(rank, rank).requires_grad_(False)
        self.dteall = nn.Linear(rank, rank).requires_grad_(False)
        self.register_buffer("mean", torch.zeros(1))
        self.register_buffer("std", torch.ones(1))

    def update(self, tokens: Tensor, noise: Tensor | None) -> tuple[Tensor, Routing]:
        """The updated expert tokens (B, T, D) and how they were routed, from tokens (B, T, D) and noise (B, T, E)."""
        config = self.config
        logits = token_logits(tokens, self.w_gate_token, self.w_noise_token, noise)
        routing = route(logits, config.top_k, config.gate_mode)
        mixed = self.mixture(tokens, routing.gates)
        return (tokens + mixed if config.expert_residual else mixed), routing

    def mixture(self, tokens: Tensor, gates: Tensor) -> Tensor:
        """The chosen experts' output (B, T, D) for tokens (B, T, D), weighted by their gates: eq. 6.

        Eq. 6 has one expert; with k > 1 it is the sum over all k, as in figure 2 and in the released code. The equation
        weights the output of the "subsequent mapping"; here, as in the released code, the branches are weighted before
        the mapping. The two differ by the mapping's biases, and only where a gate is not 1 ("softmax_all").
        All experts are computed, as they are small; the gates of those not chosen are 0 and have no gradient.
        """
        weight = torch.stack([expert.get_parameter("lin1.weight") for expert in self.experts_token])  # (E, R, D)
        bias = torch.stack([expert.get_parameter("lin1.bias") for expert in self.experts_token])  # (E, R)
        branches = torch.einsum("btd,erd->bter", tokens, weight) + bias  # (B, T, E, R)
        summed = torch.einsum("bte,bter->btr", gates, branches)  # (B, T, R)
        if self.config.zero_guard:
            summed = torch.where(summed == 0, ZERO_GUARD, summed)
        return self.proj_token(self.dteall_token(self.dte_token(summed)))  # (B, T, D)
