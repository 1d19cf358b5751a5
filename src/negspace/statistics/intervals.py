"""Confidence intervals for a mean over seeds."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float

from negspace.errors import PlanError
from negspace.records import Interval
from negspace.statistics.standard_error import seed_spread, standard_error

__all__ = ["mean_interval", "studentised_bootstrap"]


def mean_interval(
    per_seed: Float[np.ndarray, " seeds"],
    *,
    item_variance: float = 0.0,
    item_df: float = math.inf,
    level: float = 0.95,
) -> Interval:
    """Student's t interval of a mean over seeds and test items.

    For paired arms, give the per-seed differences. See :func:`standard_error` for the two sources of
    error and why their sum is slightly conservative.

    Args:
        per_seed: One value a seed.
        item_variance: Variance of the mean because the test items are a sample; 0 speaks about these
            very items only.
        item_df: Degrees of freedom of ``item_variance``.
        level: Confidence level, in (0, 1).

    Returns:
        The interval. NaN ends if a value is not finite or there is none: a seed that gave no number is
        never dropped. Infinite ends with one seed, whose spread is unknown.

    Raises:
        PlanError: If ``level`` is outside (0, 1) or a variance is negative.
    """
    _check_level(level)
    values = np.asarray(per_seed, dtype=float)
    if not len(values) or not np.isfinite(values).all() or math.isnan(item_variance):
        return Interval(math.nan, math.nan, level)
    error = standard_error(seed_spread(values), len(values), item_variance=item_variance, item_df=item_df)
    mean = float(values.mean())
    half = error.quantile((1 + level) / 2) * error.value if error.value > 0 else 0.0
    return Interval(mean - half, mean + half, level)


def studentised_bootstrap(
    per_seed: Float[np.ndarray, " seeds"],
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    resamples: int = 9999,
) -> Interval:
    """Bootstrap-t interval of a mean over seeds (Efron 1981; Hall 1988).

    Resamples the seeds, studentises each resample by its own standard error, and so follows skewness
    that the symmetric t interval ignores. Speaks about seeds only, not about test items.

    A resample of equal values has no spread. Its t is infinite, with the sign of its shift (0 without
    one), and it stays in: to drop it would drop exactly the resamples that say the spread may be
    underestimated. Where such resamples are more than the tail holds (three seeds; one odd seed
    out of ten), that end of the interval is infinite.

    Args:
        per_seed: One value a seed.
        rng: Source of the resamples.
        level: Confidence level, in (0, 1).
        resamples: Number of resamples.

    Returns:
        The interval; NaN ends if a value is not finite or there is none, infinite ends with one seed.

    Raises:
        PlanError: If ``level`` is outside (0, 1) or there are too few resamples to reach its tails.
    """
    _check_level(level)
    tail = (1 - level) / 2
    if resamples * tail < 1:
        raise PlanError(
            f"{resamples} resamples do not reach the tails of a {level:g} interval",
            hint=f"take at least {math.ceil(1 / tail)}",
        )
    values = np.asarray(per_seed, dtype=float)
    if not len(values) or not np.isfinite(values).all():
        return Interval(math.nan, math.nan, level)
    if len(values) == 1:
        return Interval(-math.inf, math.inf, level)
    centre = float(values.mean())
    deviations = values - centre
    scale = float(np.abs(values).max()) * 1e-12
    if float(np.abs(deviations).max()) <= scale:
        return Interval(centre, centre, level)
    t = _bootstrap_t(deviations, rng, resamples, scale)
    # Order statistics, outward: interpolating next to an infinite t would give NaN.
    t_low, t_high = np.quantile(t, tail, method="lower"), np.quantile(t, 1 - tail, method="higher")
    error = seed_spread(values) / math.sqrt(len(values))
    return Interval(centre - float(t_high) * error, centre - float(t_low) * error, level)


def _bootstrap_t(
    deviations: Float[np.ndarray, " seeds"], rng: np.random.Generator, resamples: int, scale: float
) -> Float[np.ndarray, " resamples"]:
    n = len(deviations)
    drawn = deviations[rng.integers(0, n, size=(resamples, n))]
    shift = drawn.mean(axis=1)
    error = drawn.std(axis=1, ddof=1) / math.sqrt(n)
    spread = error > scale
    t = np.where(np.abs(shift) > scale, np.copysign(np.inf, shift), 0.0)
    t[spread] = shift[spread] / error[spread]
    return t


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise PlanError("a confidence level lies between 0 and 1", got=level, hint="for 95 %, give 0.95")
