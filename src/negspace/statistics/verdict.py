"""The three-way verdict on a directional hypothesis, alone or in a family."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from negspace.errors import PlanError
from negspace.records import Interval, Outcome, Verdict
from negspace.statistics.estimates import StandardError, mean_interval, seed_spread, standard_error
from negspace.statistics.p_values import has_long_lower_tail, holm, sign_flip_p, skewness_corrected_p
from negspace.statistics.power import minimum_detectable_effect, seeds_needed


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
    margin, or, with a margin above 0, the equivalence test (two one-sided tests: Schuirmann 1987) and the
    sign-flip test put it inside ±margin. Where a few seeds trail far off against the finding, the interval's
    test must hold with its skewness corrected, too (`skewness_corrected_p`). *Inconclusive*: all else; also
    fewer than ``min_seeds`` seeds, a difference that is not finite, and differences that are all equal while
    the items add no error (a width of zero is no evidence).

    With ``no_less`` the claim is that the difference is no worse than ``-margin``: the same rule about
    ``-margin``, without the equivalence test.

    Takes the parts of a `Effects`, the level of the two-sided interval and of the tests (``alpha``), and
    the fewest seeds that give a verdict.

    Returns:
        The verdict; its reason is one sentence with the numbers that decided.

    Raises:
        PlanError: If the margin is negative or not finite, or another setting is out of range.
    """
    hypothesis = Effects(differences, margin, item_variance, item_df, what, no_less)
    return judge_family({what: hypothesis}, alpha=alpha, min_seeds=min_seeds)[what]


