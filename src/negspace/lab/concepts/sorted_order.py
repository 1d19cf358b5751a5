"""Sorted sequences: a global rule whose violations can be as small as one swap of neighbours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int32, Int64

from negspace.lab.concepts.sequences import VOCABULARY, describe, draw_violating, require_kind, require_length
from negspace.records import Json

_SWAPS = {"swap": 1, "two swaps": 2, "three swaps": 3, "four swaps": 4}


@dataclass(frozen=True)
class Sorted:
    """No token is smaller than the one before it.

    A positive is a sample of the vocabulary without replacement, in ascending order. Its tokens are
    distinct, so every rearrangement of it violates the rule: no negative is mislabelled.

    ``kinds``, by mean number of inversions at length 20 (in brackets):

    - ``swap`` (1): two neighbours exchanged, at a uniform position.
    - ``two swaps`` (2), ``three swaps`` (3), ``four swaps`` (4): so many disjoint pairs of neighbours
      exchanged, uniform over all choices of disjoint pairs.
    - ``displaced`` (7.7): one token moved by at least two positions, uniform over all such moves.
    - ``far swap`` (25): two tokens at least half a length apart exchanged, uniform over all such pairs.
    - ``random`` (93): independent uniform tokens, drawn anew while sorted.
    """

    name = "sorted"
    statement = "no token is smaller than the one before it"
    kinds = (*_SWAPS, "displaced", "far swap", "random")

    def describe(self) -> Mapping[str, Json]:
        """What identifies the concept and its generators."""
        return describe(self)

    def holds(self, tokens: Int32[np.ndarray, "rows length"]) -> Bool[np.ndarray, " rows"]:
        """Whether each row is sorted; equal neighbours are."""
        return np.asarray(np.all(tokens[:, 1:] >= tokens[:, :-1], axis=1))

    def positives(self, rng: np.random.Generator, rows: int, length: int) -> Int32[np.ndarray, "rows length"]:
        """Draw sorted samples without replacement."""
        require_length(self, "positives", length, least=1, most=VOCABULARY)
        return _subsets(rng, rows, length, VOCABULARY)

    def negatives(
        self, kind: str, rng: np.random.Generator, positives: Int32[np.ndarray, "rows length"]
    ) -> Int32[np.ndarray, "rows length"]:
        """Draw one negative for each row; k swaps need 2k tokens, ``displaced`` three, the others two."""
        require_kind(self, kind)
        rows, length = positives.shape
        if kind == "random":
            return draw_violating(self, rng, rows, length)
        least = 2 * _SWAPS[kind] if kind in _SWAPS else 3 if kind == "displaced" else 2
        require_length(self, kind, length, least=least, most=VOCABULARY)
        if kind in _SWAPS:
            left = _disjoint_neighbours(rng, rows, length, _SWAPS[kind])
            return _exchange(positives, left, left + 1)
        ahead = np.subtract.outer(np.arange(length), np.arange(length)).T
        if kind == "displaced":
            origin, target = _draw_pair(rng, rows, np.abs(ahead) >= 2)
            return _move(positives, origin, target)
        one, other = _draw_pair(rng, rows, 2 * ahead >= length)
        return _exchange(positives, one, other)


def _subsets(rng: np.random.Generator, rows: int, size: int, of: int) -> Int32[np.ndarray, "rows size"]:
    """Draw uniform subsets of 0…of-1 without replacement, ascending.

    Floyd's algorithm (Bentley & Floyd 1987, Programming Pearls: A Sample of Brilliance), with a row's
    set as the bits of one word: a few passes over the rows for each member, and no sort.
    """
    assert size <= of <= 64
    one = np.uint64(1)
    members = np.zeros(rows, dtype=np.uint64)
    for last in range(of - size, of):
        bit = one << rng.integers(last + 1, size=rows, dtype=np.uint64)
        members |= np.where(members & bit, one << np.uint64(last), bit)
    subsets = np.empty((rows, size), dtype=np.int32)
    for i in range(size):
        rest = members & (members - one)  # without the lowest bit
        subsets[:, i] = np.bitwise_count((members ^ rest) - one)
        members = rest
    return subsets


def _disjoint_neighbours(
    rng: np.random.Generator, rows: int, length: int, pairs: int
) -> Int32[np.ndarray, "rows pairs"]:
    """Draw where disjoint pairs of neighbours begin, uniform over all choices.

    With each pair shrunk to one position, the choices are the subsets of ``length - pairs`` positions.
    """
    return _subsets(rng, rows, pairs, length - pairs) + np.arange(pairs, dtype=np.int32)


def _draw_pair(
    rng: np.random.Generator, rows: int, allowed: Bool[np.ndarray, "length length"]
) -> tuple[Int64[np.ndarray, "rows 1"], Int64[np.ndarray, "rows 1"]]:
    first, second = np.nonzero(allowed)
    choice = rng.integers(len(first), size=(rows, 1))
    return first[choice], second[choice]


def _exchange(
    tokens: Int32[np.ndarray, "rows length"],
    left: Int32[np.ndarray, "rows pairs"] | Int64[np.ndarray, "rows pairs"],
    right: Int32[np.ndarray, "rows pairs"] | Int64[np.ndarray, "rows pairs"],
) -> Int32[np.ndarray, "rows length"]:
    exchanged = tokens.copy()
    np.put_along_axis(exchanged, left, np.take_along_axis(tokens, right, axis=1), axis=1)
    np.put_along_axis(exchanged, right, np.take_along_axis(tokens, left, axis=1), axis=1)
    return exchanged


def _move(
    tokens: Int32[np.ndarray, "rows length"],
    origin: Int64[np.ndarray, "rows 1"],
    target: Int64[np.ndarray, "rows 1"],
) -> Int32[np.ndarray, "rows length"]:
    """Take each row's token at ``origin`` out and put it where it is the one at ``target``."""
    place = np.arange(tokens.shape[1])
    closing = (origin <= place) & (place < target)
    opening = (target < place) & (place <= origin)
    source = np.where(place == target, origin, place + closing - opening)
    return np.take_along_axis(tokens, source, axis=1)
