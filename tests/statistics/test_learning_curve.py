from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import optimize
from sklearn.isotonic import IsotonicRegression

from negspace.errors import PlanError
from negspace.statistics import IsotonicCurves, PowerLaws, fit_isotonic, fit_power_laws

SIZES = np.array([50, 100, 200, 400, 800, 1600, 3200])


def law(a: float, b: float, c: float) -> np.ndarray:
    return a + b * SIZES**-c


def noisy(curves: int, sd: float = 0.02) -> np.ndarray:
    rng = np.random.default_rng(0)
    return law(0.1, 1.5, 0.4) + rng.normal(0, sd, (curves, len(SIZES)))


@pytest.mark.parametrize(
    ("a", "b", "c"), [(0.1, 1.5, 0.4), (0.0, 2.0, 0.3), (0.2, 9.0, 1.0), (0.05, 0.6, 0.08), (0.1, 400.0, 2.5)]
)
def test_a_law_without_noise_is_found(a: float, b: float, c: float) -> None:
    fit = fit_power_laws(SIZES, law(a, b, c)[None], np.ones(7))
    assert fit.parameters() == pytest.approx((a, b, c), rel=2e-2, abs=2e-3)
    np.testing.assert_allclose(fit.errors(SIZES)[0], law(a, b, c), atol=1e-5)


def test_the_fit_is_as_good_as_a_general_optimisers() -> None:
    errors = noisy(20)
    weights = np.random.default_rng(1).uniform(0.5, 2, 7)
    fit = fit_power_laws(SIZES, errors, weights)
    assert fit.asymptote.min() >= 0
    assert fit.excess.min() >= 0
    ours = (fit.errors(SIZES) - errors) ** 2 @ weights

    def residuals(p: np.ndarray, observed: np.ndarray) -> np.ndarray:
        return np.sqrt(weights) * (p[0] + p[1] * (SIZES / 50.0) ** -p[2] - observed)

    for observed, loss in zip(errors, ours, strict=True):
        bounds = ([0, 0, 0.01], [1, 1, 5])
        found = [
            2 * optimize.least_squares(residuals, [0.1, 0.3, c], bounds=bounds, args=(observed,)).cost
            for c in (0.1, 0.4, 1.5)
        ]
        assert loss <= min(found) * (1 + 1e-4)


def test_an_error_that_grows_is_fitted_flat() -> None:
    rising = np.linspace(0.3, 0.5, 7)[None]
    fit = fit_power_laws(SIZES, rising, np.ones(7))
    np.testing.assert_allclose(fit.errors(SIZES), 0.4)
    assert fit.rows(np.array([0.39])).tolist() == [math.inf]
    assert fit.rows(np.array([0.41])).tolist() == [0.0]


def test_isotonic_fit_is_scikit_learns() -> None:
    errors = noisy(30, sd=0.1)
    weights = np.random.default_rng(2).uniform(0.2, 3, 7)
    fit = fit_isotonic(SIZES, errors, weights)
    for observed, levels in zip(errors, fit.levels, strict=True):
        reference = IsotonicRegression(increasing=False).fit(SIZES, observed, weights).predict(SIZES)
        np.testing.assert_allclose(levels, reference, atol=1e-12)


@pytest.mark.parametrize("fit", [fit_power_laws, fit_isotonic])
def test_reading_backwards_inverts_reading_forwards(fit: object) -> None:
    assert callable(fit)
    curves = fit(SIZES, noisy(25, sd=0.005), np.ones(7))
    for n in (60, 130, 500, 1111, 3000):
        errors = curves.errors(np.array([n]))[:, 0]
        rows = curves.rows(errors)
        np.testing.assert_allclose(curves.errors(np.array([n]))[:, 0], errors)
        # On a flat stretch the fewest rows that reach the error, which may be less than n.
        strict = curves.errors(np.array([n - 1]))[:, 0] > errors + 1e-9
        assert strict.any()
        np.testing.assert_allclose(rows[strict], n, rtol=1e-6)
        assert (rows <= n * (1 + 1e-6)).all()


@pytest.mark.parametrize("fit", [fit_power_laws, fit_isotonic])
def test_fewer_errors_take_more_rows(fit: object) -> None:
    assert callable(fit)
    curves = fit(SIZES, np.repeat(noisy(1), 200, axis=0), np.ones(7))
    rows = curves.rows(np.linspace(0.6, 0.1, 200))
    assert rows[0] == 0
    assert rows[-1] == math.inf
    assert (rows[1:] >= rows[:-1]).all()
    inside = rows[(rows > 0) & np.isfinite(rows)]
    assert inside.min() >= 50
    assert inside.max() <= 3200


@pytest.mark.parametrize("fit", [fit_power_laws, fit_isotonic])
def test_curves_of_a_batch_do_not_touch_each_other(fit: object) -> None:
    assert callable(fit)
    errors = noisy(6)
    together = fit(SIZES, errors, np.ones(7)).errors(SIZES)
    for i, row in enumerate(errors):
        np.testing.assert_allclose(fit(SIZES, row[None], np.ones(7)).errors(SIZES)[0], together[i], rtol=1e-9)


def test_isotonic_reads_linearly_in_the_logarithm_of_rows() -> None:
    curves = IsotonicCurves(np.array([100, 400, 1600]), np.array([[0.5, 0.3, 0.3]]))
    assert curves.rows(np.array([0.4])) == pytest.approx([200])
    assert curves.rows(np.array([0.5])) == pytest.approx([100])
    assert curves.rows(np.array([0.3])) == pytest.approx([400])
    assert curves.rows(np.array([0.51])).tolist() == [0.0]
    assert curves.rows(np.array([0.29])).tolist() == [math.inf]


def test_power_law_reads_backwards_by_its_formula() -> None:
    curves = PowerLaws(SIZES, np.array([0.1]), np.array([0.4]), np.array([0.5]))
    # 0.1 + 0.4 (n / 50)**-0.5 is 0.3 at n = 50 * 4, and 0.1 never.
    assert curves.rows(np.array([0.3])) == pytest.approx([200])
    assert curves.rows(np.array([0.5])) == pytest.approx([50])
    assert curves.rows(np.array([0.15])) == pytest.approx([3200])
    assert curves.rows(np.array([0.149])).tolist() == [math.inf]
    assert curves.rows(np.array([0.1])).tolist() == [math.inf]
    assert curves.rows(np.array([0.501])).tolist() == [0.0]
    assert curves.parameters() == pytest.approx((0.1, 0.4 * math.sqrt(50), 0.5))


@pytest.mark.parametrize("sizes", [[100, 50, 200, 400], [0, 50, 100, 200], [50, 50, 100, 200]])
@pytest.mark.parametrize("fit", [fit_power_laws, fit_isotonic])
def test_sizes_out_of_order_are_refused(fit: object, sizes: list[int]) -> None:
    assert callable(fit)
    with pytest.raises(PlanError, match="ascending"):
        fit(np.array(sizes), np.full((1, 4), 0.3), np.ones(4))
