"""The exchange rate: how many random rows buy the accuracy of an arm.

The learning curve of random rows is fitted and read backwards at the arm's accuracy. Both were measured
with the same seeds on the same test items, and both of these are resampled for the interval.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import special

from negspace.errors import PlanError
from negspace.statistics.learning_curve import IsotonicCurves, PowerLaws, fit_isotonic, fit_power_laws

MISFIT_LEVEL = 0.05
"""Where seeds and test clusters leave residuals so large a chance below this, the power law is given up."""

NEGLIGIBLE = 0.002
"""A fit whose largest residual is below this (a fifth of a point) is kept, however sure its misfit."""

_FEWEST_FOR_POWER_LAW = 4
_CELLS_AT_ONCE = 2**22


@dataclass(frozen=True)
class ExchangeRate:
    """How many random rows of the reference pool are worth an arm, by accuracy on one test set.

    Rows are ``inf`` where more than the largest size would be needed, and 0 where fewer than the smallest
    would do: the curve is not extrapolated.

    Attributes:
        rows: The fewest random rows at which the fitted curve reaches the arm's accuracy.
        low: Lower end of the interval over seeds and test clusters.
        high: Upper end.
        level: Confidence level of the interval.
        beyond: Share of the bootstrap draws above the largest size; NaN with one seed or one cluster.
        below: Share of the bootstrap draws below the smallest size; NaN likewise.
        pool: Rows in the reference pool.
        accuracy: Mean accuracy of the arm.
        sizes: Sizes of the curve, ascending.
        observed: Mean accuracy of random rows at each size.
        fitted: Accuracy of the fitted curve at each size.
        method: What was fitted to the curve.
        parameters: ``(a, b, c)`` of ``error = a + b n**-c``; None if isotonic.
        misfit_p: P-value of the power law's residuals; NaN if it was not fitted, or with one seed.
        residual_max: Largest absolute residual of the curve that was used, as a share.
        residual_rms: Root of the mean squared residual.
    """

    rows: float
    low: float
    high: float
    level: float
    beyond: float
    below: float
    pool: int
    accuracy: float
    sizes: tuple[int, ...]
    observed: tuple[float, ...]
    fitted: tuple[float, ...]
    method: Literal["power law", "isotonic"]
    parameters: tuple[float, float, float] | None
    misfit_p: float
    residual_max: float
    residual_rms: float


@dataclass(frozen=True, eq=False)
class _Draws:
    """Bootstrap deviations from the mean accuracies, the sizes of the curve first, the arm last."""

    seeds: Float[np.ndarray, "resamples metrics"]
    clusters: Float[np.ndarray, "resamples metrics"]


def cluster_sums(
    right: Bool[np.ndarray, "*runs items"], clusters: Int[np.ndarray, " items"]
) -> tuple[Float[np.ndarray, "*runs clusters"], Int[np.ndarray, " clusters"]]:
    """Add up right answers by test cluster, in ascending order of the clusters' identities.

    Args:
        right: Whether each run answered each item rightly.
        clusters: Identity of each item's cluster.

    Returns:
        Right answers of each run in each cluster, and the number of items of each cluster.
    """
    _, of_item, counts = np.unique(clusters, return_inverse=True, return_counts=True)
    order = np.argsort(of_item, kind="stable")
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    return np.add.reduceat(right[..., order].astype(float), starts, axis=-1), counts


def exchange_rate(
    sizes: Int[np.ndarray, " sizes"],
    curve: Float[np.ndarray, "sizes seeds clusters"],
    arm: Float[np.ndarray, "seeds clusters"],
    counts: Int[np.ndarray, " clusters"],
    *,
    rng: np.random.Generator,
    pool: int | None = None,
    level: float = 0.95,
    resamples: int = 1000,
) -> ExchangeRate:
    """Read the learning curve of random rows backwards at an arm's accuracy.

    The curve is ``error(n) = a + b n**-c`` (Hestness et al. 2017; Viering and Loog 2021). It is given up for
    an isotonic curve, linear in ``log n`` between the sizes, if there are fewer than four sizes, or if a
    residual is above ``NEGLIGIBLE`` and the weighted sum of their squares exceeds that of all but
    ``MISFIT_LEVEL`` of the curves that seeds and clusters, resampled about the fit, give; or if it never
    reaches the arm's accuracy, which a size was seen to have. The choice is made once and holds for all
    draws.

    The interval is of percentiles. A draw resamples the seeds and the test clusters, and adds both deviations
    to the means; the arm and all sizes share the draw, so that what they have in common cancels. Deviations
    over n seeds (or clusters) are stretched by ``sqrt(n / (n - 1)) t / z``, with *t* and *z* the quantiles
    of Student's t on n - 1 degrees of freedom and of the normal distribution: percentile intervals of few
    values are too narrow by about as much (Hesterberg 2015). The interaction of seeds and clusters is
    counted once.

    Args:
        sizes: Random rows the curve was measured at, ascending; the whole pool should come last.
        curve: Right answers of random rows at each size, by seed and test cluster.
        arm: Right answers of the arm, with the same seeds, on the same items.
        counts: Items in each test cluster.
        rng: Source of the resamples.
        pool: Rows in the reference pool; by default the largest size.
        level: Confidence level of the interval, in (0, 1).
        resamples: Number of bootstrap draws.

    Returns:
        The rate. With one seed or one cluster its interval is ``[0, inf]``.

    Raises:
        PlanError: If the sizes are not ascending, a cluster is empty, a count of right answers does not fit
            its cluster, or the settings are out of range.
    """
    _check(sizes, curve, arm, counts, pool, level, resamples)
    right = np.concatenate([curve, arm[None]])
    per_seed = right.sum(axis=2) / counts.sum()
    mean = per_seed.mean(axis=1)
    draws = _draw(right, counts, rng, resamples)
    weights = _weights(per_seed[:-1])
    fit, misfit_p = _fit(sizes, per_seed[:-1], 1 - mean[-1:], weights, draws)
    if min(arm.shape) > 1:
        stretched = (
            _stretch(arm.shape[0], level) * draws.seeds + _stretch(arm.shape[1], level) * draws.clusters
        )
        errors = 1 - (mean + stretched)
        refit = fit_power_laws if isinstance(fit, PowerLaws) else fit_isotonic
        values = refit(sizes, errors[:, :-1], weights).rows(errors[:, -1])
        # Order statistics, outward: interpolating next to an infinite value would give NaN.
        low = float(np.quantile(values, (1 - level) / 2, method="lower"))
        high = float(np.quantile(values, (1 + level) / 2, method="higher"))
        beyond, below = float(np.isinf(values).mean()), float((values == 0).mean())
    else:
        low, high, beyond, below = 0.0, math.inf, math.nan, math.nan
    fitted = 1 - fit.errors(sizes)[0]
    residuals = mean[:-1] - fitted
    return ExchangeRate(
        rows=float(fit.rows(1 - mean[-1:])[0]),
        low=low,
        high=high,
        level=level,
        beyond=beyond,
        below=below,
        pool=int(sizes[-1]) if pool is None else pool,
        accuracy=float(mean[-1]),
        sizes=tuple(sizes.tolist()),
        observed=tuple(mean[:-1].tolist()),
        fitted=tuple(fitted.tolist()),
        method="power law" if isinstance(fit, PowerLaws) else "isotonic",
        parameters=fit.parameters() if isinstance(fit, PowerLaws) else None,
        misfit_p=misfit_p,
        residual_max=float(np.abs(residuals).max()),
        residual_rms=float(np.sqrt(np.mean(residuals**2))),
    )


def in_brief(rate: ExchangeRate) -> str:
    """The rate as a table shows it: ``760 [610, 940]`` or ``> 3,414 (the whole pool)``.

    Rows are rounded to two digits, which is more than the interval supports; sizes that were tried are exact.
    """
    low, high = _amount(rate.low, rate), _amount(rate.high, rate)
    interval = "" if low == high else f" [{low}, {high}]"
    where = ""
    if math.isinf(rate.rows):
        where = " (the whole pool)" if rate.sizes[-1] == rate.pool else " (the largest size tried)"
    return f"{_amount(rate.rows, rate)}{interval}{where}"


def in_words(rate: ExchangeRate, own_rows: int) -> str:
    """The rate as a sentence's core: ``200 of these rows ≈ 760 [610, 940] random ones``."""
    sign = "≈ " if 0 < rate.rows < math.inf else ""
    amount = in_brief(rate)
    if "(" not in amount:
        return f"{own_rows:,} of these rows {sign}{amount} random ones"
    number, _, where = amount.partition(" (")
    return f"{own_rows:,} of these rows {number} random ones ({where}"


