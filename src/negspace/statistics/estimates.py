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

Floats = float | np.ndarray
"""One number, or one a study."""

LONG_TAIL = 2.0
"""A tail is long where the skewness exceeds this many standard errors, each ``sqrt(6 / n)``, of a normal
sample's. A milder skewness is left to the t interval, which the noise of a third moment would only weaken."""


@dataclass(frozen=True)
class StandardError:
    """A standard error, how well it is known, and how far the seeds' long tails move its critical values.

    Where the seeds show a long lower tail, the lower end of an interval is ``mean - (c + a (1 + 2 c**2)) se``
    with *c* Student's quantile: a Cornish-Fisher expansion of the t statistic's distribution in the skewness
    (Johnson 1978; Hall 1992), with the sample skewness g in ``a = |g| share**1.5 / (6 sqrt(n))``, where
    ``share`` is that of the seeds in ``se**2``. The upper end is its mirror image. P-values are the same rule
    read backwards, so that a p is at most *q* exactly where the end at one-sided level *q* clears the value.

    All attributes may be arrays, one entry a study.

    Attributes:
        value: The standard error, in the metric's units; ``inf`` where nothing bounds it.
        df: Degrees of freedom of its square; ``inf`` where it is known exactly.
        low_tail: *a* for the lower end; 0 where the seeds show no long lower tail.
        high_tail: *a* for the upper end.
    """

    value: Floats
    df: Floats
    low_tail: Floats = 0.0
    high_tail: Floats = 0.0

    def low(self, mean: Floats, level: float) -> Floats:
        """Lower end of the two-sided interval of this level, in (0, 1)."""
        c = special.stdtrit(self.df, (1 + level) / 2)
        end: Floats = mean - (c + self.low_tail * (1 + 2 * c**2)) * self.value
        return end

    def high(self, mean: Floats, level: float) -> Floats:
        """Upper end of the two-sided interval of this level, in (0, 1)."""
        return -self._mirrored.low(-mean, level)

    def p_above(self, excess: Floats) -> Floats:
        """One-sided p-value of the claim that the true mean lies above a value.

        Args:
            excess: Mean minus this value.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            t = np.where(self.value == 0, np.copysign(np.inf, excess), np.divide(excess, self.value))
            t = np.where((self.value == 0) & (excess == 0), -np.inf, t)
            a = np.where(np.isfinite(t), self.low_tail, 0.0)
            moved = (np.sqrt(1 + 8 * a * np.maximum(t - a, 0.0)) - 1) / (4 * a)
            p = special.stdtr(self.df, -np.where((a > 0) & (t > a), moved, t))
        found: Floats = np.where((a > 0) & (t <= a), np.maximum(p, 0.5), p)
        return found

    def p_below(self, excess: Floats) -> Floats:
        """One-sided p-value of the claim that the true mean lies below a value."""
        return self._mirrored.p_above(-excess)

    @property
    def _mirrored(self) -> StandardError:
        return StandardError(self.value, self.df, self.high_tail, self.low_tail)


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
        clusters=min(effective_clusters(m) for m in measurements),
    )


def difference(a: Measurement, b: Measurement) -> Measurement:
    """The metric ``a - b`` of one run (two test sets) or of one seed (two arms).

    On the same items the influences are subtracted. On others they are joined, those of ``b`` with the
    opposite sign; an item or cluster on both sides keeps its identity, so that its two influences add up
    before they are squared. Either way the covariance of ``a`` and ``b`` is accounted for. A side without
    influences counts as known exactly.

    What few items cannot resolve is, on the same items, the larger of the two: both arms meet the same rows.
    On others it adds up in squares.
    """
    value = a.value - b.value
    of_a, of_b = _parts(a), _parts(b)
    if np.array_equal(a.clusters, b.clusters) and np.array_equal(of_a, of_b):
        resolution = max(a.resolution, b.resolution)
        return Measurement(value, a.influence - b.influence, a.clusters, resolution, a.parts)
    return Measurement(
        value,
        np.concatenate([a.influence, -b.influence]),
        np.concatenate([a.clusters, b.clusters]),
        math.hypot(a.resolution, b.resolution),
        np.concatenate([of_a, of_b + of_a.max(initial=-1) + 1]),
    )


def _parts(measurement: Measurement) -> Int[np.ndarray, " items"]:
    given = measurement.parts
    return np.zeros(len(measurement.clusters), dtype=np.int64) if given is None else given


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
    mean, error = float(values.mean()), error_of_mean(values, item_variance=item_variance, item_df=item_df)
    return Interval(float(error.low(mean, level)), float(error.high(mean, level)), level)


def error_of_mean(
    values: Float[np.ndarray, "*studies seeds"],
    *,
    item_variance: Floats = 0.0,
    item_df: Floats = math.inf,
) -> StandardError:
    """Standard error of the mean over seeds and test items, with the tails that the seeds show.

    Args:
        values: One value a seed, finite, of one study or of many.
        item_variance: Variance of the mean because the test items are a sample.
        item_df: Degrees of freedom of ``item_variance``.
    """
    n = values.shape[-1]
    deviations = values - values.mean(axis=-1, keepdims=True)
    spread = np.sqrt(np.mean(deviations**2, axis=-1, keepdims=True))
    # Not scipy.stats.skew: it warns of seeds that agree, and importing scipy.stats takes half a second.
    with np.errstate(divide="ignore", invalid="ignore"):
        skewness = np.where(spread > 0, deviations / spread, 0.0)
    return standard_error(
        spread[..., 0] * math.sqrt(n / max(n - 1, 1)),
        n,
        item_variance=item_variance,
        item_df=item_df,
        skewness=np.mean(skewness**3, axis=-1),
    )


def standard_error(
    sd: Floats,
    seeds: int,
    *,
    item_variance: Floats = 0.0,
    item_df: Floats = math.inf,
    skewness: Floats = 0.0,
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
        skewness: Skewness of the seeds (third moment over the cube of the spread, n in the denominators).

    Raises:
        PlanError: If a variance or its degrees of freedom are negative.
    """
    if np.any(np.less(item_variance, 0)) or np.any(np.less(item_df, 0)) or np.any(np.less(sd, 0)):
        raise PlanError(
            "a spread and its degrees of freedom cannot be negative",
            got=f"sd={sd}, item_variance={item_variance}, item_df={item_df}",
        )
    if seeds < 2:
        return StandardError(math.inf, 1.0)
    seed_variance = np.square(sd) / seeds
    total = seed_variance + item_variance
    known = np.isfinite(total)
    with np.errstate(divide="ignore", invalid="ignore"):
        # Shares instead of variances: squaring a variance of 1e-200 would underflow.
        share = np.where(total > 0, seed_variance / total, 1.0)
        precision = share**2 / (seeds - 1)
        precision = precision + np.where(share < 1, (1 - share) ** 2 / np.asarray(item_df, dtype=float), 0.0)
        df = np.where(precision > 0, 1 / precision, np.inf)
        tail = np.abs(skewness) * share**1.5 / (6 * math.sqrt(seeds))
    long = LONG_TAIL * math.sqrt(6 / seeds)
    return StandardError(
        np.sqrt(total),
        np.where(known, df, 1.0),
        np.where(known & np.less(skewness, -long), tail, 0.0),
        np.where(known & np.greater(skewness, long), tail, 0.0),
    )


