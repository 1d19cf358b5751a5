"""Sums over each fragment's own gradient: its square, and its dot products with given directions.

A fragment's gradient of a linear map's weight is ``left.T @ right``, with the map's input on one side and the
gradient of its output on the other. It is never kept: blocks of it are formed in a buffer that stays in
cache, and squared and multiplied there, or its square is taken from two Gram matrices (Goodfellow, arXiv
1510.01799; for sequences: Li et al., arXiv 2110.05679): ``|Σ_t l_t r_tᵀ|² = Σ_st (l_s·l_t)(r_s·r_t)``.

Everything is summed in float64 from one block to the next; within a block `torch.mv` is right to about 1e-6.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor

# Numbers of a block: 512 KiB of float32, so that what was formed is still in a core's L2 cache when it is
# summed up. With more tokens, forming outweighs summing up, and is faster in blocks of twice the size.
_BLOCK = 131_072
_LONG = 256
# Narrower products waste the multiplier.
_ROWS = 128
# Numbers worked on at once where memory is far and launches are slow.
_DEVICE_BLOCK = 1 << 27
# A Gram product is two products and a sum instead of one product and a dot: it pays below this share of
# flops.
_GRAM_SHARE = 0.85


def outer_sums(
    left: Float[Tensor, "fragments tokens m"],
    right: Float[Tensor, "fragments tokens n"],
    directions: Float[Tensor, "directions m n"],
    one_by_one: bool | None = None,
) -> Float64[Tensor, "sums fragments"]:
    """Sums over ``left[b].T @ right[b]``.

    Returns:
        Row 0: squared Frobenius norms. Row k: dot products with direction k - 1.
    """
    tokens, m = left.shape[1:]
    n = right.shape[2]
    if not len(directions) and tokens * (m + n) < _GRAM_SHARE * m * n and left.dtype.itemsize >= 4:
        return _gram(left, right)
    if left.device.type == "cpu" if one_by_one is None else one_by_one:
        return _formed_one_by_one(left, right, directions)
    return _formed_together(left, right, directions)


def _gram(left: Tensor, right: Tensor) -> Tensor:
    squares = torch.empty(1, len(left), dtype=torch.float64, device=left.device)
    for b in range(len(left)):
        # Rows are few and alike, so that only the last sum needs float64.
        both = torch.mm(left[b], left[b].t()).mul_(torch.mm(right[b], right[b].t()))
        squares[0, b] = both.sum(1).sum(dtype=torch.float64)
    return squares


def _formed_one_by_one(left: Tensor, right: Tensor, directions: Tensor) -> Tensor:
    fragments, tokens, m = left.shape
    n = right.shape[2]
    rows = min(m, max(_ROWS, (_BLOCK if tokens < _LONG else 2 * _BLOCK) // n))
    lefts, rights = [each.t() for each in left.unbind()], right.unbind()
    # What is formed lies beside the directions: one product reads it once, for its square and all dots.
    beside = directions.new_empty(1 + len(directions), rows, n)
    found: list[Tensor] = []
    for start in range(0, m, rows):
        block = beside[:, : min(rows, m - start)]
        block[1:] = directions[:, start : start + rows]
        part, flat = block[0], block.flatten(1)
        for b in range(fragments):
            if left.dtype == part.dtype:
                torch.mm(lefts[b][start : start + rows], rights[b], out=part)
            else:
                part.copy_(torch.mm(lefts[b][start : start + rows], rights[b]))
            found.append(torch.mv(flat, flat[0]))
    # A block's sums are right to float32; they are added up in float64.
    each = torch.stack(found).view(-1, fragments, 1 + len(directions))
    return each.sum(0, dtype=torch.float64).t()


def _formed_together(left: Tensor, right: Tensor, directions: Tensor) -> Tensor:
    fragments, _, m = left.shape
    n = right.shape[2]
    rows = min(m, max(_ROWS, _DEVICE_BLOCK // (n * fragments)))
    sums = torch.zeros(1 + len(directions), fragments, dtype=torch.float64, device=left.device)
    for start in range(0, m, rows):
        formed = torch.bmm(left[:, :, start : start + rows].transpose(1, 2), right).flatten(1).float()
        sums[0] += torch.linalg.vecdot(formed, formed)
        if len(directions):
            sums[1:] += directions[:, start : start + rows].flatten(1) @ formed.t()
    return sums


def vector_sums(
    gradient: Float[Tensor, "fragments size"], directions: Float[Tensor, "directions size"]
) -> Float64[Tensor, "sums fragments"]:
    """Sums over gradients that are at hand for every fragment: of biases and of norms' scales."""
    gradient = gradient.double()
    square = torch.linalg.vecdot(gradient, gradient)
    return torch.cat([square[None], directions.double() @ gradient.t()])


def embedding_sums(
    ids: Int[Tensor, "fragments tokens"],
    gradient: Float[Tensor, "fragments tokens width"],
    directions: Float[Tensor, "directions rows width"],
) -> Float64[Tensor, "sums fragments"]:
    """Sums over the gradient of an embedding, whose row v is the sum of what token v got."""
    gradient = _wide(gradient)
    fragments, _, width = gradient.shape
    n_rows = int(ids.max()) + 1
    owner = torch.arange(fragments, device=ids.device)
    keys, place = torch.unique(ids + owner[:, None] * n_rows, return_inverse=True)
    # PyTorch's own backward of a look-up; `index_add_` takes ten times as long on a CPU.
    summed = torch.ops.aten.embedding_dense_backward(
        gradient.reshape(-1, width), place.reshape(-1), len(keys), -1, False
    )
    squares = torch.linalg.vecdot(summed, summed).double()
    of = torch.div(keys, n_rows, rounding_mode="floor")
    sums = torch.zeros(1 + len(directions), fragments, dtype=torch.float64, device=ids.device)
    sums[0].index_add_(0, of, squares)
    for k, direction in enumerate(directions, 1):
        rows = direction[keys % n_rows]
        sums[k].index_add_(0, of, torch.linalg.vecdot(summed.to(rows.dtype), rows).double())
    return sums


def cross_sums(
    inputs: Float[Tensor, "fragments tokens width"],
    selected: Float[Tensor, "fragments tokens looked_up"],
    gradient: Float[Tensor, "fragments looked_up width"],
) -> Float64[Tensor, " fragments"]:
    """Dot product of a head's gradient with that of the embedding it is tied to.

    Row v of the head's gradient is ``Σ_s δ_sv x_s`` and of the embedding's ``Σ_{t: id_t = v} g_t``, so their
    product is ``Σ_st δ_{s, id_t} (x_s · g_t)``, which needs no matrix of the vocabulary's size.
    """
    met = torch.bmm(_wide(inputs), _wide(gradient).transpose(1, 2))
    crossed: Tensor = torch.linalg.vecdot(met, _wide(selected)).sum(1, dtype=torch.float64)
    return crossed


def _wide(tensor: Tensor) -> Tensor:
    """At least float32: squares leave the range of float16, and sums the digits of bfloat16."""
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))


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
