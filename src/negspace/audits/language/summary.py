"""What an audit of minimal pairs found, as plain data: the content of ``audit.json`` and of the report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Float

from negspace._version import __version__
from negspace.audits.language.learner import PairLearner, WholeCorpus
from negspace.audits.language.metrics import CompetitorProbability, Margin, Pressure
from negspace.audits.language.scores import PairScores, read_scores
from negspace.audits.language.words import fixed_reason, method, next_step, question
from negspace.audits.summary import SCHEMA
from negspace.evaluation import EASY, NEAR_MISS, PAIRS
from negspace.evaluation.minimal_pairs import EASY_PER_TOKEN, NEAR_MISS_PER_TOKEN, PairTask, of_paradigm
from negspace.metrics import Accuracy, Gap, Metric, PairConsistency
from negspace.records import Estimate, Interval, Json
from negspace.statistics import StandardError, item_variance_of
from negspace.study import StudyResult

__all__ = ["PairFindings", "summarise"]

_PAIRS_SHOWN = 12
_WORST_NAMED = 3


@dataclass(frozen=True, eq=False)
class PairFindings:
    """All parts of an audit of minimal pairs."""

    result: StudyResult[PairTask, WholeCorpus]
    learner: PairLearner

    @property
    def task(self) -> PairTask:
        """The pairs."""
        return self.result.study.task

    @property
    def arm(self) -> str:
        """Name of the one arm."""
        return self.result.study.arms[0].name

    def estimate(self, metric: Metric) -> Estimate | None:
        """A metric over all seeds, or None where it is undefined.

        Of a model that was trained elsewhere there is one run, and no spread over seeds to speak of: the
        interval is over the pairs alone. No interval goes beyond the metric's bounds, which Student's t
        does not know.
        """
        found = self.result.estimate(self.arm, metric)
        if math.isnan(found.mean):
            return None
        if not self.learner.is_fixed:
            return replace(found, interval=_within(found.interval, metric))
        variance, df = item_variance_of(self.result.measurements(self.arm, metric))
        error = StandardError(math.sqrt(variance), df)
        half = error.quantile(0.975) * error.value if df > 0 else math.inf
        over_pairs = Interval(found.mean - half, found.mean + half)
        return replace(found, interval=_within(over_pairs, metric))

    @cached_property
    def scores(self) -> tuple[PairScores, ...]:
        """What each model said, in the order of the seeds."""
        return tuple(read_scores(run.values, self.task) for run in self.result.of_arm(self.arm))

    @cached_property
    def margins(self) -> Float[np.ndarray, "seeds pairs"]:
        """Ln P(good) - ln P(bad) of each pair, in nats."""
        pairs = len(self.task.pairs)
        return np.stack([s.sentences[:pairs] - s.sentences[pairs : 2 * pairs] for s in self.scores])

    @cached_property
    def preferred(self) -> Float[np.ndarray, " pairs"]:
        """Share of seeds that prefer the good sentence, for each pair."""
        return np.asarray((self.margins > 0).mean(axis=0))


def summarise(findings: PairFindings) -> dict[str, Json]:
    """Put an audit of minimal pairs into plain data.

    Args:
        findings: The audit.

    Returns:
        JSON-able, without NaN: what is undefined is None. The keys are those of every audit, with
        ``paradigms`` and ``per_token`` added; ``docs/minimal_pairs.md`` describes them.
    """
    study, task = findings.result.study, findings.task
    near = _plain(findings, Accuracy(NEAR_MISS))
    paradigms = _paradigms(findings)
    return {
        "schema": SCHEMA,
        "version": __version__,
        "plan_hash": study.plan_hash,
        "data": _data(task),
        "learner": {**study.learner.describe(), "name": findings.learner.name},
        "seeds": list(study.seeds),
        "easy": _plain(findings, Accuracy(EASY)),
        "near_miss": near and {**near, "source": "minimal pairs"},
        "gap": _plain(findings, Gap(Accuracy(EASY), Accuracy(NEAR_MISS))),
        "pair_consistency": _plain(findings, PairConsistency(PAIRS)),
        "per_token": {
            "easy": _plain(findings, Accuracy(EASY_PER_TOKEN)),
            "near_miss": _plain(findings, Accuracy(NEAR_MISS_PER_TOKEN)),
            "gap": _plain(findings, Gap(Accuracy(EASY_PER_TOKEN), Accuracy(NEAR_MISS_PER_TOKEN))),
        },
        "paradigms": paradigms,
        "macro_f1": {EASY: None, NEAR_MISS: None},
        "calibration": {"ece": None, "brier": None, "confidence": None},
        "invariance": [],
        "curve": [],
        "curve_reading": "A minimal pair has no distance: there is no curve.",
        "verdict": _verdict(findings, paradigms),
        "roles": {},
        "role_examples": {},
        "pairs": _worst_pairs(findings),
        "left_out": {
            "near_miss_suspects": 0,
            "near_miss_mean_with_them": None,
            "too_long": task.too_long,
            "not_shuffled": len(task.pairs) - len(task.twin_of),
        },
        "warnings": _warnings(findings),
        "method": method(fixed=findings.learner.is_fixed),
    }


def _within(interval: Interval, metric: Metric) -> Interval:
    low, high = metric.bounds
    return replace(interval, low=max(interval.low, low), high=min(interval.high, high))


def _plain(findings: PairFindings, metric: Metric) -> dict[str, Json] | None:
    found = findings.estimate(metric)
    if found is None:
        return None
    return {
        "mean": found.mean,
        "ci": [_number(found.interval.low), _number(found.interval.high)],
        "per_seed": [_number(value) for value in found.per_seed],
        "n": found.n,
    }


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _data(task: PairTask) -> dict[str, Json]:
    pairs = task.pairs
    return {
        "path": pairs.source,
        "fingerprint": pairs.fingerprint,
        "rows": len(pairs),
        "labels": dict.fromkeys(task.label_names, len(pairs)),
        "groups": None,
        "groups_source": None,
        "columns": dict(pairs.columns),
        "trained_on": 0,
        "test": {"path": None, "rows": len(pairs), "how": "given"},
        "near_miss_file": None,
        "unbalanced": False,
    }


def _paradigms(findings: PairFindings) -> list[dict[str, Json]]:
    """Each paradigm that has pairs, in the order of the source."""
    task = findings.task
    ranks = np.stack([scores.rank for scores in findings.scores])
    found: list[dict[str, Json]] = []
    for number, name in enumerate(task.pairs.paradigms):
        of_pairs = task.pairs.paradigm == number
        if not of_pairs.any():
            continue
        near, easy = of_paradigm(NEAR_MISS, name), of_paradigm(EASY, name)
        of_ranks = ranks[:, of_pairs]
        defined = of_ranks[~np.isnan(of_ranks)]
        found.append(
            {
                "name": name,
                "pairs": int(of_pairs.sum()),
                "near_miss": _plain(findings, Accuracy(near)),
                "near_miss_per_token": _plain(findings, Accuracy(of_paradigm(NEAR_MISS_PER_TOKEN, name))),
                "easy": _plain(findings, Accuracy(easy)),
                "gap": _plain(findings, Gap(Accuracy(easy), Accuracy(near))),
                "margin": _plain(findings, Margin(near)),
                "pressure": _plain(findings, Pressure(near)),
                "bad_token": _plain(findings, CompetitorProbability(near)),
                "median_rank": float(np.median(defined)) if len(defined) else None,
            }
        )
    return found


def _verdict(findings: PairFindings, paradigms: Sequence[dict[str, Json]]) -> dict[str, Json]:
    verdict, fixed = findings.result.verdict, findings.learner.is_fixed
    gap = findings.estimate(Gap(Accuracy(EASY), Accuracy(NEAR_MISS)))
    reason, interval = verdict.reason, verdict.interval
    if gap is None:
        reason = "no pair has words that could be shuffled: there is nothing easy to compare with"
    elif fixed:
        interval = gap.interval
        reason = fixed_reason(gap.mean, interval, verdict.margin)
    near = findings.estimate(Accuracy(NEAR_MISS))
    return {
        "outcome": verdict.outcome.value,
        "question": question(verdict.margin),
        "reason": reason,
        "next": next_step(
            verdict.outcome,
            fixed=fixed,
            worst=_worst_paradigms(paradigms),
            flawless=near is not None and near.mean == 1,
        ),
        "margin": verdict.margin,
        "mde": _number(verdict.mde),
        "effect": _number(verdict.effect),
        "ci": [_number(interval.low), _number(interval.high)],
        "p_value": _number(verdict.p_value),
        "seeds_needed": None if fixed else verdict.seeds_needed,
    }


def _worst_paradigms(paradigms: Sequence[dict[str, Json]]) -> list[str]:
    """Names of those with the lowest accuracy, lowest first; none that is as good as the best."""
    means = {str(each["name"]): _mean(each["near_miss"]) for each in paradigms}
    best = max(means.values())
    return sorted((name for name in means if means[name] < best), key=means.__getitem__)[:_WORST_NAMED]


def _mean(estimate: Json) -> float:
    assert isinstance(estimate, dict)
    mean = estimate["mean"]
    assert isinstance(mean, float)
    return mean


def _worst_pairs(findings: PairFindings) -> list[dict[str, Json]]:
    """Pairs with the lowest mean margin: of each paradigm the worst, then of each the second, and so on."""
    pairs, margin = findings.task.pairs, findings.margins.mean(axis=0)
    order = np.argsort(margin, kind="stable")
    turn = np.zeros(len(pairs), dtype=np.int64)
    for number in range(len(pairs.paradigms)):
        of_paradigm = order[pairs.paradigm[order] == number]
        turn[of_paradigm] = np.arange(len(of_paradigm))
    shown: list[dict[str, Json]] = []
    for pair in np.lexsort((margin, turn))[:_PAIRS_SHOWN].tolist():
        if findings.preferred[pair] == 1:
            continue
        right = float(findings.preferred[pair])
        shown.append(
            {
                "text": pairs.good[pair],
                "label": "good",
                "right": right,
                "other_text": pairs.bad[pair],
                "other_label": "bad",
                "other_right": right,
                "distance": None,
                "paradigm": pairs.paradigms[pairs.paradigm[pair]],
                "line": int(pairs.lines[pair]),
                "margin": float(margin[pair]),
                "pressure": _number(float(np.mean([-np.expm1(s.good_token[pair]) for s in findings.scores]))),
                "parted": _parted(findings, pair),
            }
        )
    return shown


def _parted(findings: PairFindings, pair: int) -> list[Json] | None:
    """The good and the bad token where the two sentences part, as text."""
    task = findings.task
    at = int(task.parting[pair])
    if at == 0:
        return None
    tokens = task.fragments.tokens
    ids = [int(tokens[row, at]) for row in (pair, len(task.pairs) + pair)]
    return list(findings.learner.token_texts(ids))


def _warnings(findings: PairFindings) -> Sequence[str]:
    task, learner = findings.task, findings.learner
    warnings = [*task.pairs.notes, *learner.notes]
    if task.too_long:
        warnings.append(
            f"{_pairs(task.too_long, 'is', 'are')} left out, "
            f"for the model reads no more than {learner.context} tokens"
        )
    if alone := len(task.pairs) - len(task.twin_of):
        whose = "its" if alone == 1 else "their"
        warnings.append(f"{_pairs(alone, 'has', 'have')} no easy twin: {whose} words have no other order")
    tokens = task.fragments.tokens
    pairs = len(task.pairs)
    alike = int((tokens[:pairs] == tokens[pairs : 2 * pairs]).all(axis=1).sum())
    if alike:
        counts = "counts" if alike == 1 else "count"
        warnings.append(
            f"{_pairs(alike, 'is', 'are')} the same to the tokenizer of the model, and {counts} as wrong"
        )
    return warnings


def _pairs(n: int, one: str, many: str) -> str:
    """1 -> ``1 pair has``; 3 -> ``3 pairs have``."""
    return f"1 pair {one}" if n == 1 else f"{n} pairs {many}"
