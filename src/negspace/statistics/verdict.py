"""The three-way verdict on a directional hypothesis, alone or in a family."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from negspace.errors import PlanError
from negspace.records import Interval, Outcome, Verdict
from negspace.statistics import reasons
from negspace.statistics.holm import holm
from negspace.statistics.intervals import mean_interval
from negspace.statistics.power import minimum_detectable_effect, seeds_needed
from negspace.statistics.signflip import sign_flip_p
from negspace.statistics.skewness import has_long_lower_tail, skewness_corrected_p
from negspace.statistics.standard_error import StandardError, seed_spread, standard_error

__all__ = ["Hypothesis", "judge", "judge_family"]


@dataclass(frozen=True, eq=False)
class Hypothesis:
    """The claim that a true mean difference exceeds a margin, with the data that test it.

    Attributes:
        differences: One paired difference a seed.
        margin: Smallest effect of interest: finite, 0 or above, set before the data were seen.
        no_less: The claim is that the difference does not fall short of 0 by the margin or more
            (non-inferiority; CONSORT extension, Piaggio et al. 2012), instead of that it exceeds it.
        item_variance: Variance of the mean because the test items are a sample.
        item_df: Degrees of freedom of ``item_variance``.
        what: What the difference is, to begin the reason with.
    """

    differences: Float[np.ndarray, " seeds"]
    margin: float
    item_variance: float = 0.0
    item_df: float = math.inf
    what: str = "the effect"
    no_less: bool = False

    @property
    def threshold(self) -> float:
        """What the true mean difference is claimed to exceed."""
        return 0.0 - self.margin if self.no_less else self.margin  # and not -0.0, which prints so


def judge(
    differences: Float[np.ndarray, " seeds"],
    *,
    margin: float,
    item_variance: float = 0.0,
    item_df: float = math.inf,
    alpha: float = 0.05,
    min_seeds: int = 10,
    what: str = "the effect",
    no_less: bool = False,
) -> Verdict:
    """Judge one hypothesis: does the true mean difference exceed ``margin``?

    *Supported*: the lower end of the ``1 - alpha`` interval lies above the margin and the one-sided
    sign-flip p against it is at most alpha. *Refuted*: the same two tests show the effect to be below the
    margin, or, with a margin above 0, the equivalence test and the sign-flip test put it inside ±margin.
    Where a few seeds trail far off against the finding, the interval's test must hold with its skewness
    corrected, too (``skewness.py``). *Inconclusive*: all else; also fewer than ``min_seeds`` seeds, a
    difference that is not finite, and differences that are all equal while the items add no error (a
    width of zero is no evidence).

    With ``no_less`` the claim is that the difference is no worse than ``-margin``: the same rule about
    ``-margin``, without the equivalence test.

    Args:
        differences: One paired difference a seed.
        margin: Smallest effect of interest: finite, 0 or above, set before the data were seen.
        item_variance: Variance of the mean because the test items are a sample (``item_variance_of``).
        item_df: Degrees of freedom of ``item_variance``.
        alpha: Level of the two-sided interval and of the tests.
        min_seeds: Fewest seeds that give a verdict.
        what: What the difference is, to begin the reason with.
        no_less: Claim that the difference does not fall short of 0 by the margin or more.

    Returns:
        The verdict; its reason is one sentence with the numbers that decided.

    Raises:
        PlanError: If the margin is negative or not finite, or another setting is out of range.
    """
    hypothesis = Hypothesis(differences, margin, item_variance, item_df, what, no_less)
    return judge_family({what: hypothesis}, alpha=alpha, min_seeds=min_seeds)[what]


def judge_family(
    hypotheses: Mapping[str, Hypothesis], *, alpha: float = 0.05, min_seeds: int = 10
) -> dict[str, Verdict]:
    """Judge hypotheses that belong together, with Holm's correction over the family.

    The rule is that of :func:`judge`, with each of its p-values adjusted: the sign-flip test, the interval
    (as a two-sided p, so that an error of the test items is corrected for as well) and the refutation.
    The intervals that are shown are those of the single hypotheses. A hypothesis without an answer (too few
    seeds, NaN) still counts in the family.

    Args:
        hypotheses: By name. Those of one plan make one family.
        alpha: Probability of any false "supported" in the family, and of any false "refuted".
        min_seeds: Fewest seeds that give a verdict.

    Returns:
        A verdict for each name, in the same order.

    Raises:
        PlanError: If there is no hypothesis, a margin is negative or not finite, or a setting is out of
            range.
    """
    _check_plan(hypotheses, alpha, min_seeds)
    family = len(hypotheses)
    weighed = {name: _weigh(h, alpha=alpha, min_seeds=min_seeds) for name, h in hypotheses.items()}
    flips, intervals, refutations = (
        holm(np.array(p_values))
        for p_values in zip(*((e.p_flip, e.p_interval, e.p_refuted) for e in weighed.values()), strict=True)
    )
    verdicts = {}
    for i, (name, hypothesis) in enumerate(hypotheses.items()):
        evidence = weighed[name]
        adjusted = _Adjusted(float(flips[i]), float(intervals[i]), float(refutations[i]))
        if evidence.unfit is not None:
            verdicts[name] = _unfit(hypothesis, evidence, alpha=alpha, min_seeds=min_seeds, family=family)
        else:
            verdicts[name] = _decide(hypothesis, evidence, adjusted, alpha=alpha, family=family)
    return verdicts


@dataclass(frozen=True)
class _Evidence:
    """What one hypothesis's data say before any correction; NaN p-values where they are unfit."""

    effect: float
    interval: Interval
    p_flip: float = math.nan
    p_interval: float = math.nan
    p_refuted: float = math.nan
    p_equivalent: float = math.nan
    skewed: bool = False
    unfit: str | None = None


