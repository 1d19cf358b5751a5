"""The three-way verdict on a directional hypothesis, alone or in a family."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from negspace.errors import PlanError
from negspace.records import Interval, Outcome, Verdict
from negspace.statistics.estimates import error_of_mean, mean_interval, seed_spread
from negspace.statistics.power import minimum_detectable_effect, seeds_needed

MIN_SEEDS = 10
"""Fewest seeds that give a verdict."""

LARGE_FAMILY = 4
"""A family of more hypotheses than this takes `SEEDS_OF_LARGE_FAMILY` seeds."""

SEEDS_OF_LARGE_FAMILY = 20
"""Ten hypotheses at ten seeds err in a third of the families whose seeds have an exponential tail."""

_MISSED_IN = 0.05
_SMALLEST_SHOWN = 1e-6
_ORDINALS = {2: "second", 3: "third"}


@dataclass(frozen=True, eq=False)
class Effects:
    """Effects at each seed, and the margin that their true mean is claimed to exceed.

    Attributes:
        differences: One paired difference a seed.
        margin: Smallest effect of interest: finite, 0 or above, set before the data were seen.
        no_less: The claim is that the difference does not fall short of 0 by the margin or more
            (non-inferiority; CONSORT extension, Piaggio et al. 2012), instead of that it exceeds it.
        item_variance: Variance of the mean because the test items are a sample.
        item_df: Degrees of freedom of ``item_variance``.
        what: What the difference is, to begin the reason with.
        bounds: Ends between which effects lie; the interval goes no further, which Student's t does not know.
    """

    differences: Float[np.ndarray, " seeds"]
    margin: float
    item_variance: float = 0.0
    item_df: float = math.inf
    what: str = "the effect"
    no_less: bool = False
    bounds: tuple[float, float] = (-math.inf, math.inf)

    @property
    def threshold(self) -> float:
        """What the true mean difference is claimed to exceed."""
        return 0.0 - self.margin if self.no_less else self.margin  # and not -0.0, which prints so


def one_sided_level(alpha: float, look: int) -> float:
    """Level of one-sided tests at the *k*-th look at one question: ``alpha / (k (k + 1))``.

    Over all looks, however many, the levels add up to alpha. At the first look it is half of alpha, that of
    the usual two-sided interval.
    """
    return alpha / (look * (look + 1))


def unseen_failure(seeds: int) -> float:
    """Share of seeds that may fail and yet be missed by all of so many seeds in 5 % of studies."""
    return 1.0 - float(_MISSED_IN ** (1 / seeds))


def judge(
    differences: Float[np.ndarray, " seeds"],
    *,
    margin: float,
    item_variance: float = 0.0,
    item_df: float = math.inf,
    alpha: float = 0.05,
    min_seeds: int = MIN_SEEDS,
    look: int = 1,
    what: str = "the effect",
    no_less: bool = False,
) -> Verdict:
    """Judge one hypothesis: does the true mean difference exceed ``margin``?

    One interval decides: Student's t over seeds and test items, widened where the seeds show a long tail
    (`StandardError`), of level ``1 - alpha`` at the first look. *Supported*: its lower end lies above the
    margin. *Refuted*: its upper end lies below, or, with a margin above 0, the equivalence test (two
    one-sided tests: Schuirmann 1987) puts the effect inside ±margin. *Inconclusive*: all else; also fewer
    than ``min_seeds`` seeds, a difference that is not finite, and differences that are all equal while the
    items add no error (a width of zero is no evidence).

    With ``no_less`` the claim is that the difference is no worse than ``-margin``: the same rule about
    ``-margin``, without the equivalence test.

    Takes the parts of a `Effects`, and the settings of :func:`judge_family`.

    Returns:
        The verdict; its reason is one sentence with the numbers that decided.

    Raises:
        PlanError: If the margin is negative or not finite, or another setting is out of range.
    """
    hypothesis = Effects(differences, margin, item_variance, item_df, what, no_less)
    return judge_family({what: hypothesis}, alpha=alpha, min_seeds=min_seeds, look=look)[what]


def judge_family(
    hypotheses: Mapping[str, Effects], *, alpha: float = 0.05, min_seeds: int = MIN_SEEDS, look: int = 1
) -> dict[str, Verdict]:
    """Judge hypotheses that belong together, with Holm's correction over the family.

    The rule is that of :func:`judge`, with its p-values adjusted. The intervals that are shown are those of
    the single hypotheses; where one clears the margin and the adjusted p does not, the reason says so. A
    hypothesis without an answer (too few seeds, NaN) still counts in the family. Families of more than
    ``LARGE_FAMILY`` hypotheses take ``SEEDS_OF_LARGE_FAMILY`` seeds.

    Args:
        hypotheses: By name. Those of one plan make one family.
        alpha: Probability of any false "supported" in the family over all looks, and of any false "refuted".
        min_seeds: Fewest seeds that give a verdict.
        look: How often the question has been asked, this time included (`one_sided_level`).

    Returns:
        A verdict for each name, in the same order.

    Raises:
        PlanError: If there is no hypothesis, a margin is negative or not finite, or a setting is out of
            range.
    """
    _check_plan(hypotheses, alpha, min_seeds, look)
    rule = _Rule(one_sided_level(alpha, look), look, len(hypotheses), min_seeds)
    found = [_weigh(hypothesis, rule) for hypothesis in hypotheses.values()]
    above = holm(np.array([evidence.p_above for evidence in found]))
    refuted = holm(np.array([evidence.p_refuted for evidence in found]))
    return {
        name: _unfit(hypothesis, evidence, rule)
        if evidence.unfit is not None
        else _decide(hypothesis, evidence, float(p_above), float(p_refuted), rule)
        for (name, hypothesis), evidence, p_above, p_refuted in zip(
            hypotheses.items(), found, above, refuted, strict=True
        )
    }


@dataclass(frozen=True)
class _Rule:
    """What all hypotheses of a family are judged by; ``level`` is that of one-sided tests."""

    level: float
    look: int
    family: int
    min_seeds: int

    @property
    def fewest_seeds(self) -> int:
        return max(self.min_seeds, SEEDS_OF_LARGE_FAMILY) if self.family > LARGE_FAMILY else self.min_seeds


@dataclass(frozen=True)
class _Evidence:
    """What one hypothesis's data say before any correction; NaN p-values where they are unfit."""

    effect: float
    interval: Interval
    p_above: float = math.nan
    p_refuted: float = math.nan
    p_equivalent: float = math.nan
    unfit: str | None = None


