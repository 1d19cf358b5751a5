"""Is nothing below the first token? A rule about differences from one place."""

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

__all__ = ["Pivot"]

_HIGHEST_FIRST = 25


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
        bounded: Bool[np.ndarray, " rows"] = np.all(tokens[:, 1:] >= tokens[:, :1], axis=1)
        return bounded

    def positives(self, rng: np.random.Generator, rows: int, length: int) -> Int32[np.ndarray, "rows length"]:
        """Draw rows with nothing below their first token.

        Raises:
            PlanError: If the length is below 1.
        """
        require_length(self, "positives", length, least=1)
        first = rng.integers(_HIGHEST_FIRST + 1, size=(rows, 1), dtype=np.int32)
        later = rng.integers(first, VOCABULARY, size=(rows, length - 1), dtype=np.int32)
        return np.concatenate([first, later], axis=1)

    def negatives(
        self, kind: str, rng: np.random.Generator, positives: Int32[np.ndarray, "rows length"]
    ) -> Int32[np.ndarray, "rows length"]:
        """Draw one negative for each row.

        Raises:
            PlanError: If there is no such kind, or the sequences have fewer than two tokens.
        """
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
