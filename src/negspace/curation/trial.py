"""The trial of a choice: strategies against stratified random rows, on rows that none of them may choose."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
from jaxtyping import Bool, Int

from negspace.curation.arm import StrategyArm
from negspace.curation.pool import Pool, Strategy
from negspace.curation.quotas import Balance
from negspace.curation.strategies import COVERS, Cover, Stratified, open_strategy
from negspace.data import grouped_folds
from negspace.errors import DataError
from negspace.evaluation import NEAR_MISS, assemble
from negspace.metrics import Accuracy
from negspace.models import TextArm, TextLearner, TextTask
from negspace.records import EvalSet, Outcome
from negspace.search import NEAR_MISS_RADIUS, nearest
from negspace.store import RunStore
from negspace.study import Hypothesis, Progress, Study, StudyResult

__all__ = ["HELD_OUT", "REFERENCE", "Trial", "more_on", "run_trial"]

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
        result: Of the study.
        strategies: By name, the reference among them.
        budget: Rows that each strategy chose; fewer than asked for where the pool is not much larger.
        near_misses: Whether there are enough held-out near misses to decide on.
        margin: Accuracy that a strategy may lose on one test and still be "no less".
        winner: The strategy to use, or None where none was shown to beat the reference.
    """

    result: StudyResult[TextTask, TextArm]
    strategies: Mapping[str, Strategy]
    budget: int
    near_misses: bool
    margin: float
    winner: str | None

    def qualifies(self, name: str) -> bool:
        """Whether a strategy was shown better on one test and no less on the other."""
        return _qualifies(name, self.result, near_misses=self.near_misses)


def candidates(
    pool: Pool, budget: int, *, balance: Balance, real_share: float, others: Sequence[str]
) -> dict[str, Strategy]:
    """Name the strategies worth trying on a pool, the reference first.

    Mixes that would choose the same rows, as there are too few near-miss groups to tell them apart, are
    tried once.

    Args:
        pool: The rows.
        budget: Rows to choose.
        balance: Of labels.
        real_share: Least share of true rows.
        others: Names of further strategies.

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
    pool: Pool,
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

    Of the pool, three tenths to half are held out, clusters whole; half, if the budget is small. At each
    seed every strategy chooses its rows from another nine tenths of the rest.

    Args:
        pool: The rows.
        budget: Rows to choose.
        strategies: By name; the first is the reference.
        learner: What is fitted on the chosen rows.
        seeds: Times each strategy chooses.
        seed: The first; also of the split.
        margin: Accuracy that a strategy may lose on one test.
        real_share: Least share of true rows among the chosen ones.
        workers: Fits at once.
        store: Where finished fits are kept.
        progress: Told what is being done.

    Raises:
        DataError: If there are too few clusters to hold any out.
    """
    held_out = _hold_out(pool, budget, seed)
    task, near_misses = _task(pool, held_out)
    rest = np.flatnonzero(~held_out)
    inner = pool.take(rest)
    tried = _tried(pool, inner, budget, real_share)
    arms: list[TextArm] = [
        StrategyArm(name, strategy, _settings(name, strategy), inner, np.arange(len(rest)), tried)
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
    winner = _winner(result, list(strategies)[1:], near_misses=near_misses)
    return Trial(result, strategies, tried, near_misses, margin, winner)


def _tried(pool: Pool, inner: Pool, budget: int, real_share: float) -> int:
    """The budget of a trial: as asked, or as much smaller as the rows there are to choose from are fewer.

    A budget of most of the rows would leave nothing to choose, and so nothing to tell strategies apart.
    """
    sound = ~inner.suspected
    rows = budget if budget <= sound.sum() / 2 else math.floor(_SPARE * budget * len(inner) / len(pool))
    rows = min(rows, math.floor(_SPARE * int(sound.sum())))
    if inner.real is not None and real_share > 0:
        rows = min(rows, math.floor(_SPARE * int((sound & inner.real).sum()) / real_share))
    return max(1, rows)


def _settings(name: str, strategy: Strategy) -> dict[str, str | float]:
    return asdict(strategy) if isinstance(strategy, Cover | Stratified) else {"name": name}


def _hold_out(pool: Pool, budget: int, seed: int) -> Bool[np.ndarray, " rows"]:
    if len(np.unique(pool.clusters)) < _TENTHS:
        raise DataError(
            "the pool has too few independent rows to try strategies on",
            got=f"{len(np.unique(pool.clusters))} clusters of near-duplicates in {len(pool)} rows",
            hint="give a larger pool, or choose without a trial: --strategy NAME",
        )
    folds = grouped_folds(pool.labels, pool.clusters, _TENTHS, seed)
    return folds < _held_out_tenths(len(pool), budget)


def _held_out_tenths(rows: int, budget: int) -> int:
    """Half of the rows; fewer, down to three tenths, where the rest would not hold three times the budget."""
    return round(_TENTHS * min(0.5, max(0.3, 1 - 3 * budget / rows)))


def _task(pool: Pool, held_out: Bool[np.ndarray, " rows"]) -> tuple[TextTask, bool]:
    """The rest to choose from, and the held-out rows to measure on.

    Suspected rows stay among them, although most of their labels are wrong: a strategy that chooses none
    of them would else be tried on a test that has none either, and what it cannot learn would not be
    seen. A near miss, though, must not be one for a wrong label.
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
    task = assemble(
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
            found.append(Hypothesis(more_on(name, on), Accuracy(on), name, REFERENCE))
            if near_misses:
                found.append(
                    Hypothesis(_no_less(name, on), Accuracy(on), name, REFERENCE, margin, claim="no less")
                )
    return found


def more_on(name: str, on: str) -> str:
    """Name of the hypothesis that a strategy is more accurate than the reference on a test."""
    return f"{name}: more on {on}"


def _no_less(name: str, on: str) -> str:
    return f"{name}: no less on {on}"


def _qualifies(name: str, result: StudyResult[TextTask, TextArm], *, near_misses: bool) -> bool:
    def holds(hypothesis: str) -> bool:
        return result.verdicts[hypothesis].outcome is Outcome.SUPPORTED

    if not near_misses:
        return holds(more_on(name, HELD_OUT))
    return any(
        holds(more_on(name, better)) and holds(_no_less(name, other))
        for better, other in ((NEAR_MISS, HELD_OUT), (HELD_OUT, NEAR_MISS))
    )


def _winner(result: StudyResult[TextTask, TextArm], names: Sequence[str], *, near_misses: bool) -> str | None:
    """Of the strategies that qualify, the one of the highest mean accuracy over both tests."""

    def mean(name: str) -> float:
        on = (HELD_OUT, NEAR_MISS) if near_misses else (HELD_OUT,)
        return float(np.mean([result.estimate(name, Accuracy(test)).mean for test in on]))

    shown = [name for name in names if _qualifies(name, result, near_misses=near_misses)]
    return max(shown, key=mean, default=None)