def _weigh(hypothesis: Effects, rule: _Rule) -> _Evidence:
    values = np.asarray(hypothesis.differences, dtype=float)
    variance, df = hypothesis.item_variance, hypothesis.item_df
    effect = float(values.mean()) if len(values) and np.isfinite(values).all() else math.nan
    interval = mean_interval(values, item_variance=variance, item_df=df, level=1 - 2 * rule.level)
    lowest, highest = hypothesis.bounds
    interval = replace(
        interval, low=_within(interval.low, lowest, highest), high=_within(interval.high, lowest, highest)
    )
    unfit = _why_unfit(values, variance, rule)
    if unfit is not None:
        return _Evidence(effect, interval, unfit=unfit)
    margin = hypothesis.threshold
    error = error_of_mean(values, item_variance=variance, item_df=df)
    below, equivalent = float(error.p_below(effect - margin)), math.nan
    refuted = below
    if margin > 0:
        # Two one-sided tests, each at twice the level: halved, so that all p-values compare with one level.
        # Both routes to "refuted" imply that "below" holds at twice the level: the minimum errs no more.
        equivalent = max(below, float(error.p_above(effect + margin)))
        refuted = min(below, equivalent / 2)
    return _Evidence(effect, interval, float(error.p_above(effect - margin)), refuted, equivalent)


