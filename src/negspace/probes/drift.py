"""How far representations move when a model changes a little.

Both measures are written so that a small change is not lost in the rounding of numbers near 1.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["cka_drift", "cosine_drift"]


def cosine_drift(
    before: Float[Tensor, "tokens width"], after: Float[Tensor, "tokens width"]
) -> Float[Tensor, ""]:
    """Mean over tokens of 1 - cosine between the two states of each, in [0, 2].

    Computed as half the squared distance of the unit vectors, which is the same number.
    """
    unit = torch.nn.functional.normalize(after.float(), dim=1) - torch.nn.functional.normalize(
        before.float(), dim=1
    )
    return unit.square().sum(1).mean() / 2


def cka_drift(
    before: Float[Tensor, "tokens width"], after: Float[Tensor, "tokens width"]
) -> Float[Tensor, ""]:
    """1 - linear CKA of the two sets of states, in [0, 1]; NaN where all tokens of one are alike.

    ``CKA = ||YᵀX||² / (||XᵀX|| ||YᵀY||)`` in Frobenius norms, X and Y centred over tokens (Kornblith et al.
    2019, "Similarity of neural network representations revisited", section 3, for linear kernels). Blind to
    rotations and to a common scale, unlike the cosine.

    With Gram matrices K and L scaled to norm 1 it is half of ``||K - L||²``. Unless they are far larger than
    the products of features, they are formed; those have the same inner products, but need doubles, for there
    1 - CKA is the small difference of two large numbers.
    """
    x, y = (states.float() - states.float().mean(0) for states in (before, after))
    x, y = x / x.norm(), y / y.norm()
    if len(x) <= 2 * x.shape[1]:
        k, other = x @ x.T, y @ y.T
        gap: Tensor = k / k.norm() - other / other.norm()
        return gap.square().sum() / 2
    x, y = x.double(), y.double()
    products = (x.T @ x).norm() * (y.T @ y).norm()
    alike: Tensor = (x.T @ y).square().sum() / products
    return (1 - alike).float()
