from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from negspace.errors import PlanError
from negspace.records import Outcome
from negspace.statistics import (
    LARGE_FAMILY,
    SEEDS_OF_LARGE_FAMILY,
    Effects,
    judge,
    judge_family,
    minimum_detectable_effect,
    one_sided_level,
    unseen_failure,
)


def standardised(mean: float, sd: float, seeds: int, rng_seed: int = 0) -> np.ndarray:
    """Differences with exactly this mean and standard deviation."""
    x = np.random.default_rng(rng_seed).normal(size=seeds)
    return mean + sd * (x - x.mean()) / x.std(ddof=1)


def test_supported_names_its_numbers() -> None:
    verdict = judge(standardised(0.323, 0.09, 20), margin=0.05, what="the near-miss gap")
    half = stats.t.ppf(0.975, 19) * 0.09 / math.sqrt(20)
    assert verdict.outcome is Outcome.SUPPORTED
    assert verdict.reason == (
        f"the near-miss gap is 0.323, 95 % CI [{0.323 - half:.3g}, {0.323 + half:.3g}]: it lies above the "
        "margin 0.05 (20 seeds, p < 1e-06); a failure of up to 14 % of seeds could be unseen in 20"
    )
    x = standardised(0.323, 0.09, 20)
    assert verdict.p_value == pytest.approx(stats.ttest_1samp(x, 0.05, alternative="greater").pvalue)
    assert verdict.p_adjusted == verdict.p_value
    assert verdict.effect == pytest.approx(0.323)
    assert verdict.mde == pytest.approx(minimum_detectable_effect(0.09, 20, margin=0.05))
    assert verdict.seeds_needed is None


@pytest.mark.parametrize(
    ("mean", "margin", "outcome", "words"),
    [
        (0.30, 0.05, Outcome.SUPPORTED, "above the margin 0.05"),
        (0.10, 0.00, Outcome.SUPPORTED, "above the margin 0"),
        (0.00, 0.05, Outcome.REFUTED, "inside ±0.05, too small"),
        (-0.05, 0.05, Outcome.REFUTED, "below the margin 0.05"),
        (-0.30, 0.05, Outcome.REFUTED, "below -0.05, the opposite"),
        (-0.10, 0.00, Outcome.REFUTED, "below 0, the opposite"),
        (0.06, 0.05, Outcome.INCONCLUSIVE, "holds the margin 0.05"),
        (0.00, 0.00, Outcome.INCONCLUSIVE, "holds the margin 0"),
    ],
)
def test_where_the_interval_lies_decides(mean: float, margin: float, outcome: Outcome, words: str) -> None:
    verdict = judge(standardised(mean, 0.05, 20), margin=margin)  # half a width of 0.0234
    assert verdict.outcome is outcome
    assert words in verdict.reason


def test_the_equivalence_test_refutes_what_the_interval_alone_would_not() -> None:
    # 95 % reaches 0.0502, 90 % only 0.0452.
    verdict = judge(standardised(0.02, 0.0645, 20), margin=0.05)
    assert verdict.interval.high > 0.05
    assert verdict.outcome is Outcome.REFUTED
    assert "equivalence test puts it inside ±0.05" in verdict.reason


def test_a_seed_far_off_towards_the_margin_keeps_the_verdict_open() -> None:
    # Nine seeds of ten work. Had the tenth not been drawn, none would show the mode in which they do not.
    x = np.append(np.linspace(0.55, 0.65, 9), 0.0)
    half = stats.t.ppf(0.975, 9) * stats.sem(x)
    assert x.mean() - half > 0.35
    verdict = judge(x, margin=0.35)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.interval.low < 0.35
    assert "holds the margin" in verdict.reason
    assert judge(x, margin=0.0).outcome is Outcome.SUPPORTED
    assert judge(2 * x.mean() - x, margin=0.35).outcome is Outcome.SUPPORTED  # off to the other side
    assert judge(-x, margin=0.0).outcome is Outcome.REFUTED


