"""What hyper-parameter search brings: the expected best of k trials, and the split of a difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from negspace.errors import PlanError
from negspace.records import Estimate, Interval, Measurement
from negspace.statistics.estimates import estimate, mean_interval


@dataclass(frozen=True, eq=False)
class BestOf:
    """What random search is expected to reach with k = 1 ... n trials.

    Attributes:
        validation: Expected best validation score of k trials, at each seed.
        test: Expected test score of the trial chosen by validation, at each seed.
        validation_intervals: For each k, the interval of the mean of ``validation`` over seeds.
        test_intervals: For each k, the interval of the mean of ``test`` over seeds and test items.
    """

    validation: Float[np.ndarray, "k seeds"]
    test: Float[np.ndarray, "k seeds"]
    validation_intervals: tuple[Interval, ...]
    test_intervals: tuple[Interval, ...]


@dataclass(frozen=True, eq=False)
class GainSplit:
    """A tuned arm against the untuned reference: what the data brought, and what the search.

    With A the arm and B the reference, 0 for the default setting and * for the tuned one. ``data`` and
    ``search`` add up to ``total``.

    Attributes:
        total: A* - B0.
        data: Mean of ``data_default`` and ``data_tuned``.
        search: Mean of ``search_arm`` and ``search_reference``.
        data_default: A0 - B0, the data's part if nobody tunes.
        data_tuned: A* - B*, the data's part if both are tuned.
        search_arm: A* - A0.
        search_reference: B* - B0.
        interaction: ``data_tuned - data_default``, which is ``search_arm - search_reference``. Where it is
            not near 0, what the data bring depends on the search, and the split is one of several.
    """

    total: Estimate
    data: Estimate
    search: Estimate
    data_default: Estimate
    data_tuned: Estimate
    search_arm: Estimate
    search_reference: Estimate
    interaction: Estimate


def best_of(
    validation: Float[np.ndarray, "trials seeds"],
    test: Sequence[Sequence[Measurement]],
    *,
    level: float = 0.95,
) -> BestOf:
    """Expected best of k for k = 1 ... n trials at every seed, with intervals.

    Intervals of the test score are over seeds and test items, as those of any metric (`estimate`): the
    searches of the seeds are taken as independent, and all are tested on the same items. Those of the
    validation score are over seeds, for these very validation items, on which the best was chosen. Towards
    k = n fewer and fewer trials decide, and the spread over seeds shows it.

    Args:
        validation: Score by which a trial is chosen; higher is better.
        test: Metric of each trial on the test items, one a seed.
        level: Confidence level of the intervals.

    Raises:
        PlanError: If there is no trial, a score is not finite, or trials looked at different items.
    """
    best = expected_best(validation)
    chosen = expected_chosen(validation, np.array([[each.value for each in trial] for trial in test]))
    clusters = test[0][0].clusters
    if any(not np.array_equal(each.clusters, clusters) for trial in test for each in trial):
        raise PlanError("all trials of a search must be tested on the same items")
    influences = np.array([[each.influence for each in trial] for trial in test])
    intervals = []
    for weights, values in zip(_chosen_weights(validation), chosen, strict=True):
        of_seed = np.einsum("ts,tsi->si", weights, influences)
        of_k = [
            replace(first, value=float(value), influence=influence)
            for first, value, influence in zip(test[0], values, of_seed, strict=True)
        ]
        intervals.append(estimate("best of k", of_k, level=level).interval)
    return BestOf(best, chosen, tuple(mean_interval(row, level=level) for row in best), tuple(intervals))


def expected_best(validation: Float[np.ndarray, "trials seeds"]) -> Float[np.ndarray, "k seeds"]:
    """Unbiased estimate of the expected best of k independent trials, for k = 1 ... n.

    The mean, over all subsets of k of the n trials, of their best score: with ``v_(i)`` the *i*-th smallest,
    ``sum over i of C(i - 1, k - 1) / C(n, k) v_(i)`` (Tang et al. 2020, sec. 3.2). Subsets *with* replacement
    (Dodge et al. 2019) give an estimate that is too low.

    The trials must be independent draws, as random search makes them. Those of a sampler that
    learns from earlier trials are not.

    Args:
        validation: Score of each trial at each seed; higher is better.

    Raises:
        PlanError: If there is no trial or a score is not finite.
    """
    _check_scores(validation)
    expected: np.ndarray = _subset_weights(len(validation)) @ np.sort(validation, axis=0)
    return expected


def expected_chosen(
    validation: Float[np.ndarray, "trials seeds"], test: Float[np.ndarray, "trials seeds"]
) -> Float[np.ndarray, "k seeds"]:
    """Expected test score of the trial, among k, with the best validation score, for k = 1 ... n.

    The mean over all subsets of k trials, by the weights of :func:`expected_best`. Among trials with equal
    validation scores any is as likely to be chosen, so that each has the mean of their test scores.

    It may fall as k grows: then the search fits the validation rows.

    Args:
        validation: Score by which a trial is chosen; higher is better.
        test: Score of the same trials on the test items.

    Raises:
        PlanError: If there is no trial or a score is not finite.
    """
    _check_scores(validation)
    _check_scores(test)
    expected: np.ndarray = np.einsum("kts,ts->ks", _chosen_weights(validation), test)
    return expected


def split_gain(
    arm_default: Sequence[Measurement],
    arm_tuned: Sequence[Measurement],
    reference_default: Sequence[Measurement],
    reference_tuned: Sequence[Measurement],
    *,
    level: float = 0.95,
) -> GainSplit:
    """Split the tuned arm's lead over the untuned reference into the data's part and the search's.

    There are two ways from B0 to A*: change the data first, or tune first. The parts are the means over
    the two ways (Shapley 1953, with two players), and add up to A* - B0 at every seed.

    Args:
        arm_default: The arm with the default setting, one measurement a seed.
        arm_tuned: The arm with the setting its own search chose.
        reference_default: The reference with the default setting.
        reference_tuned: The reference with the setting its own search, of as many trials, chose.
        level: Confidence level of the intervals, over seeds and test items.

    Raises:
        PlanError: If the four have no or different numbers of seeds, or look at different items.
    """
    cells = (arm_default, arm_tuned, reference_default, reference_tuned)
    if len({len(cell) for cell in cells}) != 1:
        raise PlanError(
            "a split compares the same seeds in all four cells",
            got=", ".join(str(len(cell)) for cell in cells) + " seeds",
        )

    def of(name: str, *weights: float) -> Estimate:
        return estimate(name, [_combine(weights, seed) for seed in zip(*cells, strict=True)], level=level)

    # Weights of A0, A*, B0 and B*.
    return GainSplit(
        total=of("total", 0.0, 1.0, -1.0, 0.0),
        data=of("data", 0.5, 0.5, -0.5, -0.5),
        search=of("search", -0.5, 0.5, -0.5, 0.5),
        data_default=of("data, default", 1.0, 0.0, -1.0, 0.0),
        data_tuned=of("data, tuned", 0.0, 1.0, 0.0, -1.0),
        search_arm=of("search on the arm", -1.0, 1.0, 0.0, 0.0),
        search_reference=of("search on the reference", 0.0, 0.0, -1.0, 1.0),
        interaction=of("interaction", -1.0, 1.0, 1.0, -1.0),
    )


def _subset_weights(n: int) -> Float[np.ndarray, "k trials"]:
    """``C(i - 1, k - 1) / C(n, k)`` for k in the rows and the rank i in the columns, both from 1.

    From the best rank, ``k / n``, downwards by the quotient of neighbours, ``(i - k) / (i - 1)``: no large
    binomials, and exact zeros where fewer than k trials rank so low.
    """
    k = np.arange(1, n + 1)[:, None]
    above = np.arange(n, 1, -1)
    quotients = np.clip((above - k) / (above - 1), 0.0, None) if n > 1 else np.empty((1, 0))
    descending = np.cumprod(np.column_stack([k / n, quotients]), axis=1)
    return descending[:, ::-1]


def _chosen_weights(validation: Float[np.ndarray, "trials seeds"]) -> Float[np.ndarray, "k trials seeds"]:
    """Chance of each trial to be the one chosen among k, at each seed: of its rank, or of those it shares."""
    of_rank = _subset_weights(len(validation))
    weights = np.empty((*of_rank.shape, validation.shape[1]))
    for seed, by in enumerate(validation.T):
        _, tie, sizes = np.unique(by, return_inverse=True, return_counts=True)
        shared = np.add.reduceat(of_rank, np.cumsum(sizes) - sizes, axis=1) / sizes
        weights[:, :, seed] = shared[:, tie]
    return weights


def _combine(weights: Sequence[float], measurements: Sequence[Measurement]) -> Measurement:
    """A weighted sum of measurements of one seed, all on the same items; see :func:`difference`."""
    first = measurements[0]
    if not all(np.array_equal(m.clusters, first.clusters) for m in measurements):
        raise PlanError("a split compares cells on the same test items")
    terms = [(w, m) for w, m in zip(weights, measurements, strict=True) if w]
    return Measurement(
        value=sum(w * m.value for w, m in terms),
        influence=np.asarray(sum(w * m.influence for w, m in terms)),
        clusters=first.clusters,
        # Two weights of one size are a difference, whose resolution is the larger of the two.
        resolution=max(m.resolution for _, m in terms) * sum(abs(w) for w, _ in terms) / 2,
        parts=first.parts,
    )


def _check_scores(scores: Float[np.ndarray, "trials seeds"]) -> None:
    if not scores.size or not np.isfinite(scores).all():
        raise PlanError(
            "the expected best takes at least one trial, and a finite score of each",
            got=f"{scores.shape[0]} trials, {np.count_nonzero(~np.isfinite(scores))} scores not finite",
            hint="give a trial that failed the score of a model that guesses",
        )