def _amount(rows: float, rate: ExchangeRate) -> str:
    smallest, largest = rate.sizes[0], rate.sizes[-1]
    if math.isinf(rows):
        return f"> {largest:,}"
    if rows == 0:
        return f"< {smallest:,}"
    unit = 10 ** max(0, math.floor(math.log10(rows)) - 1)
    return f"{min(max(round(rows / unit) * unit, smallest), largest):,}"


def _draw(
    right: Float[np.ndarray, "metrics seeds clusters"],
    counts: Int[np.ndarray, " clusters"],
    rng: np.random.Generator,
    resamples: int,
) -> _Draws:
    _, n_seeds, n_clusters = right.shape
    per_seed = right.sum(axis=2) / counts.sum()
    mean = per_seed.mean(axis=1)
    times = rng.multinomial(n_seeds, np.full(n_seeds, 1 / n_seeds), size=resamples)
    seeds = times @ per_seed.T / n_seeds - mean
    # A resample of clusters has its own number of items: the ratio, not the sum, is its accuracy.
    columns = np.column_stack([right.mean(axis=1).T, counts])
    even = np.full(n_clusters, 1 / n_clusters)
    chunk = max(1, _CELLS_AT_ONCE // n_clusters)
    sums = [
        rng.multinomial(n_clusters, even, size=min(chunk, resamples - at)) @ columns
        for at in range(0, resamples, chunk)
    ]
    drawn = np.concatenate(sums)
    clusters = drawn[:, :-1] / drawn[:, -1:] - mean
    against_arm = clusters - clusters[:, -1:]
    return _Draws(seeds, clusters[:, -1:] + _shrink(right, counts) * against_arm)


def _shrink(
    right: Float[np.ndarray, "metrics seeds clusters"], counts: Int[np.ndarray, " clusters"]
) -> float:
    """Factor that takes the interaction of seeds and clusters out of the clusters' deviations.

    The mean over S seeds of a cluster's excess over the arm varies with the cluster, and by 1 / S of the
    interaction, which the seeds' deviations hold already. Components of variance by the method of moments
    (Searle, Casella and McCulloch 1992, ch. 4), pooled over the sizes. What the arm and all sizes share
    stays as it is: it hardly moves the rate.
    """
    n_seeds = right.shape[1]
    if n_seeds < 2:
        return 1.0
    excess = right[:-1] - right[-1]
    excess = excess - excess.sum(axis=2, keepdims=True) / counts.sum() * counts
    of_cluster = excess.mean(axis=1, keepdims=True)
    seen = float(np.sum(of_cluster**2))
    interaction = float(np.sum((excess - of_cluster) ** 2)) / (n_seeds * (n_seeds - 1))
    return math.sqrt(max(0.0, 1 - interaction / seen)) if seen > 0 else 0.0


def _fit(
    sizes: Int[np.ndarray, " sizes"],
    per_seed: Float[np.ndarray, "sizes seeds"],
    sought: Float[np.ndarray, " 1"],
    weights: Float[np.ndarray, " sizes"],
    draws: _Draws,
) -> tuple[PowerLaws | IsotonicCurves, float]:
    """The curve that is used, and the p-value of the power law's misfit."""
    errors, misfit_p = 1 - per_seed.mean(axis=1)[None], math.nan
    if len(sizes) >= _FEWEST_FOR_POWER_LAW:
        law = fit_power_laws(sizes, errors, weights)
        seeds = per_seed.shape[1]
        misfit_p = _misfit_p(law, errors, weights, draws, seeds) if seeds > 1 else math.nan
        residual = float(np.abs(law.errors(sizes) - errors).max())
        # A law that never gets to an error which a size was seen to have answers another question.
        denied = bool(np.isinf(law.rows(sought)[0]) and errors.min() <= sought[0])
        if not denied and (residual <= NEGLIGIBLE or not misfit_p <= MISFIT_LEVEL):
            return law, misfit_p
    return fit_isotonic(sizes, errors, weights), misfit_p


def _weights(per_seed: Float[np.ndarray, "sizes seeds"]) -> Float[np.ndarray, " sizes"]:
    """Inverse variances over seeds, each half-way shrunk to their mean.

    A few seeds know a variance badly, and at the whole pool, where every seed draws the same rows, it may
    be 0 by construction: no size may take over the fit for that.
    """
    if per_seed.shape[1] < 2:
        return np.ones(len(per_seed))
    variance = per_seed.var(axis=1, ddof=1)
    overall = float(variance.mean())
    return overall / (variance + overall) if overall > 0 else np.ones(len(per_seed))


def _misfit_p(
    law: PowerLaws,
    errors: Float[np.ndarray, "1 sizes"],
    weights: Float[np.ndarray, " sizes"],
    draws: _Draws,
    seeds: int,
) -> float:
    """P-value of the weighted squared residuals, by a bootstrap about the fit.

    Seeds and test clusters are resampled under the hypothesis, as a test asks for (Hall and Wilson 1991).
    """
    fitted = law.errors(law.sizes)
    seen = float((errors - fitted)[0] ** 2 @ weights)
    deviations = math.sqrt(seeds / (seeds - 1)) * draws.seeds + draws.clusters
    simulated = fitted + deviations[:, :-1]
    refitted = fit_power_laws(law.sizes, simulated, weights).errors(law.sizes)
    squares = (simulated - refitted) ** 2 @ weights
    rounding = 1e-12 * float(weights.sum())
    return float((np.count_nonzero(squares >= seen - rounding) + 1) / (len(squares) + 1))


def _stretch(n: int, level: float) -> float:
    quantile = (1 + level) / 2
    return math.sqrt(n / (n - 1)) * float(special.stdtrit(n - 1, quantile) / special.ndtri(quantile))


def _check(
    sizes: Int[np.ndarray, " sizes"],
    curve: Float[np.ndarray, "sizes seeds clusters"],
    arm: Float[np.ndarray, "seeds clusters"],
    counts: Int[np.ndarray, " clusters"],
    pool: int | None,
    level: float,
    resamples: int,
) -> None:
    if not curve.size or (counts < 1).any():
        raise PlanError("an exchange rate takes a size, a seed and no empty cluster", got=str(curve.shape))
    if not all(((part >= 0) & (part <= counts)).all() for part in (curve, arm)):
        raise PlanError(
            "right answers of a cluster lie between 0 and its number of items",
            hint="give sums of right answers, not shares",
        )
    if pool is not None and pool < sizes[-1]:
        raise PlanError(f"a curve of {sizes[-1]} rows cannot come from a pool of {pool}")
    if not 0 < level < 1:
        raise PlanError("a confidence level lies between 0 and 1", got=level, hint="for 95 %, give 0.95")
    if resamples * (1 - level) / 2 < 1:
        raise PlanError(
            f"{resamples} resamples do not reach the tails of a {level:g} interval",
            hint=f"take at least {math.ceil(2 / (1 - level))}",
        )
