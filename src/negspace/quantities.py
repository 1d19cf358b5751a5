"""Named quantities: what a run may hold of each held-out item, with its meaning, unit and range.

A learner says which ones it gives, a metric which ones it reads, and a study refuses a plan in which they do
not meet. A package whose learners give further ones declares them where it defines those learners.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from types import MappingProxyType

import numpy as np
from jaxtyping import Shaped

from negspace.errors import PlanError, did_you_mean

_ROUNDING = 1e-6  # of float32 probabilities


@dataclass(frozen=True)
class Quantity:
    """What an array of `Run.values` holds.

    Attributes:
        name: Key in `Run.values`.
        meaning: What one value says about its item.
        unit: Unit of the values.
        low: Least value.
        high: Greatest value.
        whole: Whether values are integers; if not, they are float64, and NaN where a model gives none.
    """

    name: str
    meaning: str
    unit: str
    low: float = -inf
    high: float = inf
    whole: bool = False

    def first_wrong(self, values: Shaped[np.ndarray, " items"]) -> int | None:
        """Find the first item whose value cannot be one of this quantity; None if there is none."""
        if self.whole and not np.issubdtype(values.dtype, np.integer):
            return 0 if len(values) else None
        wrong = np.flatnonzero((values < self.low - _ROUNDING) | (values > self.high + _ROUNDING))
        return int(wrong[0]) if len(wrong) else None


_DECLARED: dict[str, Quantity] = {}

QUANTITIES: Mapping[str, Quantity] = MappingProxyType(_DECLARED)
"""All declared quantities, by name."""


def declare(*quantities: Quantity) -> tuple[str, ...]:
    """Declare quantities, and return their names.

    Raises:
        PlanError: A name is taken by a quantity of another meaning.
    """
    for each in quantities:
        if _DECLARED.setdefault(each.name, each) != each:
            raise PlanError(f"two quantities are called '{each.name}'", got=each.meaning, hint="rename one")
    return tuple(each.name for each in quantities)


def quantity(name: str) -> Quantity:
    """Find a declared quantity.

    Raises:
        PlanError: None has the name.
    """
    if name not in _DECLARED:
        raise PlanError(f"no quantity is called '{name}'", hint=did_you_mean(name, _DECLARED))
    return _DECLARED[name]


PREDICTION = declare(
    Quantity("label", "predicted label", "position in the task's label_names", 0.0, whole=True),
    Quantity("confidence", "probability of the predicted label", "probability", 0.0, 1.0),
    Quantity("truth", "probability of the item's own label", "probability", 0.0, 1.0),
)
"""What a classifier says about an item."""
