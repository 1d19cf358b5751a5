"""What an audit found, as plain data: the content of ``audit.json`` and of the report."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float
from scipy.stats import spearmanr

from negspace._version import __version__
from negspace.audits.words import curve_reading, method, next_step, question
from negspace.evaluation import EASY, NEAR_MISS, PAIRS, Boundary, Inputs, Layout, Role, Roles, Source, Space
from negspace.metrics import (
    Accuracy,
    BrierScore,
    CalibrationError,
    Confidence,
    Gap,
    Invariance,
    MacroF1,
    Metric,
    PairConsistency,
)
from negspace.models import TextArm, TextTask, fixed_runs
from negspace.records import Estimate, Json
from negspace.search import NEAR_MISS_RADIUS
from negspace.study import StudyResult

__all__ = ["SCHEMA", "Findings", "summarise"]

SCHEMA = "negspace.audit/1"

_UNBALANCED = 1.5  # most common label against the rarest
_PAIRS_SHOWN = 12
_EXAMPLES_SHOWN = 5


@dataclass(frozen=True, eq=False)
class Findings:
    """All parts of an audit, as they came out of the rooms."""

    inputs: Inputs
    space: Space
    boundary: Boundary
    layout: Layout
    result: StudyResult[TextTask, TextArm]
    roles: Roles

    @property
    def arm(self) -> str:
        """Name of the one arm."""
        return self.result.study.arms[0].name

    def estimate(self, metric: Metric) -> dict[str, Json] | None:
        """A metric over all seeds, or None where it is undefined."""
        found = self.result.estimate(self.arm, metric)
        # A share lies in [0, 1], which Student's t does not know; a difference of shares in [-1, 1].
        lowest = -1.0 if isinstance(metric, Gap) else 0.0
        return None if math.isnan(found.mean) else _plain(found, lowest)

    @cached_property
    def share_right(self) -> Float[np.ndarray, " held_out"]:
        """For each held-out row, the share of seeds that predict its label."""
        truth = self.layout.task.held_out_labels
        right = [run.values["label"] == truth for run in self.result.of_arm(self.arm)]
        return np.asarray(np.mean(right, axis=0))


def summarise(findings: Findings) -> dict[str, Json]:
    """Put an audit into plain data.

    Args:
        findings: The audit.

    Returns:
        JSON-able, without NaN: what is undefined is None. ``docs/audit.md`` describes every key.
    """
    study = findings.result.study
    easy, near = findings.estimate(Accuracy(EASY)), findings.estimate(Accuracy(NEAR_MISS))
    gap = findings.estimate(Gap(Accuracy(EASY), Accuracy(NEAR_MISS)))
    curve = _curve(findings)
    unbalanced = _unbalanced(findings)
    summary: dict[str, Json] = {
        "schema": SCHEMA,
        "version": __version__,
        "plan_hash": study.plan_hash,
        "data": {**_data(findings), "unbalanced": unbalanced},
        "learner": dict(study.learner.describe()),
        "seeds": list(study.seeds),
        "easy": easy,
        "near_miss": near and {**near, "source": findings.boundary.source.value},
        "gap": gap,
        "pair_consistency": findings.estimate(PairConsistency(PAIRS)),
        "macro_f1": {
            name: findings.estimate(MacroF1(name)) if unbalanced else None for name in (EASY, NEAR_MISS)
        },
        "calibration": {
            "ece": findings.estimate(CalibrationError(NEAR_MISS)),
            "brier": findings.estimate(BrierScore(NEAR_MISS)),
            "confidence": findings.estimate(Confidence(NEAR_MISS)),
        },
        "invariance": _invariance(findings),
        "curve": curve,
        "curve_reading": curve_reading(curve, *_trend(findings)),
        "verdict": _verdict(findings, easy, near),
        "roles": dict(findings.roles.count()),
        "role_examples": _role_examples(findings),
        "pairs": _worst_pairs(findings),
        "left_out": _left_out(findings),
        "warnings": _warnings(findings),
        "method": method(
            findings.boundary.source,
            tested_on_own_file=findings.inputs.test is not None,
            grouped=findings.inputs.train.examples.groups is not None,
            learner=study.learner.name,
        ),
    }
    return summary


def _plain(estimate: Estimate, lowest: float) -> dict[str, Json]:
    low, high = estimate.interval.low, estimate.interval.high
    return {
        "mean": estimate.mean,
        "ci": [_number(max(low, lowest)), _number(min(high, 1.0))],
        "per_seed": [_number(value) for value in estimate.per_seed],
        "n": estimate.n,
    }


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _data(findings: Findings) -> dict[str, Json]:
    inputs, space = findings.inputs, findings.space
    examples, columns = inputs.train.examples, inputs.train.columns
    counts = np.bincount(examples.labels, minlength=len(examples.label_names))
    own = inputs.test
    contrast = inputs.near_miss
    clusters = space.clusters[: len(examples)] if examples.groups is None else examples.groups
    sizes = np.unique(clusters, return_counts=True)[1]
    return {
        "path": examples.source,
        "fingerprint": examples.fingerprint,
        "rows": len(examples),
        "labels": {name: int(count) for name, count in zip(examples.label_names, counts, strict=True)},
        "groups": int((sizes > 1).sum()),
        "groups_source": "found" if examples.groups is None else "given",
        "columns": {"text": columns.text, "label": columns.label, "group": columns.group},
        "trained_on": len(space.train),
        "test": {
            "path": own.examples.source if own is not None else None,
            "rows": len(space.test),
            "how": "given" if own is not None else "held out",
        },
        "near_miss_file": (
            None if contrast is None else {"path": contrast.examples.source, "rows": len(contrast)}
        ),
    }


def _unbalanced(findings: Findings) -> bool:
    counts = np.bincount(findings.inputs.train.examples.labels)
    return bool(counts.max() > _UNBALANCED * counts.min())


def _curve(findings: Findings) -> list[dict[str, Json]]:
    bands: list[dict[str, Json]] = []
    for band in findings.layout.bands:
        found = findings.estimate(Accuracy(band.on))
        if found is not None:
            bands.append(
                {
                    "low": band.low,
                    "high": band.high,
                    "n": found["n"],
                    "mean": found["mean"],
                    "ci": found["ci"],
                }
            )
    return bands


def _trend(findings: Findings) -> tuple[float, float]:
    """Rank correlation of distance and share of seeds right, over held-out rows, and its p-value."""
    distance = findings.boundary.distance
    share = findings.share_right[: len(distance)]
    if len(np.unique(distance)) < 2 or len(np.unique(share)) < 2:
        return math.nan, math.nan
    found = spearmanr(distance, share)
    return float(found.statistic), float(found.pvalue)


def _invariance(findings: Findings) -> list[dict[str, Json]]:
    return [
        {
            "variation": variation.name,
            "what": variation.what,
            "estimate": None if on is None else findings.estimate(Invariance(on)),
            "left_out": why,
        }
        for variation, on, why in findings.layout.variations
    ]


def _verdict(
    findings: Findings, easy: Mapping[str, Json] | None, near: Mapping[str, Json] | None
) -> dict[str, Json]:
    verdict = findings.result.verdict
    source = findings.boundary.source
    reason = verdict.reason
    if easy is None:
        where = "in its group" if source is Source.GROUP else f"within {NEAR_MISS_RADIUS:g}"
        reason = f"every test row has a near miss {where}: there is nothing easy to compare with"
    elif near is None:
        reason = "no test row has a near miss: accuracy there is unknown, however high it is elsewhere"
    return {
        "outcome": verdict.outcome.value,
        "question": question(verdict.margin),
        "reason": reason,
        "next": next_step(verdict.outcome, source, has_easy=easy is not None, has_near=near is not None),
        "margin": verdict.margin,
        "mde": _number(verdict.mde),
        "effect": _number(verdict.effect),
        "ci": [_number(verdict.interval.low), _number(verdict.interval.high)],
        "p_value": _number(verdict.p_value),
        "seeds_needed": verdict.seeds_needed,
    }


def _role_examples(findings: Findings) -> dict[str, list[dict[str, Json]]]:
    """The clearest rows of each role: lowest label quality for suspects, else nearest neighbour first."""
    roles, dataset = findings.roles, findings.inputs.train
    examples = dataset.examples
    shown: dict[str, list[dict[str, Json]]] = {}
    for role in Role:
        rows = np.array([row for row, r in enumerate(roles.role) if r is role], dtype=np.int64)
        order = (
            roles.label_quality[rows]
            if role is Role.SUSPECT
            else np.nan_to_num(roles.distance[rows], nan=2.0)
        )
        chosen = rows[np.argsort(order, kind="stable")[:_EXAMPLES_SHOWN]]
        shown[role.value] = [
            {
                "row": int(row),
                "line": int(examples.lines[row]) if examples.lines is not None else int(row) + 1,
                "text": examples.texts[row],
                "label": examples.label_names[examples.labels[row]],
                "reason": roles.reason[row],
                "neighbour_text": examples.texts[other]
                if (other := int(roles.neighbour[row])) >= 0
                else None,
                "neighbour_label": examples.label_names[examples.labels[other]] if other >= 0 else None,
                "distance": _number(roles.distance[row]),
            }
            for row in chosen
        ]
    return shown


def _worst_pairs(findings: Findings) -> list[dict[str, Json]]:
    """Pairs of which a side is wrong at most seeds, the nearest first among equals."""
    task, pairs = findings.layout.task, findings.layout.task.eval_sets[PAIRS]
    assert pairs.partner is not None
    share = findings.share_right
    worse = np.minimum(share[pairs.rows], share[pairs.partner])
    texts = task.texts[task.n_train :]

    def label(row: int) -> str:
        return task.label_names[int(task.held_out_labels[row])]

    distance = findings.boundary.pair_distance
    shown: list[dict[str, Json]] = []
    for pair in np.lexsort((distance, worse))[:_PAIRS_SHOWN].tolist():
        row, other = int(pairs.rows[pair]), int(pairs.partner[pair])
        if worse[pair] == 1:
            break
        shown.append(
            {
                "text": texts[row],
                "label": label(row),
                "right": float(share[row]),
                "other_text": texts[other],
                "other_label": label(other),
                "other_right": float(share[other]),
                "distance": float(distance[pair]),
            }
        )
    return shown


def _left_out(findings: Findings) -> dict[str, Json]:
    """Near misses left out as suspects, and what accuracy would be with them."""
    dropped = findings.boundary.suspects
    if not len(dropped):
        return {"near_miss_suspects": 0, "near_miss_mean_with_them": None}
    near = np.concatenate([findings.boundary.near_miss, dropped])
    at = np.isin(findings.layout.rows[: len(findings.boundary.rows)], near)
    share = findings.share_right[: len(at)]
    return {"near_miss_suspects": len(dropped), "near_miss_mean_with_them": float(share[at].mean())}


def _warnings(findings: Findings) -> Sequence[str]:
    study = findings.result.study
    warnings = [*findings.inputs.warnings, *findings.space.notes]
    if fixed_runs(study.learner) is not None:
        warnings.append(
            "scores were made elsewhere: invariance was not measured, and nothing here knows what that "
            "model was trained on"
        )
    return warnings