def seed_spread(per_seed: Float[np.ndarray, " seeds"]) -> float:
    """Standard deviation over seeds (n - 1); ``inf`` below two seeds, NaN with a value that is not finite."""
    values = np.asarray(per_seed, dtype=float)
    if not np.isfinite(values).all():
        return math.nan
    return float(np.std(values, ddof=1)) if len(values) > 1 else math.inf


def item_variance_of(measurements: Sequence[Measurement]) -> tuple[float, float]:
    """Variance of the mean over seeds due to test items, with its degrees of freedom.

    It is at least the square of the metric's resolution: that a model is right on every item at every seed
    does not make its accuracy known exactly.

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
    first = defined[0]
    for other in defined[1:]:
        if not np.array_equal(other.clusters, first.clusters):
            raise PlanError(
                "the seeds of an estimate must look at the same test items, in the same order",
                got=f"{len(first.clusters)} items at one seed, {len(other.clusters)} (or others) at another",
                hint="measure every seed on one EvalSet",
            )
    influences = np.stack([m.influence for m in defined])
    variance, df = influence_variance(influences, first.clusters, _parts(first))
    return max(variance, first.resolution**2), df


def effective_clusters(measurement: Measurement) -> float:
    """How many clusters of one size would weigh as these do: ``(sum n)**2 / sum n**2`` (Kish 1965, sec. 8.2).

    Of several test sets the fewest, for the smallest set is what limits a difference. 0 without items.
    """
    parts = _parts(measurement)
    counts = [
        np.unique(measurement.clusters[parts == part], return_counts=True)[1] for part in np.unique(parts)
    ]
    return min((float(n.sum() ** 2 / np.sum(n**2)) for n in counts), default=0.0)


def influence_variance(
    influences: Float[np.ndarray, "seeds items"],
    clusters: Int[np.ndarray, " items"],
    parts: Int[np.ndarray, " items"] | None = None,
) -> tuple[float, float]:
    """Variance of the mean over seeds of a metric because its test items are a sample.

    The infinitesimal jackknife (Jaeckel 1972; Efron 1982, ch. 6), robust to clusters (Liang and Zeger
    1986): with ``u_c`` the sum over items of cluster *c* of the influence averaged over seeds, it is
    ``C / (C - 1) * sum_c u_c**2``, with *C* the effective number of clusters (`effective_clusters`). For a
    mean of unclustered items this is exactly ``s**2 / n``.

    Each test set has its own *C*; sets that share clusters keep their covariance, and degrees of freedom are
    those of Satterthwaite (1946) over the sets.

    Args:
        influences: Influence of each item at each seed (see ``Measurement.influence``).
        clusters: Identity of each item's cluster; the same item in two test sets has one identity, so
            that what the sets share is counted once, with its sign.
        parts: The test set of each item; one set if None.

    Returns:
        The variance, in squared units of the metric, and its degrees of freedom, ``C - 1`` for one set.
        ``(0, inf)`` without items: the metric has none. ``(inf, 0)`` where a set is one cluster: nothing
        shows how clusters vary.
    """
    if influences.shape[1] == 0:
        return 0.0, math.inf
    if influences.shape[0] == 0:
        return math.nan, math.nan
    names, of_item = np.unique(clusters, return_inverse=True)
    mean = influences.mean(axis=0)
    of_part = np.zeros(len(mean), dtype=int) if parts is None else parts
    per_cluster, variances, precisions = np.zeros(len(names)), [], []
    for part in np.unique(of_part):
        here = of_part == part
        counts = np.bincount(of_item[here])
        if np.count_nonzero(counts) == 1:
            return math.inf, 0.0
        effective = float(counts.sum()) ** 2 / float(np.sum(counts.astype(float) ** 2))
        sums = np.bincount(of_item[here], mean[here], len(names)).astype(float)
        sums = sums * math.sqrt(effective / (effective - 1))
        per_cluster += sums
        variances.append(float(np.sum(sums**2)))
        precisions.append(1 / (effective - 1))
    total = sum(variances)
    # Shares instead of variances, which may be too small to be squared. Sets that all agree: the smallest.
    shares = [each / total for each in variances] if total > 0 else [1.0] * len(variances)
    precision = sum(share**2 * each for share, each in zip(shares, precisions, strict=True))
    if total == 0:
        precision = max(precisions)
    return float(np.sum(per_cluster**2)), 1 / precision