def _why_unfit(values: Float[np.ndarray, " seeds"], item_variance: float, rule: _Rule) -> str | None:
    seeds, undefined = len(values), int(np.count_nonzero(~np.isfinite(values)))
    if undefined:
        return (
            f"it is undefined (NaN or infinite) at {undefined} of {seeds} seeds, which a verdict may not drop"
        )
    if seeds < rule.fewest_seeds:
        what = "a verdict" if seeds < rule.min_seeds else f"a verdict in a family of {rule.family} hypotheses"
        more = rule.fewest_seeds - seeds
        return f"{what} takes {rule.fewest_seeds} seeds and there are {seeds}: run {more} more"
    if math.isnan(item_variance):
        return "its error from the test rows is undefined, so no interval can be given"
    # Differences that are equal on paper may differ in the last bits.
    rounding = 1e-12 * float(np.abs(values).max())
    if float(np.ptp(values)) <= rounding and math.sqrt(item_variance) <= rounding:
        return (
            f"it is {float(values[0]):.3g} at all {seeds} seeds and the test rows add no error: "
            "the seeds varied nothing the measure can see, and a width of zero is no evidence"
        )
    return None


def _unfit(hypothesis: Effects, evidence: _Evidence, rule: _Rule) -> Verdict:
    seeds, sd = len(hypothesis.differences), seed_spread(hypothesis.differences)
    needed = rule.fewest_seeds if seeds < rule.fewest_seeds and not math.isnan(sd) else None
    if needed is not None and 0 < sd < math.inf:
        needed = _seeds_needed(hypothesis, evidence.effect, sd, rule, at_least=needed)
    return Verdict(
        outcome=Outcome.INCONCLUSIVE,
        reason=f"{hypothesis.what}: {evidence.unfit}",
        margin=hypothesis.margin,
        effect=evidence.effect,
        interval=evidence.interval,
        p_value=math.nan,
        mde=math.nan,
        seeds_needed=needed,
        look=rule.look,
    )


def _decide(
    hypothesis: Effects, evidence: _Evidence, p_above: float, p_refuted: float, rule: _Rule
) -> Verdict:
    """Give the verdict by p-values that are adjusted for the family."""
    sd, seeds, margin = seed_spread(hypothesis.differences), len(hypothesis.differences), hypothesis.threshold
    mde = minimum_detectable_effect(
        sd,
        seeds,
        margin=margin,
        item_variance=hypothesis.item_variance,
        item_df=hypothesis.item_df,
        alpha=2 * rule.level,
        family=rule.family,
    )
    mde = mde if mde <= hypothesis.bounds[1] else math.inf
    interval, needed = evidence.interval, None
    # The test of the side that the effect is on.
    own, adjusted = (evidence.p_refuted, p_refuted)
    if p_above <= rule.level:
        outcome = Outcome.SUPPORTED
        finding = (
            f"it does not fall short by {-margin:.3g}"
            if margin < 0
            else f"it lies above the margin {margin:.3g}"
        )
        own, adjusted = evidence.p_above, p_above
    elif p_refuted <= rule.level:
        outcome, finding = Outcome.REFUTED, _why_refuted(interval, margin)
        if evidence.p_equivalent / 2 <= evidence.p_refuted:  # its two tests are each at twice the level
            own, adjusted = 2 * own, 2 * adjusted
    else:
        outcome = Outcome.INCONCLUSIVE
        if interval.low <= margin <= interval.high:
            finding = f"the interval holds the margin {margin:.3g}"
        else:
            side = "above" if interval.low > margin else "below"
            finding = f"the interval lies {side} the margin {margin:.3g}, but not after correction"
        if evidence.effect > margin:
            own, adjusted = evidence.p_above, p_above
        needed = _seeds_needed(hypothesis, evidence.effect, sd, rule, at_least=seeds + 1)
    tests = f"{seeds} seeds, p {_said(own)}"
    if rule.family > 1:
        tests += f", {_said(adjusted).removeprefix('= ')} after Holm over {rule.family} hypotheses"
    if rule.look > 1:
        tests += f"; {_ORDINALS.get(rule.look, f'{rule.look}th')} look at these test rows"
    outlook = (
        _outlook(mde, needed, has_item_error=hypothesis.item_variance > 0)
        if outcome is Outcome.INCONCLUSIVE
        else f"a failure of up to {100 * unseen_failure(seeds):.0f} % of seeds could be unseen in {seeds}"
    )
    reason = (
        f"{hypothesis.what} is {evidence.effect:.3g}, {100 * interval.level:.4g} % CI "
        f"[{interval.low:.3g}, {interval.high:.3g}]: {finding} ({tests}); {outlook}"
    )
    return Verdict(
        outcome=outcome,
        reason=reason,
        margin=hypothesis.margin,
        effect=evidence.effect,
        interval=interval,
        p_value=evidence.p_above,
        mde=mde,
        seeds_needed=needed,
        p_adjusted=p_above,
        look=rule.look,
    )


