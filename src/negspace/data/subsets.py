"""Some of the fragments, or pieces of some."""

from __future__ import annotations

import hashlib

import numpy as np
from jaxtyping import Int

from negspace.records import Fragments

__all__ = ["pieces", "select", "set_aside"]


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


def pieces(fragments: Fragments, count: int, tokens: int) -> Fragments:
    """Cut short pieces out of fragments: the first of each, then the second of each, and so on.

    Args:
        fragments: At least one.
        count: Pieces, at most.
        tokens: Of a piece, at most; at least 2. The end of a fragment is a piece if it has two.

    Returns:
        The pieces, in the order of the fragments. Their texts are those of the fragments.
    """
    cuts = sorted(
        (start, row)
        for row, length in enumerate(fragments.lengths.tolist())
        for start in range(0, length - 1, tokens)
    )[:count]
    cuts.sort(key=lambda cut: (cut[1], cut[0]))
    rows = [row for _, row in cuts]
    found = np.zeros((len(cuts), tokens), dtype=np.int32)
    lengths = np.array([min(tokens, int(fragments.lengths[row]) - start) for start, row in cuts])
    for piece, (start, row), length in zip(found, cuts, lengths, strict=True):
        piece[:length] = fragments.tokens[row, start : start + length]
    named = f"{fragments.fingerprint} {cuts}".encode()
    return Fragments(
        tuple(fragments.texts[row] for row in rows),
        found[:, : int(lengths.max())],
        lengths,
        tuple(fragments.places[row] for row in rows),
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