def test_refutation_by_equivalence_is_the_tost_of_seeds_that_agree() -> None:
    x = standardised(0.02, 0.0645, 20)
    above = stats.ttest_1samp(x, -0.05, alternative="greater").pvalue
    below = stats.ttest_1samp(x, 0.05, alternative="less").pvalue
    assert f"too small to matter (20 seeds, p = {max(above, below):.2g})" in judge(x, margin=0.05).reason


def test_inconclusive_says_what_it_would_take() -> None:
    verdict = judge(standardised(0.10, 0.2, 10), margin=0.0)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.seeds_needed == 34  # Cohen's medium effect
    assert "about 34 seeds" in verdict.reason
    assert f"{verdict.mde:.3g}" in verdict.reason


def test_where_test_rows_are_too_few_no_number_of_seeds_is_promised() -> None:
    verdict = judge(standardised(0.10, 0.01, 10), margin=0.0, item_variance=0.06**2, item_df=80.0)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.seeds_needed is None
    assert "more test rows" in verdict.reason


def test_fewer_seeds_than_a_verdict_takes() -> None:
    verdict = judge(standardised(0.9, 0.01, 3), margin=0.05)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "run 7 more" in verdict.reason
    assert verdict.seeds_needed == 10
    assert math.isnan(verdict.p_value)
    assert judge(standardised(0.9, 0.01, 5), margin=0.05, min_seeds=5).outcome is Outcome.SUPPORTED
    for seeds in (0, 1):
        assert judge(np.ones(seeds), margin=0.05).seeds_needed == 10


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_an_undefined_seed_is_counted_not_dropped(bad: float) -> None:
    x = np.append(standardised(0.9, 0.01, 20), [bad, bad])
    verdict = judge(x, margin=0.05)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "at 2 of 22 seeds" in verdict.reason
    assert math.isnan(verdict.effect)
    assert math.isnan(verdict.interval.low)


def test_equal_differences_are_no_evidence_even_with_rounding() -> None:
    for x in (np.full(12, 0.3), np.array([0.1 + 0.2, 0.3] * 6), np.zeros(12)):
        verdict = judge(x, margin=0.0)
        assert verdict.outcome is Outcome.INCONCLUSIVE
        assert "width of zero" in verdict.reason


def test_equal_differences_count_where_the_test_rows_carry_an_error() -> None:
    x = np.full(12, 0.3)
    assert judge(x, margin=0.0, item_variance=0.1**2, item_df=99.0).outcome is Outcome.SUPPORTED
    assert judge(x, margin=0.0, item_variance=0.2**2, item_df=99.0).outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize("variance", [math.nan, math.inf])
def test_an_unknown_item_variance_is_inconclusive(variance: float) -> None:
    verdict = judge(standardised(0.9, 0.01, 20), margin=0.05, item_variance=variance, item_df=0.0)
    assert verdict.outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize("margin", [-0.01, math.nan, math.inf])
def test_a_margin_that_cannot_be_judged_is_refused(margin: float) -> None:
    with pytest.raises(PlanError, match="margin of the gap"):
        judge(np.ones(10), margin=margin, what="the gap")


@pytest.mark.parametrize("setting", [{"alpha": 0.0}, {"alpha": 0.5}, {"min_seeds": 1}])
def test_settings_out_of_range_are_refused(setting: dict[str, float]) -> None:
    with pytest.raises(PlanError):
        judge(np.ones(10), margin=0.0, **setting)  # type: ignore[arg-type]


def test_a_family_of_one_is_a_single_verdict() -> None:
    x = standardised(0.05, 0.06, 12)
    assert judge_family({"a": Effects(x, 0.0)})["a"] == judge(x, margin=0.0)


