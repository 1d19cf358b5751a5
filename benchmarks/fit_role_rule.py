"""Sets the rule of roles: thresholds and slopes by maximum likelihood, on families whose roles are known."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64, Int
from scipy.optimize import minimize

from negspace.probes import CONDITIONS, Condition, RoleQuantities, RoleRule

__all__ = ["fit_rule"]

_PENALTY = 1e-4  # on squared slopes, in units of the spread: keeps curves soft where families part completely


def fit_rule(found: RoleQuantities, roles: Int[np.ndarray, " fragments"], sure: float = 0.0) -> RoleRule:
    """Set thresholds and slopes by maximum likelihood, each role weighted alike.

    Args:
        found: Quantities of fragments whose role is known.
        roles: 0 structure, 1 fact, 2 noise.
        sure: Goes into the rule as it is.
    """
    values = {name: getattr(found, name) for name in CONDITIONS}
    centre = {name: _between(values[name], roles, name) for name in CONDITIONS}
    spread = {name: float(np.nanstd(values[name])) or 1.0 for name in CONDITIONS}
    weight = 1.0 / np.bincount(roles, minlength=3)[roles]
    weight /= weight.sum()

    def rule(free: Float64[np.ndarray, " free"]) -> RoleRule:
        thresholds, slopes = free[:4], np.exp(free[4:])
        parts = {
            name: Condition(
                float(centre[name] + thresholds[i] * spread[name]),
                float(CONDITIONS[name] * spread[name] / slopes[i]),
            )
            for i, name in enumerate(CONDITIONS)
        }
        return RoleRule(**parts, sure=sure)

    def cost(free: Float64[np.ndarray, " free"]) -> float:
        chosen = rule(free).probabilities(found)[np.arange(len(roles)), roles]
        return float(
            -(weight * np.log(np.maximum(chosen, 1e-12))).sum() + _PENALTY * np.exp(2 * free[4:]).sum()
        )

    start = np.concatenate([np.zeros(4), np.full(4, np.log(3.0))])
    return rule(minimize(cost, start, method="L-BFGS-B", bounds=[(-3, 3)] * 4 + [(-2, 4)] * 4).x)


def _between(
    values: Float64[np.ndarray, " fragments"], roles: Int[np.ndarray, " fragments"], name: str
) -> float:
    """Half way between the roles that a condition parts."""
    inside = roles == (0 if name == "surprise" else 1)
    return float(np.nanmedian(values[inside]) + np.nanmedian(values[~inside])) / 2
