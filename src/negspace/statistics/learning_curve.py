"""Learning curves: the error as a function of the number of training rows, and back.

All fits are of a batch of curves at once, so that a bootstrap costs about as much as its arithmetic. Nothing
is extrapolated: ``rows`` is 0 where fewer rows than the smallest size fitted would do, and ``inf`` where more
than the largest would be needed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from negspace.errors import PlanError

_SLOWEST, _FASTEST = 0.01, 5.0
_COARSE, _FINE, _ROUNDS = 48, 9, 4


@dataclass(frozen=True, eq=False)
class PowerLaws:
    """Curves of the form ``error(n) = a + b n**-c`` (Hestness et al. 2017, eq. 1, with an offset).

    Attributes:
        sizes: The sizes they were fitted to, ascending.
        asymptote: *a*, the error that no number of rows removes; 0 or above.
        excess: Error above the asymptote at the smallest size, ``b sizes[0]**-c``; 0 (flat) or above.
        exponent: *c*, above 0; without meaning in a flat curve.
    """

    sizes: Int[np.ndarray, " sizes"]
    asymptote: Float[np.ndarray, " curves"]
    excess: Float[np.ndarray, " curves"]
    exponent: Float[np.ndarray, " curves"]

    def errors(self, sizes: Int[np.ndarray, " at"]) -> Float[np.ndarray, "curves at"]:
        """The fitted error of each curve at each size."""
        ratio = sizes / self.sizes[0]
        errors: np.ndarray = self.asymptote[:, None] + self.excess[:, None] * ratio ** -self.exponent[:, None]
        return errors

    def rows(self, errors: Float[np.ndarray, " curves"]) -> Float[np.ndarray, " curves"]:
        """The fewest rows at which each curve's error is down to the given one; 0 or inf if it is flat."""
        above = errors - self.asymptote
        reached = (above > 0) & (self.excess > 0)
        # In logarithms: the quotient to the power 1 / c overflows for a slow curve.
        log_ratio = np.full(len(above), np.inf)
        log_ratio[reached] = np.log(self.excess[reached] / above[reached]) / self.exponent[reached]
        log_ratio[(self.excess <= 0) & (above >= 0)] = -np.inf
        smallest, largest = float(self.sizes[0]), float(self.sizes[-1])
        within = smallest * np.exp(np.clip(log_ratio, 0.0, np.log(largest / smallest)))
        beyond = log_ratio > np.log(largest / smallest) + 1e-12
        return np.where(beyond, np.inf, np.where(log_ratio < -1e-12, 0.0, within))

    def parameters(self, curve: int = 0) -> tuple[float, float, float]:
        """``(a, b, c)`` of one curve, with *n* counted in rows."""
        c = float(self.exponent[curve])
        return float(self.asymptote[curve]), float(self.excess[curve]) * float(self.sizes[0]) ** c, c


@dataclass(frozen=True, eq=False)
class IsotonicCurves:
    """Curves that only must not rise, linear in ``log n`` between the sizes.

    Attributes:
        sizes: The sizes they were fitted to, ascending.
        levels: Fitted error at each size, not increasing.
    """

    sizes: Int[np.ndarray, " sizes"]
    levels: Float[np.ndarray, "curves sizes"]

    def errors(self, sizes: Int[np.ndarray, " at"]) -> Float[np.ndarray, "curves at"]:
        """The fitted error of each curve at each size, constant outside the sizes fitted."""
        log_sizes, at = np.log(self.sizes), np.log(sizes)
        return np.stack([np.interp(at, log_sizes, level) for level in self.levels])

    def rows(self, errors: Float[np.ndarray, " curves"]) -> Float[np.ndarray, " curves"]:
        """The fewest rows at which each curve's error is down to the given one, a flat stretch's first."""
        reached = self.levels <= errors[:, None]
        first = np.argmax(reached, axis=1)
        curve, before = np.arange(len(first)), np.maximum(first - 1, 0)
        high, low = self.levels[curve, before], self.levels[curve, first]
        drop = high - low
        share = np.divide(high - errors, drop, out=np.zeros_like(drop), where=drop > 0)
        log_sizes = np.log(self.sizes)
        rows = np.exp(log_sizes[before] + share * (log_sizes[first] - log_sizes[before]))
        rows = np.where((first == 0) & (errors > self.levels[:, 0]), 0.0, rows)
        return np.where(reached.any(axis=1), rows, np.inf)


