"""From a number a token to a number a fragment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int

from negspace.data import Fragments
from negspace.probes.probe import TokenTrace, Trace

__all__ = ["Collected"]


class Collected:
    """Gathers numbers a token, in whatever order they come, and gives their means by fragment.

    A token whose number is never given is left out of the mean, and NaN (an id: -1) in the grid.

    Args:
        fragments: All fragments.
        rows: Those asked for, in the order of the results; one may be named twice.
        grids: Measures whose numbers a token are wanted as well.
    """

    def __init__(
        self, fragments: Fragments, rows: Int[np.ndarray, " rows"], grids: Sequence[str] = ()
    ) -> None:
        self._distinct, self._order = np.unique(rows, return_inverse=True)
        self._longest = fragments.tokens.shape[1]
        self._wanted = grids
        self._sums: dict[str, Float[np.ndarray, " distinct"]] = {}
        self._counts: dict[str, Int[np.ndarray, " distinct"]] = {}
        self._grids: dict[str, np.ndarray] = {}

    def add(
        self,
        rows: Int[np.ndarray, " tokens"],
        places: Int[np.ndarray, " tokens"],
        values: Mapping[str, Float[np.ndarray, " tokens"]],
    ) -> None:
        """Take the numbers of some tokens.

        Args:
            rows: Their fragments, as positions among all.
            places: Their places in the fragments.
            values: By measure.
        """
        at = np.searchsorted(self._distinct, rows)
        size = len(self._distinct)
        counts = np.bincount(at, minlength=size)
        for measure, each in values.items():
            sums = np.bincount(at, weights=each, minlength=size)
            self._sums[measure] = self._sums.get(measure, 0.0) + sums
            self._counts[measure] = self._counts.get(measure, 0) + counts
            if measure in self._wanted:
                self.add_grid(measure, rows, places, each)

    def add_grid(
        self,
        measure: str,
        rows: Int[np.ndarray, " tokens"],
        places: Int[np.ndarray, " tokens"],
        values: np.ndarray,
    ) -> None:
        """Take numbers a token (along the last axis, several) that have no mean."""
        if measure not in self._grids:
            shape = (len(self._distinct), self._longest, *values.shape[1:])
            whole = np.issubdtype(values.dtype, np.integer)
            kind = np.int32 if whole else np.float32
            self._grids[measure] = np.full(shape, -1 if whole else np.nan, dtype=kind)
        self._grids[measure][np.searchsorted(self._distinct, rows), places] = values

    def traces(self, probe: str, layer: str | None = None) -> tuple[Trace, ...]:
        """Means by fragment, a trace a measure; NaN where no token counted."""
        found = []
        for measure, sums in self._sums.items():
            counts = self._counts[measure]
            means = np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0)
            found.append(Trace(probe, measure, means[self._order], layer))
        return tuple(found)

    def tokens(self) -> tuple[TokenTrace, ...]:
        """Numbers a token: float32 or int32, as wide as the longest of all fragments."""
        return tuple(TokenTrace(measure, grid[self._order]) for measure, grid in self._grids.items())