def test_a_family_asks_more_of_each_and_keeps_its_order() -> None:
    weak, strong = standardised(0.045, 0.06, 12), standardised(0.5, 0.06, 12)
    assert judge(weak, margin=0.0).outcome is Outcome.SUPPORTED
    null = Effects(standardised(0.0, 0.06, 12, rng_seed=1), 0.0)
    verdicts = judge_family({"z": Effects(weak, 0.0), "s": Effects(strong, 0.0), "n": null, "m": null})
    assert list(verdicts) == ["z", "s", "n", "m"]
    assert verdicts["s"].outcome is Outcome.SUPPORTED
    assert verdicts["s"].p_value == judge(strong, margin=0.0).p_value
    assert verdicts["s"].p_adjusted == pytest.approx(4 * verdicts["s"].p_value)
    assert "after Holm over 4 hypotheses" in verdicts["s"].reason
    assert verdicts["z"].outcome is Outcome.INCONCLUSIVE
    assert "above the margin 0, but not after correction" in verdicts["z"].reason
    assert verdicts["z"].mde > judge(weak, margin=0.0).mde


def test_an_error_shared_by_all_seeds_is_corrected_for_in_a_family() -> None:
    h = Effects(standardised(0.2, 1e-4, 20), 0.0, item_variance=0.1**2, item_df=500.0)
    assert judge(h.differences, margin=0.0, item_variance=0.01, item_df=500.0).outcome is Outcome.SUPPORTED
    family = judge_family({str(i): h for i in range(4)})
    assert {v.outcome for v in family.values()} == {Outcome.INCONCLUSIVE}


def test_a_hypothesis_without_an_answer_still_counts_in_its_family() -> None:
    x, lost = standardised(0.5, 0.06, 12), np.full(12, math.nan)
    verdicts = judge_family({"x": Effects(x, 0.0), "lost": Effects(lost, 0.0, what="recall")})
    assert verdicts["x"].p_adjusted == pytest.approx(2 * verdicts["x"].p_value)
    assert verdicts["lost"].outcome is Outcome.INCONCLUSIVE
    assert verdicts["lost"].reason.startswith("recall: it is undefined")


def test_an_empty_family_is_refused() -> None:
    with pytest.raises(PlanError, match="no hypothesis"):
        judge_family({})


def test_units_do_not_matter() -> None:
    x = standardised(0.06, 0.05, 14)
    for scale in (1e-9, 1e6):
        scaled = judge(x * scale, margin=0.05 * scale, item_variance=(0.01 * scale) ** 2, item_df=40.0)
        plain = judge(x, margin=0.05, item_variance=0.01**2, item_df=40.0)
        assert scaled.outcome is plain.outcome
        assert scaled.seeds_needed == plain.seeds_needed
        assert scaled.mde == pytest.approx(plain.mde * scale)


def test_a_one_sided_level_does_not_refute_without_a_margin() -> None:
    # t = -1.9 with 20 seeds: between the 5 % and the 2.5 % point.
    x = standardised(-1.9 * 0.05 / math.sqrt(20), 0.05, 20)
    assert judge(x, margin=0.0).outcome is Outcome.INCONCLUSIVE


def test_equivalence_asks_for_both_ends_of_the_margin() -> None:
    # 1.9 errors below +margin would do, 1.43 above -margin do not.
    x = standardised(-0.007, 0.03 * math.sqrt(20), 20)
    assert judge(x, margin=0.05).outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(
    ("mean", "margin", "outcome", "words"),
    [
        (0.30, 0.05, Outcome.SUPPORTED, "does not fall short by 0.05"),
        (0.00, 0.05, Outcome.SUPPORTED, "does not fall short by 0.05"),
        (-0.02, 0.05, Outcome.SUPPORTED, "does not fall short by 0.05"),
        (-0.05, 0.05, Outcome.INCONCLUSIVE, "holds the margin -0.05"),
        (-0.10, 0.05, Outcome.REFUTED, "falls short by more than 0.05"),
        (0.00, 0.00, Outcome.INCONCLUSIVE, "holds the margin 0"),
        (-0.10, 0.00, Outcome.REFUTED, "below 0, the opposite"),
    ],
)
def test_no_less_is_judged_against_the_margin_below_zero(
    mean: float, margin: float, outcome: Outcome, words: str
) -> None:
    verdict = judge(standardised(mean, 0.05, 20), margin=margin, no_less=True)  # half a width of 0.0234
    assert verdict.outcome is outcome
    assert words in verdict.reason
    assert verdict.margin == margin


