"""The trial of a choice: strategies against stratified random rows, on rows that none of them may choose."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int

from negspace.curation.strategies import (
    COVERS,
    Balance,
    Cover,
    RowPool,
    Strategy,
    StrategyArm,
    Stratified,
    open_strategy,
    settings_of,
)
from negspace.data import grouped_folds
from negspace.errors import DataError
from negspace.evaluation import NEAR_MISS, assemble_task
from negspace.metrics import Accuracy
from negspace.models import TextArm, TextLearner, TextTask
from negspace.records import Estimate, EvalSet, Verdict
from negspace.search import NEAR_MISS_RADIUS, nearest
from negspace.statistics import (
    better_without_loss,
    estimate,
    holm,
    item_variance_of,
    judge,
)
from negspace.store import RunStore
from negspace.study import Hypothesis, Progress, Study, StudyResult

HELD_OUT = "held_out"
HALVES: Mapping[str, tuple[str, str]] = {
    HELD_OUT: ("held_out, one half", "held_out, other half"),
    NEAR_MISS: ("near_miss, one half", "near_miss, other half"),
}
"""By test, the half on which the winner is chosen, and the one on which its gain is measured."""
REFERENCE = "stratified random"

_TENTHS = 10
_SPARE = 0.8  # each seed sees nine tenths of the rows, of which not all may be chosen
_WIDEST_MARGIN, _ERRORS_TO_EXCLUDE = 0.05, 3
_FEWEST_NEAR = 30  # below this many, near misses among the held-out rows decide nothing
_MIXES: Mapping[str, Cover] = {
    "near-miss groups": COVERS["near-miss-groups"],
    "near-miss groups, half": COVERS["near-miss-groups-50"],
    "near-miss groups, a quarter": COVERS["near-miss-groups-25"],
    "cover": COVERS["cover"],
    "near-miss groups, long rows": COVERS["near-miss-groups-long"],
    "cover, long rows": COVERS["cover-long"],
}


@dataclass(frozen=True, eq=False)
class Trial:
    """What became of each strategy on held-out rows of the pool.

    Whether a strategy is better is judged on all held-out rows. Among those that are, the winner is chosen on
    one half of the held-out clusters, and its gain is measured on the other, which that does not flatter.

    Attributes:
        result: What the study of the strategies found.
        judged: Verdict on each question by name (``cover: more on held_out``), uncorrected.
        strategies: By name, the reference first.
        budget: Rows that each strategy chose; fewer than asked for where the pool is not much larger.
        near_misses: Whether there are enough near misses to choose on.
        margin: Accuracy that a strategy may lose on one test, as asked.
        margins: By test, what it may lose and still be "no less" (`shown_margin`).
    """

    result: StudyResult[TextTask, TextArm]
    judged: Mapping[str, Verdict]
    strategies: Mapping[str, Strategy]
    budget: int
    near_misses: bool
    margin: float
    margins: Mapping[str, float]

    @property
    def seeds(self) -> Sequence[int]:
        """The seeds at which each strategy chose."""
        return self.result.study.seeds

    @property
    def tests(self) -> tuple[str, ...]:
        """Names of the eval sets that decide."""
        return (HELD_OUT, NEAR_MISS) if self.near_misses else (HELD_OUT,)

    def estimate(self, name: str, on: str) -> Estimate:
        """Accuracy of a strategy on a test."""
        return self.result.estimate(name, Accuracy(on))

    def gain(self, name: str, on: str) -> Estimate | None:
        """What a strategy gains over the reference in the other half; None without rows of the test there."""
        half = HALVES[on][1]
        if half not in self.result.study.task.eval_sets:
            return None
        return estimate("gain", self.result.effects(Accuracy(half), name, REFERENCE))

    def verdicts(self, name: str) -> dict[str, Verdict]:
        """Verdicts on a strategy by question: ``more on held_out``, ``no less on near_miss``."""
        asked = [f"{claim} on {on}" for on in self.tests for claim in ("more", "no less")]
        return {question: self.judged[f"{name}: {question}"] for question in asked}

    @cached_property
    def p_values(self) -> Mapping[str, tuple[float, float]]:
        """Of each strategy but the reference, the p that it is better without a loss; and that after Holm."""
        names = list(self.strategies)[1:]

        def of(claim: str) -> Float[np.ndarray, "strategies tests"]:
            rows = [[self.judged[f"{name}: {claim} on {on}"].p_value for on in self.tests] for name in names]
            return np.array(rows).reshape(len(names), len(self.tests))

        p = better_without_loss(of("more"), of("no less"))
        return {
            name: (float(alone), float(adjusted))
            for name, alone, adjusted in zip(names, p, holm(p), strict=True)
        }

    @property
    def level(self) -> float:
        """What a p-value after Holm must not exceed: what one side of the intervals leaves."""
        return min((1 - each.interval.level) / 2 for each in self.judged.values())

    def qualifies(self, name: str) -> bool:
        """Whether a strategy was shown better on one test and no less on the other."""
        return self.p_values[name][1] <= self.level

    def decisive(self, name: str) -> dict[str, Verdict]:
        """The verdicts by which a strategy qualifies: more on one test, no less on the other; else none.

        Where both tests would do, the pair that shows a gain on near misses.
        """
        if not self.qualifies(name):
            return {}
        found = self.verdicts(name)
        if not self.near_misses:
            return {f"more on {HELD_OUT}": found[f"more on {HELD_OUT}"]}
        more, other = (NEAR_MISS, HELD_OUT)
        if found[f"more on {NEAR_MISS}"].p_value > self.level:
            more, other = other, more
        return {question: found[question] for question in (f"more on {more}", f"no less on {other}")}

    def unseen_loss(self, name: str, on: str) -> float | None:
        """The loss that a test could not exclude of a strategy that loses nothing, where above the margin.

        None where the test has rows enough to exclude a loss of the margin.
        """
        found = self.judged[f"{name}: no less on {on}"]
        unseen = found.effect - found.interval.low
        return unseen if unseen > self.margins[on] else None

    def gained(self, name: str) -> bool:
        """Whether a strategy was more accurate on some test, whatever it lost on another."""
        more = [self.judged[f"{name}: more on {on}"].p_value for on in self.tests]
        return len(more) * min(more) <= self.level

    def lacking(self, name: str) -> list[str]:
        """The tests on which a strategy was not shown to be no less accurate."""
        return [on for on in self.tests if self.judged[f"{name}: no less on {on}"].p_value > self.level]

    @cached_property
    def winner(self) -> str | None:
        """Of the strategies that qualify, the most accurate in one half, over all tests; None without any."""
        halves = [half for on in self.tests if (half := HALVES[on][0]) in self.result.study.task.eval_sets]

        def mean(name: str) -> float:
            return float(np.mean([self.estimate(name, half).mean for half in halves]))

        return max((name for name in self.p_values if self.qualifies(name)), key=mean, default=None)


def candidates(
    pool: RowPool, budget: int, *, balance: Balance, real_share: float, others: Sequence[str]
) -> dict[str, Strategy]:
    """Name the strategies worth trying on a pool, the reference first.

    Mixes that would choose the same rows, as there are too few near-miss groups to tell them apart, are
    tried once.

    Raises:
        PlanError: If there is no strategy of a name, or it knows neither balance nor share.
    """
    found: dict[str, Strategy] = {REFERENCE: Stratified(balance, real_share)}
    if pool.suspected.any():
        found["stratified random, suspects out"] = Stratified(balance, real_share, sound_only=True)
    seen = 1 - _held_out_tenths(len(pool), budget) / _TENTHS
    available = seen * int((pool.paired & ~pool.suspected).sum())
    for name, mix in _MIXES.items():
        smaller = max((other.share for other in _MIXES.values() if other.share < mix.share), default=-1.0)
        if mix.share == 0 or available > smaller * budget:
            found[name] = replace(mix, balance=balance, real_share=real_share)
    known = set(found.values())
    for name in others:
        strategy = open_strategy(name, balance=balance, real_share=real_share)
        if strategy not in known:  # the study refuses one strategy under two names
            found[name] = strategy
    return found


def run_trial(
    pool: RowPool,
    budget: int,
    strategies: Mapping[str, Strategy],
    learner: TextLearner,
    *,
    seeds: int,
    seed: int,
    margin: float,
    real_share: float,
    workers: int,
    store: RunStore,
    progress: Progress | None,
) -> Trial:
    """Try strategies on a pool.

    Three tenths to half of the pool are held out, clusters whole; half, if the budget is small. At each seed
    every strategy chooses its rows from another nine tenths of the rest.

    Raises:
        DataError: If there are too few clusters to hold any out.
    """
    if len(np.unique(pool.clusters)) < _TENTHS:
        raise DataError(
            "the pool has too few independent rows to try strategies on",
            got=f"{len(np.unique(pool.clusters))} clusters of near-duplicates in {len(pool)} rows",
            hint="give a larger pool, or choose without a trial: --strategy NAME",
        )
    folds = grouped_folds(pool.labels, pool.clusters, _TENTHS, seed)
    held_out = folds < _held_out_tenths(len(pool), budget)
    task, near_misses = trial_task(pool, held_out, _other_half(pool, held_out, seed))
    rest = np.flatnonzero(~held_out)
    inner = pool.take(rest)
    tried = _tried(pool, inner, budget, real_share)
    arms: list[TextArm] = [
        StrategyArm(name, strategy, settings_of(name, strategy), inner, np.arange(len(rest)), tried)
        for name, strategy in strategies.items()
    ]
    tests = (HELD_OUT, NEAR_MISS) if near_misses else (HELD_OUT,)
    margins = {
        on: shown_margin(margin, len(np.unique(task.held_out_clusters[task.eval_sets[on].rows])))
        for on in tests
    }
    hypotheses = [
        each
        for name in list(strategies)[1:]
        for on in tests
        for each in (
            Hypothesis(f"{name}: more on {on}", Accuracy(on), name, REFERENCE),
            Hypothesis(
                f"{name}: no less on {on}", Accuracy(on), name, REFERENCE, margins[on], claim="no less"
            ),
        )
    ]
    metrics = [Accuracy(on) for on in task.eval_sets]
    study = Study(task, arms, learner, range(seed, seed + seeds), metrics, hypotheses)
    result = study.run(store=store, workers=workers, progress=progress)
    judged = {each.name: _judge(result, each) for each in hypotheses}
    return Trial(result, judged, strategies, tried, near_misses, margin, margins)


def shown_margin(margin: float, clusters: int) -> float:
    """The margin of a test: the one asked for, or the least loss that so few clusters can exclude.

    An accuracy over n clusters is known to ``2 / (n + 4)`` at best, and a loss of three times that is
    excluded of a strategy that loses nothing in 85 % of trials. More than 5 points are too much to lose:
    with so few clusters, only a strategy that gains on the test is shown to be no less.
    """
    return max(margin, min(_WIDEST_MARGIN, _ERRORS_TO_EXCLUDE * 2 / (clusters + 4)))


def _judge(result: StudyResult[TextTask, TextArm], asked: Hypothesis) -> Verdict:
    """Judge a question alone: the trial corrects for the number of strategies, not of questions."""
    differences = result.effects(asked.metric, asked.arm, REFERENCE)
    variance, df = item_variance_of(differences)
    return judge(
        np.array([each.value for each in differences]),
        margin=asked.margin,
        item_variance=variance,
        item_df=df,
        look=result.verdicts[asked.name].look,
        what="the difference",
        no_less=asked.claim == "no less",
    )


def _other_half(pool: RowPool, held_out: Bool[np.ndarray, " rows"], seed: int) -> Bool[np.ndarray, " rows"]:
    """Half of the held-out clusters, with half of each label and of the rows in near-miss groups."""
    rows = np.flatnonzero(held_out)
    strata = 2 * pool.labels[rows] + pool.paired[rows]
    other = np.zeros(len(pool), dtype=bool)
    other[rows[grouped_folds(strata, pool.clusters[rows], 2, seed) == 1]] = True
    return other


def _tried(pool: RowPool, inner: RowPool, budget: int, real_share: float) -> int:
    """The budget of a trial: as asked, or as much smaller as the rows there are to choose from are fewer.

    A budget of most of the rows would leave nothing to choose, and so nothing to tell strategies apart.
    """
    sound = ~inner.suspected
    rows = budget if budget <= sound.sum() / 2 else math.floor(_SPARE * budget * len(inner) / len(pool))
    rows = min(rows, math.floor(_SPARE * int(sound.sum())))
    if inner.real is not None and real_share > 0:
        rows = min(rows, math.floor(_SPARE * int((sound & inner.real).sum()) / real_share))
    return max(1, rows)


def _held_out_tenths(rows: int, budget: int) -> int:
    """Half of the rows; fewer, down to three tenths, where the rest would not hold three times the budget."""
    return round(_TENTHS * min(0.5, max(0.3, 1 - 3 * budget / rows)))


def trial_task(
    pool: RowPool,
    held_out: Bool[np.ndarray, " rows"],
    other_half: Bool[np.ndarray, " rows"] | None = None,
) -> tuple[TextTask, bool]:
    """The rest to choose from and the held-out rows to measure on; and whether these hold enough near misses.

    Suspected rows stay among the held-out ones, although most of their labels are wrong: a strategy that
    chooses none of them would else be tried on a test that has none either, and what it cannot learn would
    not be seen. A near miss, though, must not be one for a wrong label.

    Args:
        pool: The rows.
        held_out: Those that no strategy may choose.
        other_half: Those of the held-out rows that the winner's gain is measured on; if None, no halves are
            measured on.
    """
    train, test = np.flatnonzero(~held_out), np.flatnonzero(held_out)
    sound = np.flatnonzero(~pool.suspected[test])
    neighbours = nearest(pool.embedding[test[sound]], pool.labels[test[sound]])
    distance = np.full(len(test), np.nan)
    distance[sound] = neighbours.other_distance
    near = np.zeros(len(test), dtype=bool)
    near[sound] = pool.take(test[sound]).paired | (neighbours.other_distance <= NEAR_MISS_RADIUS)
    of_set = {HELD_OUT: np.ones(len(test), dtype=bool)}
    if near_misses := int(near.sum()) >= _FEWEST_NEAR:
        of_set[NEAR_MISS] = near
    if other_half is not None:
        apart = other_half[test]
        of_set |= {
            name: part & side
            for on, part in of_set.items()
            for name, side in zip(HALVES[on], (~apart, apart), strict=True)
        }
    rows: Int[np.ndarray, " rows"] = np.concatenate([train, test])
    task = assemble_task(
        tuple(pool.texts[row] for row in rows.tolist()),
        pool.labels[rows],
        pool.label_names,
        pool.clusters[rows],
        len(train),
        [EvalSet(name, np.flatnonzero(part)) for name, part in of_set.items() if part.any()],
        distance,
    )
    return task, near_misses
