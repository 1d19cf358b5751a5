"""A claim's result as plain data: what ``--json`` prints, what the store keeps and what the pages show."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from negspace._version import __version__
from negspace.lab.claim import Claim, Curve, Expectation, Part, Point, Published, Scale, plan_hash
from negspace.metrics import Metric
from negspace.records import Estimate, Json, Verdict
from negspace.study import StudyResult

__all__ = ["FORMAT", "summarise"]

FORMAT = 1
"""Of the summary; a reader of stored results goes by it."""

_LabResult: TypeAlias = StudyResult[Any, Any]


def summarise(
    claim: Claim, scale: Scale, parts: Sequence[Part], results: Sequence[_LabResult]
) -> Mapping[str, Json]:
    """Gather all that a claim found.

    Args:
        claim: The claim.
        scale: How large it was run.
        parts: Its parts.
        results: What each found, in their order.

    Returns:
        JSON; NaN and infinities are null.
    """
    return {
        "format": FORMAT,
        "claim": claim.name,
        "title": claim.title,
        "statement": claim.statement,
        "source": claim.source,
        "negspace": __version__,
        "device": scale.device,
        "smoke": scale.smoke,
        "registered": scale.registered,
        "plan_hash": plan_hash(parts),
        "parts": [_part(part, result) for part, result in zip(parts, results, strict=True)],
    }


def _part(part: Part, result: _LabResult) -> dict[str, Json]:
    return {
        "name": part.name,
        "title": part.title,
        "control": part.control,
        "plan_hash": part.study.plan_hash,
        "plan": part.study.plan(),
        "seeds": list(part.study.seeds),
        "tests": dict(part.tests),
        "hypotheses": [
            _hypothesis(expectation, result, result.verdicts[expectation.hypothesis.name])
            for expectation in part.expectations
        ],
        "figures": [_figure(arm.name, on, part, result) for on in part.tests for arm in part.study.arms],
        "curves": [_curve(curve, result) for curve in part.curves],
        "diverged": [
            {"arm": run.arm, "seed": run.seed, "step": run.diverged_at}
            for run in result.runs.values()
            if run.diverged_at is not None
        ],
    }


def _hypothesis(expectation: Expectation, result: _LabResult, verdict: Verdict) -> dict[str, Json]:
    hypothesis = expectation.hypothesis
    arms = [hypothesis.arm] if hypothesis.versus is None else [hypothesis.arm, hypothesis.versus]
    published = expectation.published
    return {
        "name": hypothesis.name,
        "says": expectation.says,
        "claim": hypothesis.claim,
        "measure": hypothesis.metric.name,
        "test": expectation.on,
        "arms": [_arm(arm, hypothesis.metric, result) for arm in arms],
        "margin": hypothesis.margin,
        "delta": _number(verdict.effect),
        "ci": [_number(verdict.interval.low), _number(verdict.interval.high)],
        "level": verdict.interval.level,
        "p_value": _number(verdict.p_value),
        "mde": _number(verdict.mde),
        "seeds_needed": verdict.seeds_needed,
        "published": None if published is None else {"delta": published},
        "verdict": verdict.outcome.value,
        "reason": verdict.reason,
    }


def _arm(arm: str, metric: Metric, result: _LabResult) -> dict[str, Json]:
    return {"name": arm, **_spread(result.estimate(arm, metric))}


def _spread(estimate: Estimate) -> dict[str, Json]:
    values = np.array(estimate.per_seed)
    sd = float(values.std(ddof=1)) if len(values) > 1 else math.nan
    return {
        "mean": _number(estimate.mean),
        "sd": _number(sd),
        "per_seed": [_number(value) for value in estimate.per_seed],
    }


def _figure(arm: str, on: str, part: Part, result: _LabResult) -> dict[str, Json]:
    estimate = result.estimate(arm, part.figure(on))
    theirs = next((p for p in part.published if (p.arm, p.on) == (arm, on)), None)
    return {
        "arm": arm,
        "measure": estimate.metric,
        "test": on,
        **_spread(estimate),
        "ci": [_number(estimate.interval.low), _number(estimate.interval.high)],
        "n": estimate.n,
        "published": None if theirs is None else {"mean": theirs.mean, "sd": theirs.sd},
        "agrees": None if theirs is None else _agrees(estimate.mean, theirs),
    }


def _agrees(mean: float, published: Published) -> bool | None:
    """Whether our mean lies within two published standard deviations of the published one."""
    if published.sd is None or math.isnan(mean):
        return None
    return abs(mean - published.mean) <= 2 * published.sd


def _curve(curve: Curve, result: _LabResult) -> dict[str, Json]:
    return {
        "title": curve.title,
        "x_label": curve.x_label,
        "y_label": curve.y_label,
        "kind": curve.kind,
        "published": [{"x": x, "mean": mean} for x, mean in curve.published.items()] or None,
        "series": [
            {"name": name, "points": [_point(point, result) for point in points]}
            for name, points in curve.series.items()
        ],
    }


def _point(point: Point, result: _LabResult) -> dict[str, Json]:
    estimate = result.estimate(point.arm, point.metric)
    return {
        "x": point.x,
        "mean": _number(estimate.mean),
        "low": _number(estimate.interval.low),
        "high": _number(estimate.interval.high),
        "per_seed": [_number(value) for value in estimate.per_seed],
    }


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
