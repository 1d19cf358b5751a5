"""What a study can detect: minimum detectable effect, and the seeds a decision takes."""

from __future__ import annotations

import math
from collections.abc import Callable

from scipy import optimize, special

from negspace.errors import PlanError
from negspace.statistics.estimates import standard_error

MAX_SEEDS = 1_000_000
"""Beyond this, a number of seeds is no advice; what they leave is the error of the test items."""


def minimum_detectable_effect(
    sd: float,
    seeds: int,
    *,
    margin: float = 0.0,
    item_variance: float = 0.0,
    item_df: float = math.inf,
    alpha: float = 0.05,
    power: float = 0.8,
    family: int = 1,
) -> float:
    """Smallest true effect that would come out supported with the given power.

    Power of the t-test from the noncentral t distribution (Cohen 1988, ch. 2): exact for normal differences
    without item variance, Satterthwaite's approximation with it. Seeds with a long tail towards the margin,
    where the interval is wider, take more.

    Args:
        sd: Standard deviation of the differences over seeds, taken as the true one.
        seeds: Number of seeds.
        margin: Smallest effect of interest, which the interval must clear. It is part of the result.
        item_variance: Variance of the mean because the test items are a sample; more seeds do not reduce it.
        item_df: Degrees of freedom of ``item_variance``.
        alpha: One less the level of the two-sided interval.
        power: Probability of a supported outcome, in (alpha, 1).
        family: Hypotheses judged together. The result is for Holm's first and strictest step.

    Returns:
        The effect, in the metric's units, the margin included; ``inf`` if no effect would do.

    Raises:
        PlanError: If alpha, power or family are out of range, or a variance is negative.
    """
    _check_plan(alpha, power, family)
    error = standard_error(sd, seeds, item_variance=item_variance, item_df=item_df)
    if math.isnan(error.value):
        return math.nan
    if math.isinf(error.value):
        return math.inf
    df = float(error.df)
    critical = float(special.stdtrit(df, 1 - alpha / (2 * family)))
    high = critical + 1.0
    while _t_power(high, critical, df) < power:
        high *= 2
    shift = optimize.brentq(lambda ncp: _t_power(ncp, critical, df) - power, 0.0, high)
    return margin + float(shift * error.value)


def seeds_needed(
    effect: float,
    sd: float,
    *,
    margin: float = 0.0,
    item_variance: float = 0.0,
    item_df: float = math.inf,
    alpha: float = 0.05,
    power: float = 0.8,
    family: int = 1,
    min_seeds: int = 10,
) -> int | None:
    """Seeds at which a true effect of this size would come out supported or refuted.

    Above the margin it would be supported. Below, it would be refuted, by the interval or, with a margin
    above 0, by the equivalence test.

    Takes the true effect (often the one seen, as a guess), the standard deviation of the differences over
    seeds, the settings of `minimum_detectable_effect`, and the smallest number to answer with.

    Returns:
        The number of seeds, or None where none up to ``MAX_SEEDS`` would do: the effect is the margin itself,
        or the test items alone leave too much error.

    Raises:
        PlanError: If alpha, power or family are out of range, or a variance is negative.
    """
    _check_plan(alpha, power, family)

    def enough(seeds: int) -> bool:
        error = standard_error(sd, seeds, item_variance=item_variance, item_df=item_df)
        return _decision_power(effect, margin, float(error.value), float(error.df), alpha / family) >= power

    if effect == margin or not (math.isfinite(effect) and math.isfinite(sd) and math.isfinite(item_variance)):
        return None
    return _smallest(enough, max(2, min_seeds))


def _decision_power(effect: float, margin: float, error: float, df: float, alpha: float) -> float:
    """Power to decide for a true effect, supported if it is above the margin and refuted if below."""
    clear = _shift_power(abs(effect - margin), error, df, alpha / 2)
    if effect > margin or margin == 0 or error == 0:
        return clear
    # Inside ±margin a one-sided level of alpha is enough, once the margin is so wide that no estimate
    # lies near both of its ends.
    ends_apart = 2 * margin >= error * float(
        special.stdtrit(df, 1 - alpha / 2) + special.stdtrit(df, 1 - alpha)
    )
    return _shift_power(margin - effect, error, df, alpha) if ends_apart and effect > -margin else clear


def _shift_power(shift: float, error: float, df: float, level: float) -> float:
    if error == 0:
        return float(shift > 0)
    return _t_power(shift / error, float(special.stdtrit(df, 1 - level)), df)


def _t_power(ncp: float, critical: float, df: float) -> float:
    """Probability that a noncentral t exceeds the critical value."""
    # scipy's noncentral t can underflow to NaN far out; there the power is 1 to six digits.
    if ncp > 5 * critical + 5:
        return 1.0
    return float(1 - special.nctdtr(df, ncp, critical))


def _smallest(enough: Callable[[int], bool], low: int) -> int | None:
    """Smallest number from ``low`` to MAX_SEEDS that is enough, where more is never worse."""
    if enough(low):
        return low
    high = low
    while not enough(high):
        if high >= MAX_SEEDS:
            return None
        low, high = high, min(2 * high, MAX_SEEDS)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _check_plan(alpha: float, power: float, family: int) -> None:
    if not (0 < alpha < 0.5 and alpha < power < 1 and family >= 1):
        raise PlanError(
            "alpha lies in (0, 0.5), power in (alpha, 1), and a family holds at least one hypothesis",
            got=f"alpha={alpha}, power={power}, family={family}",
        )