def judge_family(
    hypotheses: Mapping[str, Effects], *, alpha: float = 0.05, min_seeds: int = 10
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
    found = [_weigh(hypothesis, alpha=alpha, min_seeds=min_seeds) for hypothesis in hypotheses.values()]
    flips, intervals, refutations = (
        holm(np.array(p_values))
        for p_values in zip(*((e.p_flip, e.p_interval, e.p_refuted) for e in found), strict=True)
    )
    return {
        name: _unfit(hypothesis, evidence, alpha, min_seeds, len(found))
        if evidence.unfit is not None
        else _decide(hypothesis, evidence, float(flip), float(interval), float(refuted), alpha, len(found))
        for (name, hypothesis), evidence, flip, interval, refuted in zip(
            hypotheses.items(), found, flips, intervals, refutations, strict=True
        )
    }


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


def _weigh(hypothesis: Effects, *, alpha: float, min_seeds: int) -> _Evidence:
    values = np.asarray(hypothesis.differences, dtype=float)
    variance, df = hypothesis.item_variance, hypothesis.item_df
    effect = float(values.mean()) if len(values) and np.isfinite(values).all() else math.nan
    interval = mean_interval(values, item_variance=variance, item_df=df, level=1 - alpha)
    unfit = _why_unfit(values, variance, min_seeds)
    if unfit is not None:
        return _Evidence(effect, interval, unfit=unfit)
    margin = hypothesis.threshold
    error = standard_error(seed_spread(values), len(values), item_variance=variance, item_df=df)
    (above_t, above_flip) = _exceeds(values, margin, error)
    (below_t, below_flip) = _exceeds(-values, -margin, error)
    # Every route to "refuted" implies that both p-values of "below" are at most alpha: the minimum is valid.
    refuted = max(min(1.0, 2 * below_t), below_flip)
    equivalent = math.nan
    if margin > 0:
        # Two one-sided tests, with the checks that the interval undergoes as well.
        equivalent = max(below_t, below_flip, *_exceeds(values, -margin, error))
        refuted = min(refuted, equivalent)
    return _Evidence(
        effect,
        interval,
        p_flip=above_flip,
        p_interval=min(1.0, 2 * above_t),
        p_refuted=refuted,
        p_equivalent=equivalent,
        skewed=has_long_lower_tail(values if effect > margin else -values),
    )


def _exceeds(values: Float[np.ndarray, " seeds"], margin: float, error: StandardError) -> tuple[float, float]:
    """One-sided p-values that the true mean exceeds the margin: of the interval, of the sign flips."""
    t = error.upper_p(float(values.mean()) - margin)
    if has_long_lower_tail(values):
        t = max(t, skewness_corrected_p(values, margin=margin))
    return t, sign_flip_p(values, margin=margin)


def _why_unfit(values: Float[np.ndarray, " seeds"], item_variance: float, min_seeds: int) -> str | None:
    seeds, undefined = len(values), int(np.count_nonzero(~np.isfinite(values)))
    if undefined:
        return (
            f"it is undefined (NaN or infinite) at {undefined} of {seeds} seeds, which a verdict may not drop"
        )
    if seeds < min_seeds:
        return f"a verdict takes {min_seeds} seeds and there are {seeds}: run {min_seeds - seeds} more"
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


def _unfit(hypothesis: Effects, evidence: _Evidence, alpha: float, min_seeds: int, family: int) -> Verdict:
    seeds, sd = len(hypothesis.differences), seed_spread(hypothesis.differences)
    needed = min_seeds if seeds < min_seeds and not math.isnan(sd) else None
    if needed is not None and 0 < sd < math.inf:
        needed = _seeds_needed(hypothesis, evidence.effect, sd, alpha, family, at_least=min_seeds)
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
    hypothesis: Effects,
    evidence: _Evidence,
    p_flip: float,
    p_interval: float,
    p_refuted: float,
    alpha: float,
    family: int,
) -> Verdict:
    """Give the verdict by p-values that are adjusted for the family."""
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
    interval, needed, outlook = evidence.interval, None, ""
    if interval.low > margin and p_flip <= alpha and p_interval <= alpha:
        outcome = Outcome.SUPPORTED
        finding = (
            f"it does not fall short by {-margin:.3g}"
            if margin < 0
            else f"it lies above the margin {margin:.3g}"
        )
    elif p_refuted <= alpha:
        outcome, finding = Outcome.REFUTED, _why_refuted(interval, margin, evidence.p_equivalent)
    else:
        outcome = Outcome.INCONCLUSIVE
        finding = _why_undecided(interval, margin, evidence.skewed, family)
        needed = _seeds_needed(hypothesis, evidence.effect, sd, alpha, family, at_least=seeds + 1)
        outlook = f"; {_outlook(mde, needed, has_item_error=hypothesis.item_variance > 0)}"
    tests = f"{seeds} seeds, sign-flip p = {evidence.p_flip:.2g}"
    if family > 1:
        tests += f", {p_flip:.2g} after Holm over {family} hypotheses"
    reason = (
        f"{hypothesis.what} is {evidence.effect:.3g}, {100 * interval.level:g} % CI "
        f"[{interval.low:.3g}, {interval.high:.3g}]: {finding} ({tests}){outlook}"
    )
    return Verdict(outcome, reason, hypothesis.margin, evidence.effect, interval, p_flip, mde, needed)


def _why_refuted(interval: Interval, margin: float, p_equivalent: float) -> str:
    if margin == 0:
        return "it lies below 0, the opposite of the claim"
    if margin < 0:
        return f"it falls short by more than {-margin:.3g}"
    if interval.high < -margin:
        return f"it lies below -{margin:.3g}, the opposite of the claim"
    if interval.high >= margin:
        return (
            f"the equivalence test puts it inside ±{margin:.3g}, too small to matter, p = {p_equivalent:.2g}"
        )
    if interval.low > -margin:
        return f"it lies inside ±{margin:.3g}, too small to matter"
    return f"it lies below the margin {margin:.3g}"


def _why_undecided(interval: Interval, margin: float, skewed: bool, family: int) -> str:
    if interval.low <= margin <= interval.high:
        return f"the interval holds the margin {margin:.3g}"
    side = "above" if interval.low > margin else "below"
    if skewed:
        doubt = "a few seeds lie far off the others, towards the margin"
    elif family > 1:
        doubt = "not after correction for the family"
    else:
        doubt = "the sign-flip test does not agree"
    return f"the interval lies {side} the margin {margin:.3g}, but {doubt}"


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


def _seeds_needed(
    hypothesis: Effects, effect: float, sd: float, alpha: float, family: int, *, at_least: int
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


def _check_plan(hypotheses: Mapping[str, Effects], alpha: float, min_seeds: int) -> None:
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
