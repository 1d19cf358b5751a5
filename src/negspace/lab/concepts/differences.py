"""Rules about differences of tokens: of neighbours (zigzag), and to the first (pivot)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int32

from negspace.lab.concepts.sequences import (
    VOCABULARY,
    describe,
    draw_uniform,
    draw_violating,
    require_kind,
    require_length,
)
from negspace.records import Json

_HIGHEST_FIRST = 25


@dataclass(frozen=True)
class Zigzag:
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

    def describe(self) -> Mapping[str, Json]:
        """What identifies the concept and its generators."""
        return describe(self)

    def holds(self, tokens: Int32[np.ndarray, "rows length"]) -> Bool[np.ndarray, " rows"]:
        """Whether each row alternates, first upwards."""
        rises = tokens[:, 1:] > tokens[:, :-1]
        falls = tokens[:, 1:] < tokens[:, :-1]
        odd, even = np.all(rises[:, ::2], axis=1), np.all(falls[:, 1::2], axis=1)
        return np.asarray(odd & even)

    def positives(self, rng: np.random.Generator, rows: int, length: int) -> Int32[np.ndarray, "rows length"]:
        """Draw rows that alternate."""
        require_length(self, "positives", length, least=1)
        tokens = np.empty((rows, length), dtype=np.int32)
        tokens[:, 0] = rng.integers(VOCABULARY - 1, size=rows, dtype=np.int32)
        for i in range(1, length):
            low, high = _beyond(tokens[:, i - 1], np.full(rows, i % 2 == 1))
            tokens[:, i] = rng.integers(low, high, dtype=np.int32)
        return tokens

    def negatives(
        self, kind: str, rng: np.random.Generator, positives: Int32[np.ndarray, "rows length"]
    ) -> Int32[np.ndarray, "rows length"]:
        """Draw one negative for each row."""
        require_kind(self, kind)
        rows, length = positives.shape
        if kind == "random":
            return draw_violating(self, rng, rows, length)
        require_length(self, kind, length, least=3)
        row, start = np.arange(rows), rng.integers(length - 2, size=rows)
        middle = positives[row, start + 1]
        low, high = _beyond(middle, middle > positives[row, start])
        tokens = positives.copy()
        # Where nothing lies beyond, any value will do: the row is replaced below.
        tokens[row, start + 2] = rng.integers(low, np.maximum(high, low + 1), dtype=np.int32)
        stuck = np.flatnonzero(low == high)
        tokens[stuck] = draw_uniform(rng, len(stuck), length)
        return tokens


@dataclass(frozen=True)
class Pivot:
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

    def describe(self) -> Mapping[str, Json]:
        """What identifies the concept and its generators."""
        return describe(self)

    def holds(self, tokens: Int32[np.ndarray, "rows length"]) -> Bool[np.ndarray, " rows"]:
        """Whether nothing in each row is below its first token."""
        return np.asarray(np.all(tokens[:, 1:] >= tokens[:, :1], axis=1))

    def positives(self, rng: np.random.Generator, rows: int, length: int) -> Int32[np.ndarray, "rows length"]:
        """Draw rows with nothing below their first token."""
        require_length(self, "positives", length, least=1)
        first = rng.integers(_HIGHEST_FIRST + 1, size=(rows, 1), dtype=np.int32)
        later = rng.integers(first, VOCABULARY, size=(rows, length - 1), dtype=np.int32)
        return np.concatenate([first, later], axis=1)

    def negatives(
        self, kind: str, rng: np.random.Generator, positives: Int32[np.ndarray, "rows length"]
    ) -> Int32[np.ndarray, "rows length"]:
        """Draw one negative for each row."""
        require_kind(self, kind)
        rows, length = positives.shape
        if kind == "random":
            return draw_violating(self, rng, rows, length)
        require_length(self, kind, length, least=2)
        first = positives[:, 0]
        place = rng.integers(1, length, size=rows)
        tokens = positives.copy()
        # Where nothing is below, any value will do: the row is replaced below.
        tokens[np.arange(rows), place] = rng.integers(np.maximum(first, 1), dtype=np.int32)
        stuck = np.flatnonzero(first == 0)
        tokens[stuck] = draw_uniform(rng, len(stuck), length)
        return tokens


def _beyond(
    last: Int32[np.ndarray, " rows"], upwards: Bool[np.ndarray, " rows"]
) -> tuple[Int32[np.ndarray, " rows"], Int32[np.ndarray, " rows"]]:
    """Range of the tokens above or below the last one: the first of them, and one past their end."""
    zero, end = np.int32(0), np.int32(VOCABULARY)
    return np.where(upwards, last + 1, zero), np.where(upwards, end, last)
