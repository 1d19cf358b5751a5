from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import special, stats

from negspace.errors import PlanError
from negspace.statistics import minimum_detectable_effect, seeds_needed


@pytest.mark.parametrize(("effect", "seeds"), [(0.2, 199), (0.5, 34), (0.8, 15)])
def test_seeds_are_those_of_cohens_small_medium_and_large_effect(effect: float, seeds: int) -> None:
    # Two-sided paired t-test, alpha .05, power .80: the figures that G*Power prints.
    assert seeds_needed(effect, 1.0, min_seeds=2) == seeds
    assert minimum_detectable_effect(1.0, seeds) <= effect < minimum_detectable_effect(1.0, seeds - 1)


@pytest.mark.parametrize("seeds", [8, 10, 40])
def test_mde_has_the_asked_power_by_scipys_noncentral_t(seeds: int) -> None:
    mde = minimum_detectable_effect(0.3, seeds, margin=0.05, power=0.9, alpha=0.1, family=2)
    ncp = (mde - 0.05) / (0.3 / math.sqrt(seeds))
    power = stats.nct.sf(stats.t.ppf(1 - 0.1 / 4, seeds - 1), seeds - 1, ncp)
    assert power == pytest.approx(0.9, abs=1e-6)


def test_item_variance_is_not_reduced_by_seeds() -> None:
    # Known item variance, no seed variance: the normal's (z.975 + z.80) x error, at any number of seeds.
    expected = (special.ndtri(0.975) + special.ndtri(0.8)) * 0.02
    for seeds in (10, 1000):
        assert minimum_detectable_effect(0.0, seeds, item_variance=0.02**2) == pytest.approx(expected)
    assert seeds_needed(0.99 * expected, 0.01, item_variance=0.02**2) is None
    assert seeds_needed(1.01 * expected, 0.01, item_variance=0.02**2) is not None


def test_mde_takes_its_units_and_the_margin() -> None:
    one = minimum_detectable_effect(1.0, 12)
    assert minimum_detectable_effect(100.0, 12, margin=7.0) == pytest.approx(7 + 100 * one)


def test_unknown_errors_detect_nothing() -> None:
    assert minimum_detectable_effect(1.0, 10, item_variance=math.inf) == math.inf
    assert math.isnan(minimum_detectable_effect(math.nan, 10))
    assert seeds_needed(1.0, math.nan) is None


def test_no_number_of_seeds_tells_an_effect_from_itself() -> None:
    assert seeds_needed(0.05, 0.1, margin=0.05) is None
    assert seeds_needed(0.0, 0.1, margin=0.0) is None


def test_far_effects_need_no_more_than_the_least_asked() -> None:
    # Far out, scipy's noncentral t gives NaN; the answer must not.
    for effect in (10.0, 1e3, 1e9, -1e9):
        assert seeds_needed(effect, 1.0, margin=0.1, min_seeds=12) == 12


@pytest.mark.parametrize("effect", [0.0, 0.03, -0.04])
def test_seeds_to_refute_an_effect_inside_the_margin_are_enough(effect: float) -> None:
    seeds = seeds_needed(effect, 0.1, margin=0.05)
    assert seeds is not None
    x = np.random.default_rng(0).normal(effect, 0.1, size=(20_000, seeds))
    error = x.std(axis=1, ddof=1) / math.sqrt(seeds)
    below = (0.05 - x.mean(axis=1)) / error
    inside = np.minimum(below, (x.mean(axis=1) + 0.05) / error)
    refuted = (below > stats.t.ppf(0.975, seeds - 1)) | (inside > stats.t.ppf(0.95, seeds - 1))
    assert 0.795 < refuted.mean() < 0.85


@pytest.mark.parametrize(
    "setting", [{"alpha": 0.0}, {"alpha": 0.6}, {"power": 1.0}, {"power": 0.01}, {"family": 0}]
)
def test_settings_out_of_range_are_refused(setting: dict[str, float]) -> None:
    with pytest.raises(PlanError, match="alpha lies in"):
        minimum_detectable_effect(1.0, 10, **setting)  # type: ignore[arg-type]
