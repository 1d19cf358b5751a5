"""From the measurements of single runs to an estimate over seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from negspace.errors import PlanError
from negspace.records import Estimate, Measurement
from negspace.statistics.intervals import mean_interval
from negspace.statistics.standard_error import influence_variance

__all__ = ["difference", "estimate", "item_variance_of"]


def estimate(name: str, measurements: Sequence[Measurement], *, level: float = 0.95) -> Estimate:
    """Mean of a measure over seeds, with its interval over seeds and test items.

    Args:
        name: Name of the measure.
        measurements: One a seed, in the order of the study's seeds.
        level: Confidence level of the interval.

    Returns:
        The estimate. A seed at which the measure is undefined makes mean and interval NaN.

    Raises:
        PlanError: If there is no measurement, or seeds looked at different items.
    """
    if not measurements:
        raise PlanError(f"no measurements of '{name}' to estimate from", hint="measure at least one seed")
    values = np.array([m.value for m in measurements], dtype=float)
    variance, df = item_variance_of(measurements)
    return Estimate(
        measure=name,
        mean=float(values.mean()) if np.isfinite(values).all() else math.nan,
        interval=mean_interval(values, item_variance=variance, item_df=df, level=level),
        per_seed=tuple(values.tolist()),
        n=max(len(m.influence) for m in measurements),
    )


def difference(a: Measurement, b: Measurement) -> Measurement:
    """The measure ``a - b`` of one run (two test sets) or of one seed (two arms).

    The influences are joined, those of ``b`` with the opposite sign. An item or cluster that stands on
    both sides keeps its identity, so that its two influences add up before they are squared: the
    covariance of ``a`` and ``b`` is accounted for. A side without influences counts as known exactly.
    """
    return Measurement(
        value=a.value - b.value,
        influence=np.concatenate([a.influence, -b.influence]),
        clusters=np.concatenate([a.clusters, b.clusters]),
        resolution=math.hypot(a.resolution, b.resolution),
    )


def item_variance_of(measurements: Sequence[Measurement]) -> tuple[float, float]:
    """Variance of the mean over seeds due to test items, with its degrees of freedom.

    The square of the measure's resolution is added: that a model is right on every item at every seed does
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