@dataclass(frozen=True)
class _Adjusted:
    flip: float
    interval: float
    refuted: float


def _weigh(hypothesis: Hypothesis, *, alpha: float, min_seeds: int) -> _Evidence:
    values = np.asarray(hypothesis.differences, dtype=float)
    variance, df = hypothesis.item_variance, hypothesis.item_df
    effect = float(values.mean()) if len(values) and np.isfinite(values).all() else math.nan
    interval = mean_interval(values, item_variance=variance, item_df=df, level=1 - alpha)
    unfit = _why_unfit(values, variance, min_seeds)
    if unfit is not None:
        return _Evidence(effect, interval, unfit=unfit)
    margin = hypothesis.threshold
    error = standard_error(seed_spread(values), len(values), item_variance=variance, item_df=df)
    above, below = _exceeds(values, margin, error), _exceeds(-values, -margin, error)
    # Every route to "refuted" implies that both p-values of `below` are at most alpha: the minimum is valid.
    refuted = max(min(1.0, 2 * below.t), below.flip)
    equivalent = math.nan
    if margin > 0:
        # equivalence_p, with the checks that the interval undergoes as well.
        inside = _exceeds(values, -margin, error)
        equivalent = max(below.t, below.flip, inside.t, inside.flip)
        refuted = min(refuted, equivalent)
    return _Evidence(
        effect,
        interval,
        p_flip=above.flip,
        p_interval=min(1.0, 2 * above.t),
        p_refuted=refuted,
        p_equivalent=equivalent,
        skewed=has_long_lower_tail(values if effect > margin else -values),
    )


@dataclass(frozen=True)
class _OneSided:
    t: float
    flip: float


def _exceeds(values: Float[np.ndarray, " seeds"], margin: float, error: StandardError) -> _OneSided:
    """One-sided p-values that the true mean exceeds the margin: of the interval, of the sign flips."""
    t = error.upper_p(float(values.mean()) - margin)
    if has_long_lower_tail(values):
        t = max(t, skewness_corrected_p(values, margin=margin))
    return _OneSided(t, sign_flip_p(values, margin=margin))


