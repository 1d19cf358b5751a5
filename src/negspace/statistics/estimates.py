"""From the measurements of single runs to an estimate over seeds and test items, with its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy import special

from negspace.errors import PlanError
from negspace.records import Estimate, Interval, Measurement


@dataclass(frozen=True)
class StandardError:
    """A standard error and how well it is known.

    Attributes:
        value: The standard error, in the metric's units; ``inf`` where nothing bounds it.
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


def estimate(name: str, measurements: Sequence[Measurement], *, level: float = 0.95) -> Estimate:
    """Mean of a metric over seeds, with its interval over seeds and test items.

    Args:
        name: Name of the metric.
        measurements: One a seed, in the order of the study's seeds.
        level: Confidence level of the interval.

    Returns:
        The estimate. A seed at which the metric is undefined makes mean and interval NaN.

    Raises:
        PlanError: If there is no measurement, or seeds looked at different items.
    """
    if not measurements:
        raise PlanError(f"no measurements of '{name}' to estimate from", hint="measure at least one seed")
    values = np.array([m.value for m in measurements], dtype=float)
    variance, df = item_variance_of(measurements)
    return Estimate(
        metric=name,
        mean=float(values.mean()) if np.isfinite(values).all() else math.nan,
        interval=mean_interval(values, item_variance=variance, item_df=df, level=level),
        per_seed=tuple(values.tolist()),
        n=max(len(m.influence) for m in measurements),
    )


def difference(a: Measurement, b: Measurement) -> Measurement:
    """The metric ``a - b`` of one run (two test sets) or of one seed (two arms).

    The influences are joined, those of ``b`` with the opposite sign. An item or cluster on both sides keeps
    its identity, so that its two influences add up before they are squared: the covariance of ``a`` and
    ``b`` is accounted for. A side without influences counts as known exactly.
    """
    return Measurement(
        value=a.value - b.value,
        influence=np.concatenate([a.influence, -b.influence]),
        clusters=np.concatenate([a.clusters, b.clusters]),
        resolution=math.hypot(a.resolution, b.resolution),
    )


def mean_interval(
    per_seed: Float[np.ndarray, " seeds"],
    *,
    item_variance: float = 0.0,
    item_df: float = math.inf,
    level: float = 0.95,
) -> Interval:
    """Student's t interval of a mean over seeds and test items (`standard_error`).

    Args:
        per_seed: One value a seed; for paired arms, their difference.
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
    if not 0 < level < 1:
        raise PlanError("a confidence level lies between 0 and 1", got=level, hint="for 95 %, give 0.95")
    values = np.asarray(per_seed, dtype=float)
    if not len(values) or not np.isfinite(values).all() or math.isnan(item_variance):
        return Interval(math.nan, math.nan, level)
    error = standard_error(seed_spread(values), len(values), item_variance=item_variance, item_df=item_df)
    mean = float(values.mean())
    half = error.quantile((1 + level) / 2) * error.value if error.value > 0 else 0.0
    return Interval(mean - half, mean + half, level)


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


def item_variance_of(measurements: Sequence[Measurement]) -> tuple[float, float]:
    """Variance of the mean over seeds due to test items, with its degrees of freedom.

    The square of the metric's resolution is added: that a model is right on every item at every seed does
    not make its accuracy known exactly. Away from 0 and 1 the addition is small (3 % of the variance of
    an accuracy of one half on 500 rows) and errs on the safe side.

    Args:
        measurements: One a seed. Those whose value is NaN are passed over: the mean is NaN anyway.

    Returns:
        See :func:`influence_variance`; ``(nan, nan)`` if no measurement has a value.

    Raises:
        PlanError: If seeds looked at different items.
    """
    defined = [m for m in measurements if not math.isnan(m.value)]
    if not defined:
        return math.nan, math.nan
    clusters = defined[0].clusters
    for other in defined[1:]:
        if not np.array_equal(other.clusters, clusters):
            raise PlanError(
                "the seeds of an estimate must look at the same test items, in the same order",
                got=f"{len(clusters)} items at one seed, {len(other.clusters)} (or others) at another",
                hint="measure every seed on one EvalSet",
            )
    variance, df = influence_variance(np.stack([m.influence for m in defined]), clusters)
    return variance + defined[0].resolution ** 2, df


def influence_variance(
    influences: Float[np.ndarray, "seeds items"], clusters: Int[np.ndarray, " items"]
) -> tuple[float, float]:
    """Variance of the mean over seeds of a metric because its test items are a sample.

    The infinitesimal jackknife (Jaeckel 1972; Efron 1982, ch. 6), robust to clusters (Liang and Zeger
    1986): with ``u_c`` the sum over items of cluster *c* of the influence averaged over seeds, it is
    ``C / (C - 1) * sum_c u_c**2``. For a mean of unclustered items this is exactly ``s**2 / n``.

    Args:
        influences: Influence of each item at each seed (see ``Measurement.influence``).
        clusters: Identity of each item's cluster; the same item in two test sets has one identity, so
            that what the sets share is counted once, with its sign.

    Returns:
        The variance, in squared units of the metric, and its degrees of freedom ``C - 1``.
        ``(0, inf)`` without items: the metric has none. ``(inf, 0)`` with one cluster: nothing shows
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
