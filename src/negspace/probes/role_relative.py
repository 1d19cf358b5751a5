"""Roles in a text that small networks do not learn: every threshold is taken from the corpus itself.

Of a natural text of some ten thousand words, tiny networks learn a little order and much by heart. No loss
means there what it means in a corpus whose rules they learn, so none is held against a fixed threshold.
Instead each condition asks whether a fragment stands out, in standard deviations:

- its words help in the order they have, against the same words in random orders;
- seeing it gains more than seeing passages gains that stand alone and are in order, and its mates confirm it;
- it surprises more than those.

Noise is what has no order, or stands out by surprise and is not memorised, or is memorised and contradicted.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float64
from scipy.special import expit

from negspace.probes.role_quantities import RoleQuantities
from negspace.probes.role_rule import Condition

__all__ = ["OUT", "relative_probabilities"]

OUT = 3.0
"""Standard deviations from which on something stands out: Shewhart's limits (1931), not set on any data."""

_SCALE = 0.5
_LEAST = 20  # ordinary passages that a spread can be taken of
_MAD = 1.4826  # a normal distribution's standard deviation, in median absolute deviations


def relative_probabilities(
    measures: RoleQuantities, confirmed: Condition
) -> Float64[np.ndarray, "fragments roles"]:
    """Of structure, fact and noise; even odds for all if too few passages stand alone and are in order.

    Args:
        measures: Of all fragments of the corpus.
        confirmed: A share, so the condition is that of any corpus.
    """
    alone = np.bincount(measures.clusters)[measures.clusters] == 1
    known = np.isfinite(measures.ordered) & np.isfinite(measures.memorised) & np.isfinite(measures.surprise)
    ordinary = known & alone & (measures.ordered > OUT)
    if ordinary.sum() < _LEAST:
        return np.full((len(measures), 3), 1 / 3)
    kept = np.log(np.maximum(measures.clean, 1e-6) / np.maximum(measures.seen, 1e-6))
    order = expit((measures.ordered - OUT) / _SCALE)
    memory = expit((_standing_out(kept, ordinary) - OUT) / _SCALE)
    expected = expit((OUT - _standing_out(measures.surprise, ordinary)) / _SCALE)
    structure = order * (1 - memory) * expected
    fact = order * memory * confirmed.met(measures.confirmed)
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
