"""Holm's correction for a family of tests."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from negspace.errors import PlanError

__all__ = ["holm"]


def holm(p_values: Float[np.ndarray, " tests"]) -> Float[np.ndarray, " tests"]:
    """Adjust p-values so that rejecting those at most alpha errs in the family at most alpha (Holm 1979).

    With the p-values in ascending order, the *i*-th of *m* (from 1) becomes
    ``max over j <= i of min(1, (m - j + 1) * p_j)``. No independence is assumed.

    Args:
        p_values: One a test, in [0, 1]. NaN is a test that was planned and gave no answer: it stays NaN and
            still counts in *m*, for a family that shrinks where tests fail is no longer the one planned.

    Returns:
        The adjusted p-values, in the order given.

    Raises:
        PlanError: If a p-value is outside [0, 1].
    """
    given = np.asarray(p_values, dtype=float)
    if ((given < 0) | (given > 1)).any():
        raise PlanError("p-values lie between 0 and 1", got=str(given.tolist()))
    unanswered = np.isnan(given)
    p = np.where(unanswered, 1.0, given)
    order = np.argsort(p, kind="stable")
    stepped = np.minimum(1.0, p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.maximum.accumulate(stepped)
    adjusted[unanswered] = np.nan
    return adjusted
