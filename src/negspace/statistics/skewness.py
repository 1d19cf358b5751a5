"""A guard against a long tail: few bad seeds that the symmetric t interval underrates."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float
from scipy import special

__all__ = ["has_long_lower_tail", "skewness_corrected_p"]


def has_long_lower_tail(values: Float[np.ndarray, " seeds"]) -> bool:
    """Whether the seeds are skewed downwards by more than twice the error of a normal sample's skewness.

    That error is about ``sqrt(6 / n)``. A mild skewness is left to the t interval, which the noise of an
    estimated third moment would only weaken.
    """
    return _skewness(values) < -2 * math.sqrt(6 / len(values))


def skewness_corrected_p(values: Float[np.ndarray, " seeds"], *, margin: float = 0.0) -> float:
    """One-sided p-value that the mean exceeds ``margin``, corrected for skewness (Hall 1992).

    Hall's monotone cubic transformation of ``W = (mean - margin) / s`` (s with n in the denominator) with the
    sample skewness g, ``T = W + g W**2 / 3 + g**2 W**3 / 27 + g / (6 n)``, takes the skewness out of the
    distribution of ``sqrt(n) T`` to first order. It is compared with Student's t on n - 1 degrees of freedom,
    not with the normal, for the few seeds there are; so ``sqrt(n - 1)`` scales it here, which for g = 0 is
    exactly the t-test.

    It speaks about seeds only, as the sign-flip test does.

    Args:
        values: One value a seed, not all equal.
        margin: Hypothesised mean.
    """
    n = len(values)
    w, g = float((values.mean() - margin) / values.std()), _skewness(values)
    transformed = w + g * w**2 / 3 + g**2 * w**3 / 27 + g / (6 * n)
    return float(special.stdtr(n - 1, -math.sqrt(n - 1) * transformed))


def _skewness(values: Float[np.ndarray, " seeds"]) -> float:
    deviations = values - values.mean()
    spread = float(np.sqrt(np.mean(deviations**2)))
    return float(np.mean((deviations / spread) ** 3)) if spread > 0 else 0.0
