"""How well a cheap number predicts a dear one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.stats import pearsonr, spearmanr

__all__ = ["Agreement", "first_order_agreement"]


@dataclass(frozen=True)
class Agreement:
    """How two numbers of the same fragments go together.

    Attributes:
        n: Fragments that have both; the rest is left out.
        spearman: Rank correlation; NaN for fewer than three, or where one of the two is the same for all.
        pearson: Linear correlation; NaN likewise.
    """

    n: int
    spearman: float
    pearson: float


def first_order_agreement(
    first_order: Float[np.ndarray, " fragments"], exact: Float[np.ndarray, " fragments"]
) -> Agreement:
    """Hold first-order predictions (η g·g_reference for transfer, η |g|² for self-influence) against steps.

    Args:
        first_order: The prediction for each fragment.
        exact: What a step did; NaN where none was taken.
    """
    both = np.isfinite(first_order) & np.isfinite(exact)
    x, y = first_order[both].astype(np.float64), exact[both].astype(np.float64)
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return Agreement(len(x), float("nan"), float("nan"))
    return Agreement(len(x), float(spearmanr(x, y).statistic), float(pearsonr(x, y).statistic))