def _within(end: float, lowest: float, highest: float) -> float:
    """A finite end, moved into the bounds; an infinite one says that nothing is known."""
    return min(max(end, lowest), highest) if math.isfinite(end) else end


def _said(p: float) -> str:
    return f"< {_SMALLEST_SHOWN:g}" if p < _SMALLEST_SHOWN else f"= {p:.2g}"


def holm(p_values: Float[np.ndarray, " tests"]) -> Float[np.ndarray, " tests"]:
    """Adjust p-values so that rejecting those at most alpha errs in the family at most alpha (Holm 1979).

    With the p-values in ascending order, the *i*-th of *m* (from 1) becomes
    ``max over j <= i of min(1, (m - j + 1) * p_j)``. No independence is assumed.

    Args:
        p_values: One a test, in [0, 1]. NaN is a test that was planned and gave no answer: it stays NaN and
            still counts in *m*, for a family that shrinks where tests fail is no longer the one planned.

    Returns:
        The adjusted p-values, in the order given.

    Raises:
        PlanError: If a p-value is outside [0, 1].
    """
    given = np.asarray(p_values, dtype=float)
    if ((given < 0) | (given > 1)).any():
        raise PlanError("p-values lie between 0 and 1", got=str(given.tolist()))
    unanswered = np.isnan(given)
    p = np.where(unanswered, 1.0, given)
    order = np.argsort(p, kind="stable")
    stepped = np.minimum(1.0, p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.maximum.accumulate(stepped)
    adjusted[unanswered] = np.nan
    return adjusted


def _why_refuted(interval: Interval, margin: float) -> str:
    if margin == 0:
        return "it lies below 0, the opposite of the claim"
    if margin < 0:
        return f"it falls short by more than {-margin:.3g}"
    if interval.high < -margin:
        return f"it lies below -{margin:.3g}, the opposite of the claim"
    if interval.high >= margin:
        return f"the equivalence test puts it inside ±{margin:.3g}, too small to matter"
    if interval.low > -margin:
        return f"it lies inside ±{margin:.3g}, too small to matter"
    return f"it lies below the margin {margin:.3g}"


def _outlook(mde: float, needed: int | None, *, has_item_error: bool) -> str:
    """What it would take to decide."""
    if math.isfinite(mde):
        detectable = f"a true effect of {mde:.3g} would come out supported with 80 % power"
    else:
        detectable = "no effect would come out supported with these seeds and test rows"
    if needed is not None:
        return f"{detectable}; about {needed} seeds would decide on an effect as large as seen"
    rows = "more seeds alone would not decide, it takes more test rows"
    return f"{detectable}; " + (rows if has_item_error else "no number of seeds tells it from the margin")


def _seeds_needed(hypothesis: Effects, effect: float, sd: float, rule: _Rule, *, at_least: int) -> int | None:
    return seeds_needed(
        effect,
        sd,
        margin=hypothesis.threshold,
        item_variance=hypothesis.item_variance,
        item_df=hypothesis.item_df,
        alpha=2 * rule.level,
        family=rule.family,
        min_seeds=at_least,
    )


def _check_plan(hypotheses: Mapping[str, Effects], alpha: float, min_seeds: int, look: int) -> None:
    if look < 1:
        raise PlanError("looks are counted from 1", got=look)
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
