"""The trial of a choice: strategies against stratified random rows, on rows that none of them may choose."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Int

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
from negspace.records import Estimate, EvalSet, Outcome, Verdict
from negspace.search import NEAR_MISS_RADIUS, nearest
from negspace.store import RunStore
from negspace.study import Hypothesis, Progress, Study, StudyResult

HELD_OUT = "held_out"
REFERENCE = "stratified random"

_TENTHS = 10
_SPARE = 0.8  # each seed sees nine tenths of the rows, of which not all may be chosen
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

    Attributes:
        result: What the study of the strategies found.
        strategies: By name, the reference first.
        budget: Rows that each strategy chose; fewer than asked for where the pool is not much larger.
        near_misses: Whether there are enough held-out near misses to decide on.
        margin: Accuracy that a strategy may lose on one test and still be "no less".
    """

    result: StudyResult[TextTask, TextArm]
    strategies: Mapping[str, Strategy]
    budget: int
    near_misses: bool
    margin: float

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

    def verdicts(self, name: str) -> dict[str, Verdict]:
        """Verdicts on a strategy by question: ``more on held_out``, ``no less on near_miss``."""
        asked = [f"{claim} on {on}" for on in self.tests for claim in self._claims]
        found = ((question, self.result.verdicts.get(f"{name}: {question}")) for question in asked)
        return {question: verdict for question, verdict in found if verdict is not None}

    def decisive(self, name: str) -> dict[str, Verdict]:
        """The verdicts by which a strategy qualifies: more on one test, no less on the other; else none.

        Where both tests would do, the pair that shows a gain on near misses.
        """
        pairs = [("more on near_miss", "no less on held_out"), ("more on held_out", "no less on near_miss")]
        found = self.verdicts(name)
        for pair in pairs if self.near_misses else [("more on held_out",)]:
            if all(q in found and found[q].outcome is Outcome.SUPPORTED for q in pair):
                return {question: found[question] for question in pair}
        return {}

    def qualifies(self, name: str) -> bool:
        """Whether a strategy was shown better on one test and no less on the other."""
        return bool(self.decisive(name))

    @cached_property
    def winner(self) -> str | None:
        """Of the strategies that qualify, the most accurate one over all tests; None where none qualifies."""

        def mean(name: str) -> float:
            return float(np.mean([self.estimate(name, on).mean for on in self.tests]))

        return max((name for name in self.strategies if self.qualifies(name)), key=mean, default=None)

    @property
    def _claims(self) -> tuple[str, ...]:
        return ("more", "no less") if self.near_misses else ("more",)


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
    task, near_misses = trial_task(pool, held_out)
    rest = np.flatnonzero(~held_out)
    inner = pool.take(rest)
    tried = _tried(pool, inner, budget, real_share)
    arms: list[TextArm] = [
        StrategyArm(name, strategy, settings_of(name, strategy), inner, np.arange(len(rest)), tried)
        for name, strategy in strategies.items()
    ]
    study = Study(
        task,
        arms,
        learner,
        range(seed, seed + seeds),
        [Accuracy(on) for on in task.eval_sets],
        _hypotheses(list(strategies)[1:], margin, near_misses=near_misses),
    )
    result = study.run(store=store, workers=workers, progress=progress)
    return Trial(result, strategies, tried, near_misses, margin)


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


def trial_task(pool: RowPool, held_out: Bool[np.ndarray, " rows"]) -> tuple[TextTask, bool]:
    """The rest to choose from and the held-out rows to measure on; and whether these hold enough near misses.

    Suspected rows stay among the held-out ones, although most of their labels are wrong: a strategy that
    chooses none of them would else be tried on a test that has none either, and what it cannot learn would
    not be seen. A near miss, though, must not be one for a wrong label.
    """
    train, test = np.flatnonzero(~held_out), np.flatnonzero(held_out)
    sound = np.flatnonzero(~pool.suspected[test])
    neighbours = nearest(pool.embedding[test[sound]], pool.labels[test[sound]])
    distance = np.full(len(test), np.nan)
    distance[sound] = neighbours.other_distance
    near = np.zeros(len(test), dtype=bool)
    near[sound] = pool.take(test[sound]).paired | (neighbours.other_distance <= NEAR_MISS_RADIUS)
    sets = [EvalSet(HELD_OUT, np.arange(len(test)))]
    if near_misses := int(near.sum()) >= _FEWEST_NEAR:
        sets.append(EvalSet(NEAR_MISS, np.flatnonzero(near)))
    rows: Int[np.ndarray, " rows"] = np.concatenate([train, test])
    task = assemble_task(
        tuple(pool.texts[row] for row in rows.tolist()),
        pool.labels[rows],
        pool.label_names,
        pool.clusters[rows],
        len(train),
        sets,
        distance,
    )
    return task, near_misses


def _hypotheses(names: Sequence[str], margin: float, *, near_misses: bool) -> list[Hypothesis]:
    """What is asked of each strategy; all questions make one family."""
    found = []
    for name in names:
        for on in (HELD_OUT, NEAR_MISS) if near_misses else (HELD_OUT,):
            metric = Accuracy(on)
            found.append(Hypothesis(f"{name}: more on {on}", metric, name, REFERENCE))
            if near_misses:
                less = f"{name}: no less on {on}"
                found.append(Hypothesis(less, metric, name, REFERENCE, margin, claim="no less"))
    return found