def fit_power_laws(
    sizes: Int[np.ndarray, " sizes"],
    errors: Float[np.ndarray, "curves sizes"],
    weights: Float[np.ndarray, " sizes"],
) -> PowerLaws:
    """Fit ``a + b n**-c`` to each curve by weighted least squares, with a, b >= 0 and 0.01 <= c <= 5.

    For a given *c* the law is linear in *a* and *b*, whose bounded least squares has a closed form; *c* is
    found by a grid of logarithmic steps, refined about its best point until a step is 1 part in 10,000
    (variable projection: Golub and Pereyra 1973). No start values, no failures to converge.

    Args:
        sizes: Training rows, ascending, at least three.
        errors: Observed error of each curve at each size.
        weights: Weight of each size; the inverse of the variance of its error is best.

    Raises:
        PlanError: If the sizes are not ascending and positive, or fewer than three.
    """
    _check_sizes(sizes, at_least=3)
    grid = np.linspace(np.log(_SLOWEST), np.log(_FASTEST), _COARSE)
    step = float(grid[1] - grid[0])
    candidates = np.broadcast_to(grid, (len(errors), _COARSE))
    best = np.empty(0)
    for _ in range(1 + _ROUNDS):
        loss = _bounded_lines(sizes, errors, weights, candidates)[2]
        best = np.take_along_axis(candidates, loss.argmin(axis=1)[:, None], axis=1)[:, 0]
        candidates = np.clip(best[:, None] + np.linspace(-step, step, _FINE), grid[0], grid[-1])
        step /= (_FINE - 1) / 2
    asymptote, excess, _ = _bounded_lines(sizes, errors, weights, best[:, None])
    return PowerLaws(sizes, asymptote[:, 0], excess[:, 0], np.exp(best))


def fit_isotonic(
    sizes: Int[np.ndarray, " sizes"],
    errors: Float[np.ndarray, "curves sizes"],
    weights: Float[np.ndarray, " sizes"],
) -> IsotonicCurves:
    """Fit to each curve the nearest one that does not rise, by weighted least squares.

    By the min-max formula (Barlow et al. 1972, theorem 1.4), with ``Av(s, t)`` the weighted mean of the
    errors from size *s* to size *t*: the fit at *i* is ``min over s <= i of max over t >= i of Av(s, t)``.
    It is quadratic in the number of sizes, of which there are few, and needs no loop over curves.

    Args:
        sizes: Training rows, ascending.
        errors: Observed error of each curve at each size.
        weights: Weight of each size.

    Raises:
        PlanError: If the sizes are not ascending and positive.
    """
    _check_sizes(sizes, at_least=1)
    total = np.concatenate([[0.0], np.cumsum(weights)])
    summed = np.cumsum(np.pad(weights * errors, ((0, 0), (1, 0))), axis=1)
    levels = np.empty_like(errors)
    for i in range(len(sizes)):
        spans = summed[:, None, i + 1 :] - summed[:, : i + 1, None]
        means = spans / (total[None, i + 1 :] - total[: i + 1, None])
        levels[:, i] = means.max(axis=2).min(axis=1)
    # Pooled levels are sums taken in another order: equal on paper, not in the last bit.
    return IsotonicCurves(sizes, np.minimum.accumulate(levels, axis=1))


def _bounded_lines(
    sizes: Int[np.ndarray, " sizes"],
    errors: Float[np.ndarray, "curves sizes"],
    weights: Float[np.ndarray, " sizes"],
    log_exponents: Float[np.ndarray, "curves candidates"],
) -> tuple[
    Float[np.ndarray, "curves candidates"],
    Float[np.ndarray, "curves candidates"],
    Float[np.ndarray, "curves candidates"],
]:
    """Least squares of ``y = a + b x`` with a, b >= 0 at each candidate exponent: a, b and the loss.

    The problem is convex: if the free optimum is outside, the bounded one lies on the edge a = 0 or b = 0.
    """
    w = weights / weights.sum()
    y_mean, y_square = (errors @ w)[:, None], (errors**2 @ w)[:, None]
    x = np.exp(-np.exp(log_exponents)[:, :, None] * np.log(sizes / sizes[0]))
    x_mean = x @ w
    xx = np.einsum("cgs,cgs,s->cg", x, x, w)
    xy = np.matmul(x, (errors * w)[:, :, None])[:, :, 0]
    sxy = xy - x_mean * y_mean
    slope = sxy / (xx - x_mean**2)
    intercept = y_mean - slope * x_mean
    through, flat = np.maximum(xy / xx, 0.0), np.maximum(y_mean, 0.0)
    free = (slope >= 0) & (intercept >= 0)
    # The loss of the least squares line, of the one through the origin, and of a constant.
    loss_through = y_square - 2 * through * xy + through**2 * xx
    loss_flat = y_square - 2 * flat * y_mean + flat**2
    on_zero = loss_through < loss_flat
    a = np.where(free, intercept, np.where(on_zero, 0.0, flat))
    b = np.where(free, slope, np.where(on_zero, through, 0.0))
    loss = np.where(free, y_square - y_mean**2 - slope * sxy, np.minimum(loss_through, loss_flat))
    return a, b, loss


def _check_sizes(sizes: Int[np.ndarray, " sizes"], *, at_least: int) -> None:
    if len(sizes) < at_least or sizes[0] < 1 or (np.diff(sizes) <= 0).any():
        raise PlanError(
            f"a learning curve takes at least {at_least} sizes, ascending from 1 or more",
            got=str(sizes.tolist()),
        )
