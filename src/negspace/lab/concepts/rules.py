"""Rules over sequences: of the whole row (sorted), of neighbours (zigzag), and to the first token (pivot)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int, Int32, Int64

from negspace.errors import PlanError, did_you_mean
from negspace.lab.concepts.sequences import VOCABULARY, Concept, Tokens

_SWAPS = {"swap": 1, "two swaps": 2, "three swaps": 3, "four swaps": 4}
_HIGHEST_FIRST = 25


class _Rule(Concept):
    """What the rules share: ``random`` negatives, and what cannot be drawn is refused."""

    longest: int | None = None

    def negatives(self, kind: str, rng: np.random.Generator, positives: Tokens) -> Tokens:
        """Draw one negative for each row; see `Concept.negatives`."""
        rows, length = positives.shape
        if kind not in self.kinds:
            hint = did_you_mean(kind, self.kinds)
            raise PlanError(f"the concept '{self.name}' has no negatives '{kind}'", hint=hint)
        if kind != "random":
            return self.near_misses(kind, rng, positives)
        self.require_length(kind, length, 2)
        tokens = _uniform(rng, rows, length)
        following = np.flatnonzero(self.holds(tokens))
        while len(following):
            tokens[following] = _uniform(rng, len(following), length)
            following = following[self.holds(tokens[following])]
        return tokens

    def near_misses(self, kind: str, rng: np.random.Generator, positives: Tokens) -> Tokens:
        """Draw a near miss of a kind of each row."""
        raise NotImplementedError

    def require_length(self, what: str, length: int, least: int) -> None:
        """Refuse a length at which what is asked for cannot be drawn."""
        most = None if what == "random" else self.longest
        if length < least or (most is not None and length > most):
            lengths = f"at least {least}" if most is None else f"{least} to {most}"
            wrong = f"'{what}' of the concept '{self.name}' needs sequences of {lengths} tokens"
            raise PlanError(wrong, got=f"length {length}", hint="ask for such a length")


@dataclass(frozen=True)
class Sorted(_Rule):
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
    longest = VOCABULARY

    def holds(self, tokens: Tokens) -> Bool[np.ndarray, " rows"]:
        """Whether each row is sorted; equal neighbours are."""
        return np.asarray(np.all(tokens[:, 1:] >= tokens[:, :-1], axis=1))

    def positives(self, rng: np.random.Generator, rows: int, length: int) -> Tokens:
        """Draw sorted samples without replacement."""
        self.require_length("positives", length, 1)
        return _subsets(rng, rows, length, VOCABULARY)

    def near_misses(self, kind: str, rng: np.random.Generator, positives: Tokens) -> Tokens:
        """Draw a near miss of each row; k swaps need 2k tokens, ``displaced`` three, ``far swap`` two."""
        rows, length = positives.shape
        least = 2 * _SWAPS[kind] if kind in _SWAPS else 3 if kind == "displaced" else 2
        self.require_length(kind, length, least)
        if kind in _SWAPS:
            # With each pair shrunk to one position, the choices are the subsets of that many positions.
            pairs = _SWAPS[kind]
            left = _subsets(rng, rows, pairs, length - pairs) + np.arange(pairs, dtype=np.int32)
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


def _draw_pair(
    rng: np.random.Generator, rows: int, allowed: Bool[np.ndarray, "length length"]
) -> tuple[Int64[np.ndarray, "rows 1"], Int64[np.ndarray, "rows 1"]]:
    first, second = np.nonzero(allowed)
    choice = rng.integers(len(first), size=(rows, 1))
    return first[choice], second[choice]


def _exchange(
    tokens: Tokens, left: Int[np.ndarray, "rows pairs"], right: Int[np.ndarray, "rows pairs"]
) -> Tokens:
    exchanged = tokens.copy()
    np.put_along_axis(exchanged, left, np.take_along_axis(tokens, right, axis=1), axis=1)
    np.put_along_axis(exchanged, right, np.take_along_axis(tokens, left, axis=1), axis=1)
    return exchanged


def _move(tokens: Tokens, origin: Int64[np.ndarray, "rows 1"], target: Int64[np.ndarray, "rows 1"]) -> Tokens:
    """Take each row's token at ``origin`` out and put it where it is the one at ``target``."""
    place = np.arange(tokens.shape[1])
    closing = (origin <= place) & (place < target)
    opening = (target < place) & (place <= origin)
    source = np.where(place == target, origin, place + closing - opening)
    return np.take_along_axis(tokens, source, axis=1)


