"""Covering a space: greedy choice under diminishing returns.

What a set of rows covers is counted in features (here: a word under a label). The first row that shows a
feature is worth the feature's whole weight, each further one a fixed fraction of the one before:

    f(S) = sum_w weight_w * (1 + decay + ... + decay^(count_w(S) - 1))

a feature-based submodular function (Wei, Iyer and Bilmes 2015, "Submodularity in Data Subset Selection and
Active Learning", eq. 3, with a geometric series as the concave function). The greedy choice is within
1 - 1/e of the best (Nemhauser, Wolsey and Fisher 1978).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import csr_matrix

__all__ = ["cover"]


def cover(
    features: Any,
    weights: Float[np.ndarray, " features"],
    worth: Float[np.ndarray, " units"],
    admit: Callable[[int], bool],
    rng: np.random.Generator,
    *,
    decay: float,
    counts: Float[np.ndarray, " features"],
    limit: int,
) -> Int[np.ndarray, " chosen"]:
    """Choose units one by one, each time the one that adds most of those that are admitted.

    Args:
        features: Sparse binary matrix of shape (units, features), CSR: which unit shows which.
        weights: Of the features.
        worth: Factor of each unit's gain.
        admit: Told a unit that would be chosen next; says whether there is room for it, and counts it if
            so. A unit refused once is not asked about again.
        rng: Decides between equal gains.
        decay: What each further unit with a feature is worth, as a share of the one before; in [0, 1).
        counts: How often each feature has been chosen before; counted on in place.
        limit: Most units to choose.

    Returns:
        The units, in the order they were chosen.
    """
    # The first of equal gains is taken, so a random order of units decides between them.
    order = rng.permutation(features.shape[0])
    features = csr_matrix(features)[order]
    showing = features.tocsc()
    worth = worth[order]
    left = weights * decay**counts
    gains = worth * np.asarray(features @ left).ravel()
    chosen: list[int] = []
    while len(chosen) < limit and len(gains):
        unit = int(gains.argmax())
        if gains[unit] == -np.inf:
            break
        gains[unit] = -np.inf
        if not admit(int(order[unit])):
            continue
        chosen.append(int(order[unit]))
        shown = features.indices[features.indptr[unit] : features.indptr[unit + 1]]
        counts[shown] += 1
        gains -= worth * _falls(showing, shown, left[shown] * (1.0 - decay), len(gains))
        left[shown] *= decay
    return np.array(chosen, dtype=np.int64)


def _falls(
    showing: Any, features: Int[np.ndarray, " shown"], falls: Float[np.ndarray, " shown"], units: int
) -> Float[np.ndarray, " units"]:
    """Sum over features what each unit that shows them loses; only those units are visited."""
    if len(features) == 0:  # a text without words
        return np.zeros(units)
    start, stop = showing.indptr[features], showing.indptr[features + 1]
    length = stop - start
    before = np.concatenate([[0], np.cumsum(length)[:-1]])
    entries = np.repeat(start - before, length) + np.arange(length.sum())
    return np.bincount(showing.indices[entries], weights=np.repeat(falls, length), minlength=units)