def _why_unfit(values: Float[np.ndarray, " seeds"], item_variance: float, min_seeds: int) -> str | None:
    undefined = int(np.count_nonzero(~np.isfinite(values)))
    if undefined:
        return reasons.undefined_seeds(undefined, len(values))
    if len(values) < min_seeds:
        return reasons.too_few_seeds(len(values), min_seeds)
    if math.isnan(item_variance):
        return reasons.UNDEFINED_ITEMS
    # Differences that are equal on paper may differ in the last bits.
    rounding = 1e-12 * float(np.abs(values).max())
    if float(np.ptp(values)) <= rounding and math.sqrt(item_variance) <= rounding:
        return reasons.no_spread(len(values), float(values[0]))
    return None


def _unfit(
    hypothesis: Hypothesis, evidence: _Evidence, *, alpha: float, min_seeds: int, family: int
) -> Verdict:
    seeds = len(hypothesis.differences)
    sd = seed_spread(hypothesis.differences)
    needed = min_seeds if seeds < min_seeds and not math.isnan(sd) else None
    if needed is not None and 0 < sd < math.inf:
        needed = _needed(hypothesis, evidence.effect, sd, alpha=alpha, family=family, at_least=min_seeds)
    return Verdict(
        outcome=Outcome.INCONCLUSIVE,
        reason=f"{hypothesis.what}: {evidence.unfit}",
        margin=hypothesis.margin,
        effect=evidence.effect,
        interval=evidence.interval,
        p_value=math.nan,
        mde=math.nan,
        seeds_needed=needed,
    )


def _decide(
    hypothesis: Hypothesis, evidence: _Evidence, adjusted: _Adjusted, *, alpha: float, family: int
) -> Verdict:
    sd, seeds, margin = seed_spread(hypothesis.differences), len(hypothesis.differences), hypothesis.threshold
    mde = minimum_detectable_effect(
        sd,
        seeds,
        margin=margin,
        item_variance=hypothesis.item_variance,
        item_df=hypothesis.item_df,
        alpha=alpha,
        family=family,
    )
    needed = None
    clears = evidence.interval.low > margin
    if clears and adjusted.flip <= alpha and adjusted.interval <= alpha:
        outcome, finding = Outcome.SUPPORTED, reasons.above(margin)
    elif adjusted.refuted <= alpha:
        outcome = Outcome.REFUTED
        finding = reasons.refuted(evidence.interval, margin, evidence.p_equivalent)
    else:
        outcome = Outcome.INCONCLUSIVE
        finding = reasons.undecided(evidence.interval, margin, evidence.skewed, family)
        needed = _needed(hypothesis, evidence.effect, sd, alpha=alpha, family=family, at_least=seeds + 1)
    tests = reasons.tests(seeds, evidence.p_flip, adjusted.flip, family)
    reason = f"{reasons.lead(hypothesis.what, evidence.effect, evidence.interval)}: {finding} ({tests})"
    if outcome is Outcome.INCONCLUSIVE:
        reason += f"; {reasons.outlook(mde, needed, has_item_error=hypothesis.item_variance > 0)}"
    return Verdict(
        outcome, reason, hypothesis.margin, evidence.effect, evidence.interval, adjusted.flip, mde, needed
    )


def _needed(
    hypothesis: Hypothesis, effect: float, sd: float, *, alpha: float, family: int, at_least: int
) -> int | None:
    return seeds_needed(
        effect,
        sd,
        margin=hypothesis.threshold,
        item_variance=hypothesis.item_variance,
        item_df=hypothesis.item_df,
        alpha=alpha,
        family=family,
        min_seeds=at_least,
    )


def _check_plan(hypotheses: Mapping[str, Hypothesis], alpha: float, min_seeds: int) -> None:
    if not hypotheses:
        raise PlanError("there is no hypothesis to judge")
    if not 0 < alpha < 0.5:
        raise PlanError("alpha lies between 0 and 0.5", got=alpha, hint="the usual level is 0.05")
    if min_seeds < 2:
        raise PlanError("a verdict needs a spread over seeds: min_seeds is at least 2", got=min_seeds)
    for hypothesis in hypotheses.values():
        if not (math.isfinite(hypothesis.margin) and hypothesis.margin >= 0):
            raise PlanError(
                f"the margin of {hypothesis.what} must be finite and not negative",
                got=hypothesis.margin,
                hint="give the smallest effect that would matter; for the other direction, swap the arms",
            )
