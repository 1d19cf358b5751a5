"""The rules that tell structure, fact and noise apart.

In a text whose rules small networks learn, four conditions decide, each soft: a logistic curve in one
quantity, with a threshold and a slope.

- *structure*: ``surprise`` is low;
- *fact*: it is not, and reading the context still helps (``explained``), seeing the fragment gains most of
  the loss (``memorised``), and its mates, where there are any, say the same (``confirmed``);
- *noise*: it is not, and one of the three fails.

So P(structure) = s, P(fact) = (1 − s) e m c, P(noise) = (1 − s) (1 − e m c). Each curve runs one way only,
whatever the families it was set on; that is what a free-form classifier on the same numbers does not promise.

Of a natural text of some ten thousand words, tiny networks learn a little order and much by heart. No loss
means there what it means in a corpus whose rules they learn, so none is compared with a fixed threshold.
Instead each condition asks whether a fragment stands out, in standard deviations:

- its words help in the order they have, against the same words in random orders;
- seeing it gains more than seeing passages gains that stand alone and are in order, and its mates confirm it;
- it surprises more than those.

Noise is what has no order, or stands out by surprise and is not memorised, or is memorised and contradicted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from jaxtyping import Bool, Float64
from scipy.special import expit

from negspace.probes.role_quantities import RoleQuantities

CONDITIONS: Mapping[str, int] = MappingProxyType(
    {"surprise": -1, "explained": 1, "memorised": 1, "confirmed": 1}
)
"""The quantities that decide, and the way each runs: -1 where low values fulfil the condition."""

OUT = 3.0
"""Standard deviations from which on something stands out: Shewhart's limits (1931), not set on any data."""

_SCALE = 0.5
_LEAST = 20  # ordinary passages that a spread can be taken of
_MAD = 1.4826  # a normal distribution's standard deviation, in median absolute deviations


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
    """The four conditions, and how sure is sure."""

    surprise: Condition
    explained: Condition
    memorised: Condition
    confirmed: Condition
    sure: float

    def probabilities(self, quantities: RoleQuantities) -> Float64[np.ndarray, "fragments roles"]:
        """Probabilities of structure, fact and noise."""
        met = {name: getattr(self, name).met(getattr(quantities, name)) for name in CONDITIONS}
        # Without a scored token nothing is known; even odds leave it unsure.
        ruled = np.where(np.isnan(quantities.surprise), 1 / 3, met["surprise"])
        stated = np.where(
            np.isnan(quantities.surprise), 0.5, met["explained"] * met["memorised"] * met["confirmed"]
        )
        return np.stack([ruled, (1 - ruled) * stated, (1 - ruled) * (1 - stated)], axis=1)


# Set by `benchmarks/roles.py` on its setting families alone; see docs/explanation/roles.md.
RULE = RoleRule(
    surprise=Condition(at=0.119, scale=-0.0781),
    explained=Condition(at=0.082, scale=0.0684),
    memorised=Condition(at=0.610, scale=0.0521),
    confirmed=Condition(at=0.859, scale=0.0234),
    sure=0.85,
)


def relative_probabilities(
    quantities: RoleQuantities, confirmed: Condition
) -> Float64[np.ndarray, "fragments roles"]:
    """Probabilities of structure, fact and noise; even if too few passages stand alone and in order."""
    alone = np.bincount(quantities.clusters)[quantities.clusters] == 1
    known = (
        np.isfinite(quantities.ordered) & np.isfinite(quantities.memorised) & np.isfinite(quantities.surprise)
    )
    ordinary = known & alone & (quantities.ordered > OUT)
    if ordinary.sum() < _LEAST:
        return np.full((len(quantities), 3), 1 / 3)
    kept = np.log(np.maximum(quantities.clean, 1e-6) / np.maximum(quantities.seen, 1e-6))
    order = expit((quantities.ordered - OUT) / _SCALE)
    memory = expit((_standing_out(kept, ordinary) - OUT) / _SCALE)
    expected = expit((OUT - _standing_out(quantities.surprise, ordinary)) / _SCALE)
    structure = order * (1 - memory) * expected
    fact = order * memory * confirmed.met(quantities.confirmed)
    found = np.stack([structure, fact, 1 - structure - fact], axis=1)
    return np.where(known[:, None], found, 1 / 3)


def _standing_out(
    values: Float64[np.ndarray, " fragments"], ordinary: Bool[np.ndarray, " fragments"]
) -> Float64[np.ndarray, " fragments"]:
    """Distance from the ordinary ones' median, in their standard deviations by the median absolute one."""
    middle = np.median(values[ordinary])
    spread = _MAD * np.median(np.abs(values[ordinary] - middle))
    out: Float64[np.ndarray, " fragments"] = (values - middle) / max(float(spread), 1e-12)
    return out
