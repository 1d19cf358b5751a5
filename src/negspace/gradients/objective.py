"""Each fragment's loss and what it asks of the logits, in one pass and in the logits' own memory."""

from __future__ import annotations

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor

__all__ = ["gradient_scale", "losses_into_gradient"]

# Logits worked on at once: 512 KiB of float32, which stays in a core's L2 cache from pass to pass.
_BLOCK = 131_072
_DEVICE_BLOCK = 1 << 27


def gradient_scale(dtype: torch.dtype) -> float:
    """What a loss is multiplied with before its gradient is taken, and the gradient divided by after.

    A word of a large vocabulary asks for less than float16 tells from 0 (6e-8). A power of two changes no
    digit (Micikevicius et al. 2018, "Mixed Precision Training", section 3.2); other types need none.
    """
    return 1024.0 if dtype == torch.float16 else 1.0


@torch.no_grad()
def losses_into_gradient(
    logits: Float[Tensor, "fragments tokens vocabulary"],
    ids: Int[Tensor, "fragments tokens"],
    weights: Float[Tensor, "fragments tokens"],
) -> Float64[Tensor, " fragments"]:
    """Take cross-entropy losses, and put their gradients where the logits were.

    The loss of fragment b is ``-Σ_t w_bt ln P(id_bt)``, with P from the logits at ``t - 1``; the gradient of
    the logits there is ``w_bt (softmax - onehot)``.

    Args:
        logits: Overwritten with the gradient of the sum of all losses.
        ids: Tokens of the fragments.
        weights: Of each token's loss; the first token's is not used.
    """
    fragments, tokens, vocabulary = logits.shape
    wanted = torch.zeros_like(weights, dtype=torch.float32)
    wanted[:, :-1] = weights[:, 1:]
    wanted = wanted.reshape(-1, 1)
    targets = torch.roll(ids, -1, dims=1).reshape(-1, 1)
    flat = logits.view(-1, vocabulary)
    size = max(1, (_BLOCK if logits.device.type == "cpu" else _DEVICE_BLOCK) // vocabulary)
    losses = torch.empty(fragments * tokens, 1, dtype=torch.float32, device=logits.device)
    if logits.dtype == torch.float64:
        wanted, losses = wanted.double(), losses.double()
    for start in range(0, len(flat), size):
        block, target = flat[start : start + size], targets[start : start + size]
        weight = wanted[start : start + size]
        scores = block if block.dtype.itemsize >= 4 else block.float()
        scores.sub_(scores.amax(1, keepdim=True))
        own = scores.gather(1, target)
        total = scores.exp_().sum(1, keepdim=True)
        losses[start : start + size] = torch.log(total).sub_(own).mul_(weight)
        scores.mul_(weight / total)
        scores.scatter_add_(1, target, -weight)
        if scores is not block:
            block.copy_(scores)
    # A weight of 0 says that a loss is not wanted, whatever it is.
    losses = torch.where(wanted == 0, 0.0, losses)
    return losses.view(fragments, tokens).sum(1, dtype=torch.float64)
