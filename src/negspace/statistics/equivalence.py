"""Two one-sided tests: is the effect too small to matter?"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float

from negspace.errors import PlanError
from negspace.statistics.standard_error import seed_spread, standard_error

__all__ = ["equivalence_p"]


def equivalence_p(
    differences: Float[np.ndarray, " seeds"],
    *,
    margin: float,
    item_variance: float = 0.0,
    item_df: float = math.inf,
) -> float:
    """P-value that the true mean difference lies inside ±``margin`` (TOST, Schuirmann 1987).

    The larger of the one-sided t-test p-values against ``-margin`` and ``+margin``. It is at most alpha
    exactly when the ``1 - 2 alpha`` interval lies inside ±``margin``.

    Args:
        differences: One paired difference a seed.
        margin: Smallest effect of interest, above 0.
        item_variance: Variance of the mean because the test items are a sample.
        item_df: Degrees of freedom of ``item_variance``.

    Returns:
        The p-value; NaN if a difference is not finite or there is none.

    Raises:
        PlanError: If ``margin`` is not a positive finite number.
    """
    if not (math.isfinite(margin) and margin > 0):
        raise PlanError(
            "an equivalence test needs a margin above 0: no data can show an effect to be exactly 0",
            got=margin,
            hint="give the smallest effect that would matter",
        )
    values = np.asarray(differences, dtype=float)
    if not len(values) or not np.isfinite(values).all() or math.isnan(item_variance):
        return math.nan
    error = standard_error(seed_spread(values), len(values), item_variance=item_variance, item_df=item_df)
    mean = float(values.mean())
    return max(error.upper_p(mean + margin), error.upper_p(margin - mean))
