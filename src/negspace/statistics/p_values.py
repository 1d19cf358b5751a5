"""P-values: sign flips of paired differences, a correction for long tails, and Holm's for a family."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float
from scipy import special

from negspace.errors import PlanError

EXACT_UP_TO = 32
"""Seeds up to which all sign assignments are counted: 2**16 sums for each half, some milliseconds."""


def sign_flip_p(
    differences: Float[np.ndarray, " seeds"],
    *,
    margin: float = 0.0,
    rng: np.random.Generator | None = None,
    resamples: int = 99_999,
) -> float:
    """One-sided p-value that the mean difference exceeds ``margin`` (Fisher 1935, sec. 21).

    If the differences are symmetric about ``margin``, the sign of each ``d - margin`` is a fair coin. The
    p-value is the share of sign assignments whose sum is at least the one seen; ties count in full, which
    keeps it valid with tied and zero differences. It is exact up to ``EXACT_UP_TO`` seeds. Above, assignments
    are drawn and ``p = (b + 1) / (m + 1)`` (Phipson and Smyth 2010), which is valid for any ``resamples``.

    It speaks about seeds only. An error that all seeds share, such as an odd draw of test items, moves
    every difference alike and is invisible to it: that is the interval's part.

    Args:
        differences: One paired difference a seed.
        margin: Hypothesised mean; any finite number.
        rng: Source of the drawn assignments. By default one seeded with 0, so that equal differences give
            equal p-values.
        resamples: Number of drawn assignments, *m*.

    Returns:
        The p-value, at least ``2**-seeds`` (exact) or ``1 / (resamples + 1)`` (drawn); NaN if a difference is
        not finite or there is none.

    Raises:
        PlanError: If ``margin`` is not finite or ``resamples`` below 1.
    """
    if not math.isfinite(margin) or resamples < 1:
        raise PlanError(
            "a sign-flip test takes a finite margin and at least one resample",
            got=f"margin={margin}, resamples={resamples}",
        )
    values = np.asarray(differences, dtype=float)
    if not len(values) or not np.isfinite(values).all():
        return math.nan
    excess = values - margin
    # Sums that are equal on paper (multiples of 1/n) differ in the last bits: they are ties.
    rounding = 1e-12 * float(np.abs(values).sum() + len(values) * abs(margin))
    threshold = float(excess.sum()) - rounding
    if len(excess) <= EXACT_UP_TO:
        return _share_of_assignments(excess, threshold)
    rng = np.random.default_rng(0) if rng is None else rng
    return (_count_drawn(excess, threshold, rng, resamples) + 1) / (resamples + 1)


def _share_of_assignments(excess: Float[np.ndarray, " seeds"], threshold: float) -> float:
    """Share of the 2**seeds signed sums that reach the threshold, met in the middle.

    Every sum is one of a left and one of a right half; with the right half sorted, the partners of
    each left one are counted by bisection: 2**(seeds / 2) numbers in memory (Horowitz and Sahni 1974).
    """
    middle = len(excess) // 2
    left, right = _signed_sums(excess[:middle]), np.sort(_signed_sums(excess[middle:]))
    below = np.searchsorted(right, threshold - left, side="left")
    return float(1 - below.sum() / (len(left) * len(right)))


def _signed_sums(values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " assignments"]:
    sums = np.zeros(1)
    for value in values:
        sums = np.add.outer(sums, np.array([-value, value])).ravel()
    return sums


def _count_drawn(
    excess: Float[np.ndarray, " seeds"], threshold: float, rng: np.random.Generator, resamples: int
) -> int:
    count, chunk = 0, max(1, 2**20 // len(excess))
    for start in range(0, resamples, chunk):
        rows = min(chunk, resamples - start)
        flips = rng.integers(0, 2, size=(rows, len(excess)), dtype=np.int8)
        count += int(np.count_nonzero((2.0 * flips - 1.0) @ excess >= threshold))
    return count


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