def test_no_less_by_a_margin_is_more_than_nothing_of_effects_shifted_by_it() -> None:
    values = standardised(-0.03, 0.05, 20)
    shifted = judge(values + 0.05, margin=0.0)
    no_less = judge(values, margin=0.05, no_less=True)
    assert no_less.outcome is shifted.outcome
    assert no_less.p_value == pytest.approx(shifted.p_value)
    assert no_less.mde == pytest.approx(shifted.mde - 0.05)


def test_the_kth_look_is_judged_interval_included_at_its_share_of_alpha() -> None:
    x = standardised(0.05, 0.07, 20)  # t = 3.19, p = .0024
    for look, level in ((1, 0.025), (2, 0.05 / 6), (3, 0.05 / 12), (5, 0.05 / 30)):
        verdict = judge(x, margin=0.0, look=look)
        assert verdict.look == look
        assert verdict.interval.level == pytest.approx(1 - 2 * level)
        half = stats.t.ppf(1 - level, 19) * 0.07 / math.sqrt(20)
        assert verdict.interval.low == pytest.approx(0.05 - half)
        assert (verdict.outcome is Outcome.SUPPORTED) == (level >= 0.0024)
    assert "third look at these test rows" in judge(x, margin=0.0, look=3).reason
    assert "look" not in judge(x, margin=0.0).reason
    assert sum(one_sided_level(0.05, look) for look in range(1, 10_000)) == pytest.approx(0.05, rel=1e-3)
    with pytest.raises(PlanError, match="counted from 1"):
        judge(x, margin=0.0, look=0)


def test_large_families_take_twenty_seeds() -> None:
    few, enough = standardised(0.5, 0.01, 19), standardised(0.5, 0.01, 20)
    names = [str(i) for i in range(LARGE_FAMILY + 1)]
    verdicts = judge_family({name: Effects(few, 0.0) for name in names})
    assert {v.outcome for v in verdicts.values()} == {Outcome.INCONCLUSIVE}
    assert "a family of 5 hypotheses takes 20 seeds and there are 19: run 1 more" in verdicts["0"].reason
    assert verdicts["0"].seeds_needed == SEEDS_OF_LARGE_FAMILY
    for family in ({n: Effects(enough, 0.0) for n in names}, {n: Effects(few, 0.0) for n in names[1:]}):
        assert {v.outcome for v in judge_family(family).values()} == {Outcome.SUPPORTED}


@pytest.mark.parametrize(("seeds", "percent"), [(10, 26), (20, 14), (30, 10)])
def test_what_no_seed_showed_is_printed_as_a_number(seeds: int, percent: int) -> None:
    # (1 - share) ** seeds = .05
    assert 0.95**0 - (1 - unseen_failure(seeds)) ** seeds == pytest.approx(0.95)
    assert (
        f"a failure of up to {percent} % of seeds" in judge(standardised(0.5, 0.1, seeds), margin=0.0).reason
    )


def test_neither_interval_nor_detectable_effect_goes_beyond_what_effects_can_be() -> None:
    x = standardised(0.3, 0.05, 20)
    open_ended, bounded = (
        judge_family({"x": Effects(x, 0.05, 0.2**2, 0.5, bounds=bounds)})["x"]
        for bounds in ((-math.inf, math.inf), (-1.0, 1.0))
    )
    assert (open_ended.interval.low < -1, open_ended.interval.high > 1) == (True, True)
    assert (bounded.interval.low, bounded.interval.high) == (-1.0, 1.0)
    assert bounded.p_value == open_ended.p_value
    assert bounded.mde == math.inf
    assert "no effect would come out supported" in bounded.reason
