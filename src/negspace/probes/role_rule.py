"""The rule that tells structure, fact and noise apart, and how it is set.

Four conditions, each soft: a logistic curve in one quantity, with a threshold and a slope.

- *structure*: ``surprise`` is low;
- *fact*: it is not, and reading the context still helps (``explained``), seeing the fragment gains most of
  the loss (``memorised``), and its mates, where there are any, say the same (``confirmed``);
- *noise*: it is not, and one of the three fails.

So P(structure) = s, P(fact) = (1 − s) e m c, P(noise) = (1 − s) (1 − e m c). Each curve runs one way only,
whatever the families it was set on; that is what a free-form classifier on the same numbers does not promise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from jaxtyping import Float64, Int
from scipy.optimize import minimize
from scipy.special import expit

from negspace.probes.role_quantities import RoleQuantities

__all__ = ["CONDITIONS", "Condition", "RoleRule", "fit_rule"]

CONDITIONS: Mapping[str, int] = MappingProxyType(
    {"surprise": -1, "explained": 1, "memorised": 1, "confirmed": 1}
)
"""The quantities that decide, and the way each runs: -1 where low values fulfil the condition."""

_PENALTY = 1e-4  # on squared slopes, in units of the spread: keeps curves soft where families part completely


@dataclass(frozen=True)
class Condition:
    """A quantity against its threshold.

    Attributes:
        at: Value at which it is as much fulfilled as not.
        scale: Distance from it over which the odds change by e; its sign is that of the way it runs.
    """

    at: float
    scale: float

    def met(self, values: Float64[np.ndarray, " fragments"]) -> Float64[np.ndarray, " fragments"]:
        """How far it is fulfilled, in [0, 1]; 1 where undefined, as then nothing speaks against it."""
        met: Float64[np.ndarray, " fragments"] = np.where(
            np.isnan(values), 1.0, expit((values - self.at) / self.scale)
        )
        return met


@dataclass(frozen=True)
class RoleRule:
    """The four conditions, and how sure is sure.

    Attributes:
        surprise: Of structure.
        explained: Of a fact.
        memorised: Of a fact.
        confirmed: Of a fact.
        sure: Least probability of the likeliest role; below it a fragment is left ``unsure``.
    """

    surprise: Condition
    explained: Condition
    memorised: Condition
    confirmed: Condition
    sure: float

    def probabilities(self, measures: RoleQuantities) -> Float64[np.ndarray, "fragments roles"]:
        """Of structure, fact and noise."""
        met = {name: getattr(self, name).met(getattr(measures, name)) for name in CONDITIONS}
        # Without a scored token nothing is known; even odds leave it unsure.
        ruled = np.where(np.isnan(measures.surprise), 1 / 3, met["surprise"])
        stated = np.where(
            np.isnan(measures.surprise), 0.5, met["explained"] * met["memorised"] * met["confirmed"]
        )
        return np.stack([ruled, (1 - ruled) * stated, (1 - ruled) * (1 - stated)], axis=1)


def fit_rule(measures: RoleQuantities, roles: Int[np.ndarray, " fragments"], sure: float = 0.0) -> RoleRule:
    """Set thresholds and slopes by maximum likelihood, each role weighted alike.

    Args:
        measures: Of fragments whose role is known.
        roles: 0 structure, 1 fact, 2 noise.
        sure: Goes into the rule as it is.
    """
    values = {name: getattr(measures, name) for name in CONDITIONS}
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
        chosen = rule(free).probabilities(measures)[np.arange(len(roles)), roles]
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
