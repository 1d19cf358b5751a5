"""From a matrix of probabilities to what is kept of it."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from negspace.records import Values

__all__ = ["summarise_probabilities"]


def summarise_probabilities(
    probabilities: Float[np.ndarray, "held_out labels"], truth: Int[np.ndarray, " held_out"]
) -> Values:
    """Keep the predicted label, its probability, and the probability of the true label.

    Three numbers a row instead of one per label, so that a store of many seeds and labels stays small.

    Args:
        probabilities: Of each label for each held-out row; rows sum to 1.
        truth: Position of each row's own label.

    Returns:
        Values of `negspace.quantities.PREDICTION`; the first of equally probable labels is the predicted one.
    """
    label = probabilities.argmax(axis=1)
    rows = np.arange(len(truth))
    return {
        "label": label,
        "confidence": probabilities[rows, label],
        "truth": probabilities[rows, truth],
    }
