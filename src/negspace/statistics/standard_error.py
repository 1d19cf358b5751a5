"""Standard error of a mean over seeds whose test items are a sample too."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy import special

from negspace.errors import PlanError

__all__ = ["StandardError", "influence_variance", "seed_spread", "standard_error"]


@dataclass(frozen=True)
class StandardError:
    """A standard error and how well it is known.

    Attributes:
        value: The standard error, in the measure's units; ``inf`` where nothing bounds it.
        df: Degrees of freedom of its square; ``inf`` where it is known exactly.
    """

    value: float
    df: float

    def quantile(self, probability: float) -> float:
        """Student's t quantile for these degrees of freedom."""
        return float(special.stdtrit(self.df, probability))

    def upper_p(self, excess: float) -> float:
        """One-sided p-value: how probable an estimate this far above a true value is.

        Args:
            excess: Estimate minus hypothesised value.
        """
        if self.value == 0.0:
            return 0.0 if excess > 0 else 1.0
        return float(special.stdtr(self.df, -excess / self.value))


def standard_error(
    sd: float, seeds: int, *, item_variance: float = 0.0, item_df: float = math.inf
) -> StandardError:
    """Standard error of a mean over crossed seeds and test items.

    Seeds and items both are samples, and every seed sees every item. With seed, item and interaction
    variances the variance of the grand mean is ``a/S + b/I + e/(S I)``. ``sd**2 / S`` estimates
    ``a/S + e/(S I)`` and ``item_variance`` estimates ``b/I + e/(S I)``: their sum counts the last term
    twice, which errs on the wide side (by little, as it falls with S and with I). Degrees of freedom
    are those of Satterthwaite (1946) and Welch (1947).

    Args:
        sd: Standard deviation over seeds (n - 1 in the denominator).
        seeds: Number of seeds, S. Below two, the spread is unknown and the error infinite.
        item_variance: Variance of the mean due to the items (see :func:`influence_variance`).
        item_df: Its degrees of freedom.

    Raises:
        PlanError: If a variance or its degrees of freedom are negative.
    """
    if item_variance < 0 or item_df < 0 or sd < 0:
        raise PlanError(
            "a spread and its degrees of freedom cannot be negative",
            got=f"sd={sd}, item_variance={item_variance}, item_df={item_df}",
        )
    if seeds < 2:
        return StandardError(math.inf, 1.0)
    seed_variance = sd**2 / seeds
    total = seed_variance + item_variance
    if math.isinf(total):
        return StandardError(math.inf, 1.0)
    # Shares instead of variances: squaring a variance of 1e-200 would underflow.
    share = seed_variance / total if total > 0 else 1.0
    precision = share**2 / (seeds - 1)
    if share < 1:
        precision += (1 - share) ** 2 / item_df if item_df > 0 else math.inf
    return StandardError(math.sqrt(total), 1 / precision if precision > 0 else math.inf)


def seed_spread(per_seed: Float[np.ndarray, " seeds"]) -> float:
    """Standard deviation over seeds (n - 1); ``inf`` below two seeds, NaN with a value that is not finite."""
    values = np.asarray(per_seed, dtype=float)
    if not np.isfinite(values).all():
        return math.nan
    return float(np.std(values, ddof=1)) if len(values) > 1 else math.inf


def influence_variance(
    influences: Float[np.ndarray, "seeds items"], clusters: Int[np.ndarray, " items"]
) -> tuple[float, float]:
    """Variance of the mean over seeds of a measure because its test items are a sample.

    The infinitesimal jackknife (Jaeckel 1972; Efron 1982, ch. 6), robust to clusters (Liang and Zeger
    1986): with ``u_c`` the sum over items of cluster *c* of the influence averaged over seeds, it is
    ``C / (C - 1) * sum_c u_c**2``. For a mean of unclustered items this is exactly ``s**2 / n``.

    Args:
        influences: Influence of each item at each seed (see ``Measurement.influence``).
        clusters: Identity of each item's cluster; the same item in two test sets has one identity, so
            that what the sets share is counted once, with its sign.

    Returns:
        The variance, in squared units of the measure, and its degrees of freedom ``C - 1``.
        ``(0, inf)`` without items: the measure has none. ``(inf, 0)`` with one cluster: nothing shows
        how clusters vary.
    """
    if influences.shape[1] == 0:
        return 0.0, math.inf
    if influences.shape[0] == 0:
        return math.nan, math.nan
    _, of_item = np.unique(clusters, return_inverse=True)
    per_cluster = np.bincount(of_item, weights=influences.mean(axis=0))
    count = len(per_cluster)
    if count == 1:
        return math.inf, 0.0
    return float(np.sum(per_cluster**2) * count / (count - 1)), float(count - 1)
