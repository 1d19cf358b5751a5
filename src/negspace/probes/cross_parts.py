"""Fragments as networks read them: in windows, padded, in batches, in other orders."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Int, Int32

__all__ = ["batches", "drawn_up_to", "frequencies_loss", "padded", "reordered", "windows"]

_BUCKETS = 8  # batches whose fragments are sorted by length together, so that little is padding


def windows(
    rows: Int[np.ndarray, " rows"], lengths: Int[np.ndarray, " fragments"], window: int
) -> Int[np.ndarray, "windows 3"]:
    """Fragment, start and end of each part read at once; a part begins with the last token before it."""
    parts = [
        (row, start, min(start + window, int(lengths[row])))
        for row in rows
        for start in range(0, max(1, int(lengths[row]) - 1), window - 1)
    ]
    return np.array(parts, dtype=np.int64).reshape(-1, 3)


def padded(
    tokens: Int32[np.ndarray, "fragments longest"], parts: Int[np.ndarray, "windows 3"]
) -> tuple[Int[np.ndarray, "windows width"], Bool[np.ndarray, "windows width"]]:
    """Ids of each part, padded with 0, and what is no padding."""
    sizes = parts[:, 2] - parts[:, 1]
    place = np.arange(int(sizes.max()))
    inside = place < sizes[:, None]
    ids = tokens[parts[:, :1], np.where(inside, parts[:, 1:2] + place, 0)]
    return np.where(inside, ids, 0).astype(np.int64), inside


def batches(
    parts: Int[np.ndarray, "windows 3"], tokens: int, rng: np.random.Generator
) -> Iterator[Int[np.ndarray, "batch 3"]]:
    """Batches without end: each part once before any comes twice, those of like length together."""
    sizes = parts[:, 2] - parts[:, 1]
    per_batch = max(1, tokens // max(1, int(sizes.mean())))
    while True:
        order = rng.permutation(len(parts))
        for start in range(0, len(order), per_batch * _BUCKETS):
            bucket = order[start : start + per_batch * _BUCKETS]
            bucket = bucket[np.argsort(sizes[bucket], kind="stable")]
            cuts = np.arange(per_batch, len(bucket), per_batch)
            groups = np.split(bucket, cuts)
            for i in rng.permutation(len(groups)):
                yield parts[groups[i]]


def reordered(
    tokens: Int32[np.ndarray, "fragments longest"],
    lengths: Int[np.ndarray, " fragments"],
    begins: Bool[np.ndarray, "fragments longest"],
    rng: np.random.Generator,
) -> Int32[np.ndarray, "fragments longest"]:
    """The units of each fragment in random order; a unit is a token that begins one, and what follows it."""
    other = tokens.copy()
    for row, length, begin in zip(other, lengths, begins, strict=True):
        units = np.split(row[:length], np.flatnonzero(begin[1:length]) + 1)
        row[:length] = np.concatenate([units[i] for i in rng.permutation(len(units))])
    return other


def drawn_up_to(
    rows: Int[np.ndarray, " rows"],
    lengths: Int[np.ndarray, " fragments"],
    enough: int,
    rng: np.random.Generator,
) -> Int[np.ndarray, " some"]:
    """Rows drawn until they have enough tokens."""
    drawn = rng.permutation(rows)
    return drawn[: int(np.searchsorted(np.cumsum(lengths[drawn]), enough)) + 1]


def frequencies_loss(
    tokens: Int32[np.ndarray, "fragments longest"],
    lengths: Int[np.ndarray, " fragments"],
    known: Int[np.ndarray, " known"],
    rows: Int[np.ndarray, " rows"],
) -> float:
    """Mean loss of the scored tokens of some rows under token frequencies of others, half a count added."""
    scored = (np.arange(tokens.shape[1]) < lengths[:, None]) & (np.arange(tokens.shape[1]) > 0)
    count = np.bincount(tokens[known][scored[known]], minlength=int(tokens.max()) + 1) + 0.5
    here = tokens[rows][scored[rows]]
    return float(np.log(count.sum()) - np.log(count)[here].mean()) if len(here) else math.inf
