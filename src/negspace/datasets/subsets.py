"""Some of the fragments, or the beginnings of some."""

from __future__ import annotations

import hashlib

import numpy as np
from jaxtyping import Int

from negspace.records import Fragments

__all__ = ["beginnings", "select", "set_aside"]


def select(fragments: Fragments, rows: Int[np.ndarray, " rows"]) -> Fragments:
    """Take some fragments, in the order of ``rows``; at least one."""
    lengths = fragments.lengths[rows]
    named = f"{fragments.fingerprint} {rows.tolist()}".encode()
    return Fragments(
        tuple(fragments.texts[row] for row in rows),
        fragments.tokens[rows, : int(lengths.max())],
        lengths,
        tuple(fragments.places[row] for row in rows),
        hashlib.sha256(named).hexdigest(),
    )


def beginnings(fragments: Fragments, tokens: int) -> Fragments:
    """Cut fragments off after so many tokens; their texts stay as they are."""
    named = f"{fragments.fingerprint} {tokens}".encode()
    return Fragments(
        fragments.texts,
        fragments.tokens[:, :tokens],
        np.minimum(fragments.lengths, tokens),
        fragments.places,
        hashlib.sha256(named).hexdigest(),
    )


def set_aside(size: int, most: int, seed: int) -> Int[np.ndarray, " aside"]:
    """Draw rows that are kept from training and probing: a tenth of all, at least one.

    Args:
        size: Number of rows.
        most: Rows to draw, at most.
        seed: Of the draw.

    Returns:
        Their positions, sorted.
    """
    drawn = np.random.default_rng([seed, 2]).permutation(size)
    return np.sort(drawn[: min(most, max(1, size // 10))])
