"""What an audit of minimal pairs found, typed, and how it follows from the parts of the audit.

The fields are the keys of ``audit.json``; ``docs/how-to/minimal-pairs.md`` says what each of them is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Float

from negspace._version import __version__
from negspace.audits.findings import (
    SCHEMA,
    AuditedData,
    AuditFindings,
    Calibration,
    Decision,
    Estimated,
    HeldOutRows,
    LeftOut,
    MacroF1Findings,
    NearMissAccuracy,
    Step,
    WrongPair,
    finite,
)
from negspace.audits.language import (
    CompetitorProbability,
    Margin,
    PairLearner,
    PairScores,
    Pressure,
    WholeCorpus,
    read_scores,
)
from negspace.evaluation import (
    EASY,
    EASY_PER_TOKEN,
    NEAR_MISS,
    NEAR_MISS_PER_TOKEN,
    PAIRS,
    PairTask,
    of_paradigm,
)
from negspace.metrics import Accuracy, Gap, Metric, PairConsistency
from negspace.records import Estimate, Interval, Outcome
from negspace.statistics import StandardError, item_variance_of
from negspace.study import StudyResult

_PAIRS_SHOWN = 12
_WORST_NAMED = 3


@dataclass(frozen=True)
class WrongMinimalPair(WrongPair):
    """A minimal pair whose bad sentence is preferred at some seed."""

    paradigm: str
    line: int
    margin: float
    pressure: float | None
    parted: tuple[str, str] | None


@dataclass(frozen=True)
class PairsLeftOut(LeftOut):
    """Minimal pairs longer than the model reads, and those whose words have no other order."""

    too_long: int
    not_shuffled: int


@dataclass(frozen=True)
class PerToken:
    """Accuracies by log-probability per token, and their gap."""

    easy: Estimated | None
    near_miss: Estimated | None
    gap: Estimated | None


@dataclass(frozen=True)
class ParadigmFindings:
    """One paradigm: accuracies, margin, and the probabilities where the sentences part."""

    name: str
    pairs: int
    near_miss: Estimated
    near_miss_per_token: Estimated | None
    easy: Estimated | None
    gap: Estimated | None
    margin: Estimated | None
    pressure: Estimated | None
    bad_token: Estimated | None
    median_rank: float | None


@dataclass(frozen=True)
class MinimalPairsFindings(AuditFindings):
    """Everything that an audit of minimal pairs found."""

    per_token: PerToken
    paradigms: tuple[ParadigmFindings, ...]
    pairs: tuple[WrongMinimalPair, ...]
    left_out: PairsLeftOut


@dataclass(frozen=True, eq=False)
class PairParts:
    """All parts of an audit of minimal pairs, as they were computed."""

    result: StudyResult[PairTask, WholeCorpus]
    learner: PairLearner

    @property
    def task(self) -> PairTask:
        """The pairs."""
        return self.result.study.task

    def estimate(self, metric: Metric) -> Estimate | None:
        """A metric over all seeds, or None where it is undefined.

        A model that was trained elsewhere is one run and has no spread over seeds: its interval is over the
        pairs alone. No interval goes beyond the metric's bounds, which Student's t does not know.
        """
        arm = self.result.study.arms[0].name
        found = self.result.estimate(arm, metric)
        if math.isnan(found.mean):
            return None
        interval = found.interval
        if self.learner.is_fixed:
            variance, df = item_variance_of(self.result.measurements(arm, metric))
            error = StandardError(math.sqrt(variance), df)
            interval = Interval(-math.inf, math.inf)
            if df > 0:
                interval = Interval(float(error.low(found.mean, 0.95)), float(error.high(found.mean, 0.95)))
        low, high = metric.bounds
        return replace(
            found, interval=replace(interval, low=max(interval.low, low), high=min(interval.high, high))
        )

    def estimated(self, metric: Metric) -> Estimated | None:
        """The same as plain numbers."""
        found = self.estimate(metric)
        if found is None:
            return None
        ends = finite(found.interval.low), finite(found.interval.high)
        per_seed = tuple(finite(value) for value in found.per_seed)
        return Estimated(found.mean, ends, per_seed, found.n, found.clusters)

    @cached_property
    def scores(self) -> tuple[PairScores, ...]:
        """What each model said, in the order of the seeds."""
        runs = self.result.of_arm(self.result.study.arms[0].name)
        return tuple(read_scores(run.values, self.task) for run in runs)

    @cached_property
    def margins(self) -> Float[np.ndarray, "seeds pairs"]:
        """Ln P(good) - ln P(bad) of each pair, in nats."""
        pairs = len(self.task.pairs)
        return np.stack([s.sentences[:pairs] - s.sentences[pairs : 2 * pairs] for s in self.scores])

    @cached_property
    def preferred(self) -> Float[np.ndarray, " pairs"]:
        """Share of seeds that prefer the good sentence, for each pair."""
        return np.asarray((self.margins > 0).mean(axis=0))


def pair_findings(parts: PairParts, method: tuple[Step, ...]) -> MinimalPairsFindings:
    """Say what an audit of minimal pairs found; what is undefined is None."""
    study, task, pairs = parts.result.study, parts.task, parts.task.pairs
    near = parts.estimated(Accuracy(NEAR_MISS))
    paradigms = tuple(_paradigms(parts))
    return MinimalPairsFindings(
        schema=SCHEMA,
        version=__version__,
        plan_hash=study.plan_hash,
        data=AuditedData(
            path=pairs.source,
            fingerprint=pairs.fingerprint,
            rows=len(pairs),
            labels=dict.fromkeys(task.label_names, len(pairs)),
            groups=None,
            groups_source=None,
            columns=dict(pairs.columns),
            trained_on=0,
            test=HeldOutRows(None, len(pairs), "given"),
            near_miss_file=None,
            unbalanced=False,
        ),
        learner={**study.learner.describe(), "name": parts.learner.name},
        seeds=tuple(study.seeds),
        easy=parts.estimated(Accuracy(EASY)),
        near_miss=NearMissAccuracy.of(near, "minimal pairs"),
        gap=parts.estimated(Gap(Accuracy(EASY), Accuracy(NEAR_MISS))),
        pair_consistency=parts.estimated(PairConsistency(PAIRS)),
        per_token=PerToken(
            parts.estimated(Accuracy(EASY_PER_TOKEN)),
            parts.estimated(Accuracy(NEAR_MISS_PER_TOKEN)),
            parts.estimated(Gap(Accuracy(EASY_PER_TOKEN), Accuracy(NEAR_MISS_PER_TOKEN))),
        ),
        paradigms=paradigms,
        macro_f1=MacroF1Findings(),
        calibration=Calibration(),
        invariance=(),
        curve=(),
        curve_reading="A minimal pair has no distance: there is no curve.",
        verdict=_verdict(parts, paradigms),
        roles={},
        role_examples={},
        pairs=tuple(_worst_pairs(parts)),
        left_out=PairsLeftOut(0, None, task.too_long, len(pairs) - len(task.twin_of)),
        warnings=tuple(_warnings(parts)),
        method=method,
    )


def _paradigms(parts: PairParts) -> Iterator[ParadigmFindings]:
    """Each paradigm that has pairs, in the order of the source."""
    task = parts.task
    ranks = np.stack([scores.rank for scores in parts.scores])
    for number, name in enumerate(task.pairs.paradigms):
        chosen = task.pairs.paradigm == number
        if not chosen.any():
            continue
        near, easy = of_paradigm(NEAR_MISS, name), of_paradigm(EASY, name)
        defined = ranks[:, chosen][~np.isnan(ranks[:, chosen])]
        accuracy = parts.estimated(Accuracy(near))
        assert accuracy is not None  # there are pairs
        yield ParadigmFindings(
            name,
            int(chosen.sum()),
            near_miss=accuracy,
            near_miss_per_token=parts.estimated(Accuracy(of_paradigm(NEAR_MISS_PER_TOKEN, name))),
            easy=parts.estimated(Accuracy(easy)),
            gap=parts.estimated(Gap(Accuracy(easy), Accuracy(near))),
            margin=parts.estimated(Margin(near)),
            pressure=parts.estimated(Pressure(near)),
            bad_token=parts.estimated(CompetitorProbability(near)),
            median_rank=float(np.median(defined)) if len(defined) else None,
        )


def _verdict(parts: PairParts, paradigms: Sequence[ParadigmFindings]) -> Decision:
    verdict, fixed = parts.result.verdict, parts.learner.is_fixed
    gap = parts.estimate(Gap(Accuracy(EASY), Accuracy(NEAR_MISS)))
    reason, interval = verdict.reason, verdict.interval
    if gap is None:
        reason = "no pair has words that could be shuffled: there is nothing easy to compare with"
    elif fixed:
        interval = gap.interval
        reason = _fixed_reason(gap.mean, interval, verdict.margin)
    near = parts.estimate(Accuracy(NEAR_MISS))
    seeds_needed = None if fixed else verdict.seeds_needed
    return Decision.of(
        replace(verdict, interval=interval, seeds_needed=seeds_needed),
        question=f"Is accuracy on minimal pairs more than {100 * verdict.margin:g} points below accuracy on "
        "shuffled words?",
        reason=reason,
        next=_next_step(
            verdict.outcome,
            fixed=fixed,
            worst=_worst_paradigms(paradigms),
            flawless=near is not None and near.mean == 1,
        ),
    )


def _fixed_reason(effect: float, interval: Interval, margin: float) -> str:
    """Why a model that was trained elsewhere gets no verdict, and what is known of it all the same."""
    side = "above" if interval.low > margin else "below" if interval.high < margin else "around"
    # The sum makes -0.0 a plain 0.0.
    said, low, high = (
        f"{round(100 * share, 1) + 0.0:.1f}" for share in (effect, interval.low, interval.high)
    )
    return (
        f"near-miss gap is {said} points, {100 * interval.level:g} % CI over pairs {low} to {high} points, "
        f"{side} the margin of {100 * margin:g} points; that holds for this one model, and a verdict takes "
        "10 that were trained alike"
    )


def _worst_paradigms(paradigms: Sequence[ParadigmFindings]) -> list[str]:
    """Names of those with the lowest accuracy, lowest first; none that is as good as the best."""
    means = {each.name: each.near_miss.mean for each in paradigms}
    best = max(means.values())
    return sorted((name for name in means if means[name] < best), key=means.__getitem__)[:_WORST_NAMED]


def _next_step(outcome: Outcome, *, fixed: bool, worst: Sequence[str], flawless: bool) -> str:
    """Say what to do next; ``worst`` are the paradigms that are less accurate than others."""
    named = ", ".join(worst)
    if fixed:
        if flawless:
            return "No pair is wrong: only harder pairs can tell more of this model."
        if not worst:
            return "Look at the pairs it gets wrong: the report shows the worst of them."
        return f"Look at the paradigms it gets most wrong ({named}): the report shows their worst pairs."
    if outcome is Outcome.SUPPORTED:
        look = f"look at the paradigms that are most wrong ({named}), and " if worst else ""
        turn = "they turn" if worst else "the pairs turn"
        return (
            f"The corpus teaches word order before it teaches this boundary: {look}train on text that has "
            f"what {turn} on."
        )
    if outcome is Outcome.REFUTED:
        return "The corpus teaches these pairs about as well as it teaches word order."
    return "Add pairs, or seeds, until the interval leaves the margin on one side."


def _worst_pairs(parts: PairParts) -> Iterator[WrongMinimalPair]:
    """Pairs with the lowest mean margin: of each paradigm the worst, then of each the second, and so on."""
    task, pairs, margin = parts.task, parts.task.pairs, parts.margins.mean(axis=0)
    order = np.argsort(margin, kind="stable")
    turn = np.zeros(len(pairs), dtype=np.int64)
    for number in range(len(pairs.paradigms)):
        chosen = order[pairs.paradigm[order] == number]
        turn[chosen] = np.arange(len(chosen))
    for pair in np.lexsort((margin, turn))[:_PAIRS_SHOWN].tolist():
        right = float(parts.preferred[pair])
        if right == 1:
            continue
        at = int(task.parting[pair])
        parted = None
        if at:
            tokens = [int(task.fragments.tokens[row, at]) for row in (pair, len(pairs) + pair)]
            good, bad = parts.learner.token_texts(tokens)
            parted = good, bad
        yield WrongMinimalPair(
            text=pairs.good[pair],
            label="good",
            right=right,
            other_text=pairs.bad[pair],
            other_label="bad",
            other_right=right,
            distance=None,
            paradigm=pairs.paradigms[pairs.paradigm[pair]],
            line=int(pairs.lines[pair]),
            margin=float(margin[pair]),
            pressure=finite(float(np.mean([-np.expm1(s.good_token[pair]) for s in parts.scores]))),
            parted=parted,
        )


def _warnings(parts: PairParts) -> Iterator[str]:
    task, pairs = parts.task, len(parts.task.pairs)
    yield from (*task.pairs.notes, *parts.learner.notes)
    if task.too_long:
        yield (
            f"{_pairs(task.too_long, 'is', 'are')} left out, "
            f"for the model reads no more than {parts.learner.context} tokens"
        )
    if alone := pairs - len(task.twin_of):
        whose = "its" if alone == 1 else "their"
        yield f"{_pairs(alone, 'has', 'have')} no easy twin: {whose} words have no other order"
    tokens = task.fragments.tokens
    if alike := int((tokens[:pairs] == tokens[pairs : 2 * pairs]).all(axis=1).sum()):
        counts = "counts" if alike == 1 else "count"
        yield f"{_pairs(alike, 'is', 'are')} the same to the tokenizer of the model, and {counts} as wrong"


def _pairs(n: int, one: str, many: str) -> str:
    """1 -> ``1 pair has``; 3 -> ``3 pairs have``."""
    return f"1 pair {one}" if n == 1 else f"{n} pairs {many}"