@dataclass(frozen=True)
class Zigzag(_Rule):
    """Steps alternate strictly between up and down, and the first goes up.

    A positive is built step by step, each token uniform on those above or below the last one; the first is
    uniform on those that something is above.

    ``kinds``:

    - ``continued``: for a uniform position p, the token at p + 2 gives way to one that continues in the
      direction from p to p + 1, uniform on those that do. At the edge of the vocabulary there is none; the
      published recipe then falls back on a negative that can be valid by chance, and does not print which.
      Here the whole row gives way to independent uniform tokens, *unchecked*, as the closest reading. So
      a few of these negatives follow the rule (0.42 % at length 6, 0.02 % at length 12); `holds` tells.
    - ``random``: independent uniform tokens, drawn anew while the rule holds.
    """

    name = "zigzag"
    statement = "steps alternate strictly between up and down, the first going up"
    kinds = ("continued", "random")

    def holds(self, tokens: Tokens) -> Bool[np.ndarray, " rows"]:
        """Whether each row alternates, first upwards."""
        rises = tokens[:, 1:] > tokens[:, :-1]
        falls = tokens[:, 1:] < tokens[:, :-1]
        return np.asarray(np.all(rises[:, ::2], axis=1) & np.all(falls[:, 1::2], axis=1))

    def positives(self, rng: np.random.Generator, rows: int, length: int) -> Tokens:
        """Draw rows that alternate."""
        self.require_length("positives", length, 1)
        tokens = np.empty((rows, length), dtype=np.int32)
        tokens[:, 0] = rng.integers(VOCABULARY - 1, size=rows, dtype=np.int32)
        for i in range(1, length):
            low, high = _beyond(tokens[:, i - 1], np.full(rows, i % 2 == 1))
            tokens[:, i] = rng.integers(low, high, dtype=np.int32)
        return tokens

    def near_misses(self, kind: str, rng: np.random.Generator, positives: Tokens) -> Tokens:
        """Draw a near miss of each row."""
        rows, length = positives.shape
        self.require_length(kind, length, 3)
        row, start = np.arange(rows), rng.integers(length - 2, size=rows)
        middle = positives[row, start + 1]
        low, high = _beyond(middle, middle > positives[row, start])
        tokens = positives.copy()
        tokens[row, start + 2] = rng.integers(low, np.maximum(high, low + 1), dtype=np.int32)
        return _unstuck(tokens, low == high, rng)


@dataclass(frozen=True)
class Pivot(_Rule):
    """No later token is smaller than the first.

    A positive's first token is uniform on 0…25, the others on first…49.

    ``kinds``:

    - ``below``: one later token, at a uniform position, gives way to one uniform below the first. Nothing
      is below a first token of 0; the published recipe then falls back on a negative that can be valid by
      chance, and does not print which. Here the whole row gives way to independent uniform tokens,
      *unchecked*, as the closest reading. So a few of these negatives follow the rule (0.68 % at length 6,
      0.14 % at length 40); `holds` tells.
    - ``random``: independent uniform tokens, drawn anew while the rule holds.
    """

    name = "pivot"
    statement = "no later token is smaller than the first"
    kinds = ("below", "random")

    def holds(self, tokens: Tokens) -> Bool[np.ndarray, " rows"]:
        """Whether nothing in each row is below its first token."""
        return np.asarray(np.all(tokens[:, 1:] >= tokens[:, :1], axis=1))

    def positives(self, rng: np.random.Generator, rows: int, length: int) -> Tokens:
        """Draw rows with nothing below their first token."""
        self.require_length("positives", length, 1)
        first = rng.integers(_HIGHEST_FIRST + 1, size=(rows, 1), dtype=np.int32)
        later = rng.integers(first, VOCABULARY, size=(rows, length - 1), dtype=np.int32)
        return np.concatenate([first, later], axis=1)

    def near_misses(self, kind: str, rng: np.random.Generator, positives: Tokens) -> Tokens:
        """Draw a near miss of each row."""
        rows, length = positives.shape
        self.require_length(kind, length, 2)
        first = positives[:, 0]
        place = rng.integers(1, length, size=rows)
        tokens = positives.copy()
        tokens[np.arange(rows), place] = rng.integers(np.maximum(first, 1), dtype=np.int32)
        return _unstuck(tokens, first == 0, rng)


def _beyond(
    last: Int32[np.ndarray, " rows"], upwards: Bool[np.ndarray, " rows"]
) -> tuple[Int32[np.ndarray, " rows"], Int32[np.ndarray, " rows"]]:
    """Range of the tokens above or below the last one: the first of them, and one past their end."""
    zero, end = np.int32(0), np.int32(VOCABULARY)
    return np.where(upwards, last + 1, zero), np.where(upwards, end, last)


def _uniform(rng: np.random.Generator, rows: int, length: int) -> Tokens:
    """Independent tokens, uniform on the vocabulary, whatever rule they follow."""
    return rng.integers(VOCABULARY, size=(rows, length), dtype=np.int32)


def _unstuck(tokens: Tokens, stuck: Bool[np.ndarray, " rows"], rng: np.random.Generator) -> Tokens:
    """Rows, with independent tokens where there is no near miss and any token was put in its place."""
    rows = np.flatnonzero(stuck)
    tokens[rows] = _uniform(rng, len(rows), tokens.shape[1])
    return tokens
