"""The statistics tested as an instrument: how often they err where the truth is known.

Each rate is held against its bound and against the table in docs/explanation/evidence.md, so that the page
states what was measured. Simulated rates carry an error of about 0.7 points.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from jaxtyping import config
from scipy import stats

from negspace.records import Measurement, Outcome
from negspace.statistics import (
    Effects,
    difference,
    item_variance_of,
    judge,
    judge_family,
    mean_interval,
    minimum_detectable_effect,
)

PAGE = Path(__file__).resolve().parents[2] / "docs" / "explanation" / "evidence.md"
MARGIN = 0.05
STUDIES = 600


@pytest.fixture(autouse=True)
def _outcomes_only(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Judge at full speed: no advice on seeds, which outcomes do not depend on, and no shape checks.

    Both are five sixths of a verdict's time and stay with the tests of the single functions.
    """
    monkeypatch.setattr("negspace.statistics.verdict.seeds_needed", lambda *_, **__: None)
    before = config.jaxtyping_disable
    config.update("jaxtyping_disable", True)
    yield
    config.update("jaxtyping_disable", before)


def normal(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return rng.normal(0, 0.1, shape)


def two_modes(bad: float) -> Callable[[np.random.Generator, tuple[int, int]], np.ndarray]:
    """Seeds fall into a good or a bad mode, 1 apart, with a tenth of that as noise; mean 0."""

    def sample(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
        return (rng.random(shape) >= bad) - (1 - bad) + rng.normal(0, 0.1, shape)

    return sample


def few_items(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Differences of two accuracies on eight items each: multiples of 1/8 with many ties; mean 0."""
    return (rng.binomial(8, 0.8, shape) - rng.binomial(8, 0.6, shape)) / 8 - 0.2


SAMPLERS = {
    "normal": normal,
    "two modes, 50/50": two_modes(0.5),
    "two modes, 30 % bad": two_modes(0.3),
    "two modes, 30 % good": two_modes(0.7),
    "accuracies on 8 items": few_items,
}


def long_tail(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Most seeds a little above the mean, a few far below it."""
    return 1 - rng.exponential(size=shape)


def measured(study: str, seeds: int, true_effect: float, outcome: Outcome) -> float:
    """Share of studies with this outcome, in percent."""
    rng = np.random.default_rng([seeds, *study.encode(), round(1000 * true_effect)])
    draws = true_effect + (SAMPLERS | {"exponential tail": long_tail})[study](rng, (STUDIES, seeds))
    return 100 * np.mean([judge(d, margin=MARGIN).outcome is outcome for d in draws])


def documented(study: str, seeds: int, what: str) -> float:
    """A figure of the page's tables: the row of this study and these seeds, the column of this name."""
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if line.startswith("|")
    ]
    header: list[str] = []
    for row in cells:
        if row[0] == "study":
            header = row
        elif row[:2] == [study, str(seeds)] and what in header:
            return float(re.sub(r" %$", "", row[header.index(what)]))
    raise AssertionError(f"the page has no '{what}' for '{study}' at {seeds} seeds")


def states(rate: float, study: str, seeds: int, what: str) -> bool:
    return abs(rate - documented(study, seeds, what)) <= 0.6


@pytest.mark.parametrize("seeds", [10, 20])
@pytest.mark.parametrize("study", list(SAMPLERS))
def test_null_studies_come_out_supported_in_at_most_5_percent(study: str, seeds: int) -> None:
    # The least favourable null: the true effect is the margin itself.
    rate = measured(study, seeds, MARGIN, Outcome.SUPPORTED)
    assert rate <= 5
    assert states(rate, study, seeds, "false supported")


@pytest.mark.parametrize("seeds", [10, 20])
def test_effects_as_large_as_the_margin_are_called_too_small_in_at_most_5_percent(seeds: int) -> None:
    # A spread at which ±margin is wide for the equivalence test, and one at which it is narrow.
    for sd in (0.02, 0.1):
        rng = np.random.default_rng([seeds, round(100 * sd)])
        draws = rng.normal(MARGIN, sd, (STUDIES, seeds))
        rate = 100 * np.mean([judge(d, margin=MARGIN).outcome is Outcome.REFUTED for d in draws])
        assert rate <= 5 + 2 * 100 * math.sqrt(0.05 * 0.95 / STUDIES)
        assert states(rate, f"normal, sd {sd / MARGIN:g} × margin", seeds, "false refuted")


def test_effects_of_nothing_are_refuted_where_the_margin_is_wide_enough() -> None:
    draws = np.random.default_rng(1).normal(0, 0.05, (100, 20))
    assert np.mean([judge(d, margin=MARGIN).outcome is Outcome.REFUTED for d in draws]) > 0.95


@pytest.mark.parametrize("seeds", [10, 20, 30])
@pytest.mark.parametrize("bad", [5, 10, 20, 25, 30])
def test_a_rare_bad_mode_deceives_as_often_as_the_page_says(bad: int, seeds: int) -> None:
    # Exact: the outcome depends on the number of bad seeds only, and that is binomial.
    rate = 0.0
    for unlucky in range(seeds + 1):
        modes = np.where(np.arange(seeds) < unlucky, 0.0, 1.0) - (1 - bad / 100)
        differences = MARGIN + modes + 1e-3 * np.linspace(-1, 1, seeds)
        if judge(differences, margin=MARGIN).outcome is Outcome.SUPPORTED:
            rate += 100 * stats.binom.pmf(unlucky, seeds, bad / 100)
    assert rate >= 100 * (1 - bad / 100) ** seeds - 1e-9  # no method sees a mode that no seed showed
    assert states(rate, f"bad mode in {bad} % of seeds", seeds, "false supported")


@pytest.mark.parametrize("seeds", [10, 20])
def test_a_long_tail_of_bad_seeds_errs_as_often_as_the_page_admits(seeds: int) -> None:
    rate = measured("exponential tail", seeds, MARGIN, Outcome.SUPPORTED)
    assert states(rate, "exponential tail", seeds, "false supported")


@pytest.mark.parametrize("seeds", [10, 20])
@pytest.mark.parametrize(
    "study", ["normal", "two modes, 50/50", "two modes, 30 % bad", "accuracies on 8 items"]
)
def test_1_5_times_the_detectable_effect_is_supported_in_at_least_80_percent(study: str, seeds: int) -> None:
    # Harder than 1.5 x the whole: only the part above the margin is multiplied.
    sd = float(SAMPLERS[study](np.random.default_rng(0), (1, 200_000)).std())
    mde = minimum_detectable_effect(sd, seeds, margin=MARGIN)
    draws = SAMPLERS[study](np.random.default_rng(seeds), (250, seeds))
    true = MARGIN + 1.5 * (mde - MARGIN)
    assert 100 * np.mean([judge(true + d, margin=MARGIN).outcome is Outcome.SUPPORTED for d in draws]) >= 80


@pytest.mark.parametrize("seeds", [10, 20])
def test_the_detectable_effect_is_supported_in_80_percent(seeds: int) -> None:
    true = minimum_detectable_effect(0.1, seeds, margin=MARGIN)
    rate = measured("normal", seeds, true, Outcome.SUPPORTED)
    assert rate == pytest.approx(80, abs=4)
    assert states(rate, "normal", seeds, "power at the MDE")


def test_the_detectable_effect_of_a_ten_seed_pilot_can_be_planned_with() -> None:
    # The pilot's spread is itself uncertain; 1.5 x has to cover that.
    rng = np.random.default_rng(3)
    supported = 0
    for _ in range(200):
        pilot = judge(rng.normal(0, 0.1, 10), margin=MARGIN)
        true = MARGIN + 1.5 * (pilot.mde - MARGIN)
        supported += judge(rng.normal(true, 0.1, 10), margin=MARGIN).outcome is Outcome.SUPPORTED
    assert supported / 200 >= 0.8


def crossed_study(rng: np.random.Generator, *, seeds: int, items: int) -> tuple[np.ndarray, float, float]:
    """Gap of accuracy between two test sets, all of whose rows every seed answers.

    Rows differ in difficulty and seeds mostly agree on them, as models do. The true gap is 0.15 - 0.10,
    the margin.
    """
    wrong = np.concatenate([0.10 * np.ones(items), 0.15 * np.ones(items)])
    difficulty = rng.beta(wrong, 1 - wrong)  # concentration 1: most rows are easy or hopeless
    correct = (rng.random((seeds, 2 * items)) >= difficulty).astype(float)

    def accuracy(values: np.ndarray, first: int) -> Measurement:
        mean = float(values.mean())
        return Measurement(mean, (values - mean) / len(values), np.arange(first, first + len(values)))

    gaps = [difference(accuracy(row[:items], 0), accuracy(row[items:], items)) for row in correct]
    return np.array([g.value for g in gaps]), *item_variance_of(gaps)


def test_ignoring_that_test_rows_are_a_sample_breaks_the_rate() -> None:
    rng = np.random.default_rng(5)
    naive = sound = covered = 0
    for _ in range(400):
        gaps, variance, df = crossed_study(rng, seeds=20, items=100)
        naive += judge(gaps, margin=MARGIN).outcome is Outcome.SUPPORTED
        sound += judge(gaps, margin=MARGIN, item_variance=variance, item_df=df).outcome is Outcome.SUPPORTED
        interval = mean_interval(gaps, item_variance=variance, item_df=df)
        covered += interval.low <= MARGIN <= interval.high
    naive_rate, sound_rate = naive / 4, sound / 4
    assert naive_rate > 20
    assert sound_rate <= 5
    assert covered / 400 >= 0.93
    assert states(naive_rate, "seeds × rows, rows ignored", 20, "false supported")
    assert states(sound_rate, "seeds × rows", 20, "false supported")


def test_detectable_effect_with_item_variance_has_its_power() -> None:
    rng = np.random.default_rng(6)
    sd, item_sd, items = 0.05, 0.2, 60
    true = minimum_detectable_effect(sd, 10, item_variance=item_sd**2 / items, item_df=items - 1.0)
    supported = 0
    for _ in range(500):
        rows = rng.normal(0, item_sd, items)
        gaps = true + rows.mean() + rng.normal(0, sd, 10)
        verdict = judge(gaps, margin=0.0, item_variance=float(rows.var(ddof=1)) / items, item_df=items - 1.0)
        supported += verdict.outcome is Outcome.SUPPORTED
    assert supported / 500 == pytest.approx(0.8, abs=0.05)


@pytest.mark.parametrize("shared_error", [0.0, 0.1])
def test_a_family_of_nulls_errs_at_all_in_at_most_5_percent(shared_error: float) -> None:
    # With a shared error (test rows), every sign-flip p is small and only the intervals can hold the rate.
    rng = np.random.default_rng(7)
    erred = alone = 0
    for _ in range(200):
        centres = rng.normal(0, shared_error, 4)
        differences = [rng.normal(c, 0.1, 12) for c in centres]
        family = {str(i): Effects(d, 0.0, item_variance=shared_error**2) for i, d in enumerate(differences)}
        erred += any(v.outcome is Outcome.SUPPORTED for v in judge_family(family).values())
        alone += any(mean_interval(d, item_variance=shared_error**2).low > 0 for d in differences)
    assert erred / 200 <= 0.05
    assert alone / 200 > 0.06  # without Holm the family would err more: the test can fail


def bootstrap_t(x: np.ndarray, rng: np.random.Generator, level: float, resamples: int) -> tuple[float, float]:
    """Bootstrap-t interval of a mean (Efron 1981; Hall 1988), to hold the t interval against.

    A resample of equal values has an infinite t, with the sign of its shift: to drop it would drop exactly
    the resamples that say the spread may be underestimated.
    """
    drawn = (x - x.mean())[rng.integers(0, len(x), size=(resamples, len(x)))]
    shift, error = drawn.mean(axis=1), drawn.std(axis=1, ddof=1) / math.sqrt(len(x))
    rounding = 1e-12 * np.abs(x).max()
    t = np.where(np.abs(shift) > rounding, np.copysign(np.inf, shift), 0.0)
    t[error > rounding] = shift[error > rounding] / error[error > rounding]
    low, high = np.sort(t)[[int(resamples * (1 - level) / 2), int(resamples * (1 + level) / 2)]]
    return float(x.mean() - high * stats.sem(x)), float(x.mean() - low * stats.sem(x))


def test_bootstrap_t_equals_a_plain_loop_over_all_resamples() -> None:
    # With 4 seeds, all 4**4 resamples can be listed; the drawn quantiles must come near theirs.
    x = np.array([0.0, 1.0, 3.0, 7.5])
    resamples = np.array(np.meshgrid(*[x] * 4)).reshape(4, -1)
    t = [
        math.copysign(math.inf, s.mean() - x.mean())
        if np.ptp(s) == 0
        else (s.mean() - x.mean()) / stats.sem(s)
        for s in resamples.T
    ]
    low, high = np.sort(t)[[int(0.1 * 256), int(0.9 * 256)]]
    got = bootstrap_t(x, np.random.default_rng(0), 0.8, 200_000)
    assert got == pytest.approx((x.mean() - high * stats.sem(x), x.mean() - low * stats.sem(x)), abs=1e-9)


DISTRIBUTIONS = {
    "normal": (lambda rng, shape: rng.normal(size=shape), 0.0),
    "exponential": (lambda rng, shape: rng.exponential(size=shape), 1.0),
}


@pytest.mark.parametrize("name", list(DISTRIBUTIONS))
def test_intervals_of_ten_seeds_cover_as_the_page_says(name: str) -> None:
    draw, truth = DISTRIBUTIONS[name]
    rng = np.random.default_rng(8)
    draws = draw(rng, (1000, 10))
    t = [mean_interval(d) for d in draws]
    bootstrap = [bootstrap_t(d, rng, 0.95, 999) for d in draws]
    picks = draws[:, rng.integers(0, 10, size=(999, 10))].mean(axis=2)
    low, high = np.quantile(picks, [0.025, 0.975], axis=1)
    rates = {
        "t": 100 * np.mean([i.low <= truth <= i.high for i in t]),
        "bootstrap-t": 100 * np.mean([low <= truth <= high for low, high in bootstrap]),
        "percentile": 100 * np.mean((low <= truth) & (truth <= high)),
    }
    assert rates["bootstrap-t"] >= 92
    assert rates["percentile"] < rates["bootstrap-t"] - 2
    for method, rate in rates.items():
        assert states(rate, name, 10, method)


@pytest.mark.parametrize("seeds", [10, 20])
def test_what_falls_short_by_the_margin_is_called_no_less_in_at_most_5_percent(seeds: int) -> None:
    rng = np.random.default_rng([seeds, 7])
    draws = rng.normal(-MARGIN, 0.1, (STUDIES, seeds))
    outcomes = [judge(d, margin=MARGIN, no_less=True).outcome for d in draws]
    rate = 100 * np.mean([outcome is Outcome.SUPPORTED for outcome in outcomes])
    assert rate <= 5
    assert np.mean([outcome is Outcome.REFUTED for outcome in outcomes]) <= 0.05
