"""What another training set of the same size might give: the delete-a-group jackknife."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float
from scipy import special

from negspace.errors import PlanError
from negspace.records import Interval
from negspace.statistics.estimates import error_of_mean


def another_training_set(
    per_seed: Float[np.ndarray, " seeds"],
    left_out: Float[np.ndarray, " groups"],
    *,
    item_variance: float = 0.0,
    item_df: float = math.inf,
    level: float = 0.95,
) -> Interval:
    """Prediction interval of a metric for a training set drawn anew, of the same size.

    With ``left_out[g]`` the metric of one fit without the *g*-th of G groups of the training rows, all from
    one initialisation, ``(G - 1) / G * sum((left_out - mean) ** 2)`` estimates the variance over training
    sets (Shao and Tu 1995, sec. 2.2). A prediction has that variance twice: this training set was drawn, and
    the other will be. The error over seeds and test items comes on top, degrees of freedom are
    Satterthwaite's.

    Where a fit depends on chance, leaving rows out moves it by more than the rows do, and the interval is
    too wide.

    Args:
        per_seed: The metric at each seed, fitted on the training set.
        left_out: The metric without each group.
        item_variance: Variance of the mean because the test items are a sample.
        item_df: Degrees of freedom of ``item_variance``.
        level: Confidence level, in (0, 1).

    Returns:
        The interval; NaN ends if a value is not finite.

    Raises:
        PlanError: If there are fewer than two groups, or ``level`` is outside (0, 1).
    """
    groups = len(left_out)
    if groups < 2 or not 0 < level < 1:
        raise PlanError(
            "a jackknife takes at least two groups, and a level between 0 and 1",
            got=f"{groups} groups, level {level}",
        )
    if not (np.isfinite(per_seed).all() and np.isfinite(left_out).all() and math.isfinite(item_variance)):
        return Interval(math.nan, math.nan, level)
    error = error_of_mean(np.asarray(per_seed, dtype=float), item_variance=item_variance, item_df=item_df)
    own, drawn = float(error.value) ** 2, 2 * (groups - 1) ** 2 / groups * float(np.var(left_out, ddof=1))
    total = own + drawn
    df = total**2 / (own**2 / float(error.df) + drawn**2 / (groups - 1)) if 0 < total < math.inf else 1.0
    half = float(special.stdtrit(df, (1 + level) / 2)) * math.sqrt(total)
    mean = float(np.mean(per_seed))
    return Interval(mean - half, mean + half, level)
