"""What a probe is: a model and fragments in, one number a fragment (and layer) out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from negspace.data import Fragments
from negspace.language_models import LanguageModel, Rows
from negspace.records import Json


@dataclass(frozen=True)
class TraceMetric:
    """A number that a probe takes of each fragment, as tables, pages and help name it.

    Attributes:
        name: Its name in traces.
        unit: Its unit; empty for a plain share.
        column: Its name where fragments are ranked by it; empty where they are not. A metric taken by layer
            stands there for its mean over layers.
        meaning: What the column says, in a few words.
        panel: For a metric drawn over the layers: the drawing's name, and what the metric was taken on
            (``"itself"`` or ``"reference"``).
    """

    name: str
    unit: str = ""
    column: str = ""
    meaning: str = ""
    panel: tuple[str, str] | None = None


@dataclass(frozen=True, eq=False)
class Trace:
    """One metric of what fragments do to a language model."""

    probe: str
    metric: str
    values: Float[np.ndarray, " fragments"]
    layer: str | None = None


@dataclass(frozen=True, eq=False)
class TokenTrace:
    """One metric of every token of the fragments probed.

    Attributes:
        metric: What was measured.
        values: A number a token (or, for competitors, several: the last axis), in the order of the fragments'
            tokens; NaN, or -1 for ids, where the token is not scored.
    """

    metric: str
    values: (
        Float[np.ndarray, "fragments longest"]
        | Int[np.ndarray, "fragments longest k"]
        | Float[np.ndarray, "fragments longest k"]
    )


@dataclass(frozen=True, eq=False)
class Probed:
    """What a probe found.

    Attributes:
        traces: One number a fragment each, in the order of the rows asked for.
        tokens: One number a token each; empty unless asked for.
    """

    traces: tuple[Trace, ...]
    tokens: tuple[TokenTrace, ...] = field(default=())


@runtime_checkable
class Probe(Protocol):
    """Takes numbers of one kind.

    What a probe needs beside the fragment at hand (a reference, a mean gradient, checkpoints) it is given
    when it is made. No result depends on ``batch`` or on which other rows are asked for, but for rounding.
    """

    @property
    def name(self) -> str:
        """As ``--probes`` knows it."""
        ...

    def describe(self) -> Mapping[str, Json]:
        """All settings that decide its results."""
        ...

    def measure(
        self, model: LanguageModel, fragments: Fragments, rows: Rows, *, batch: int, tokens: bool = False
    ) -> Probed:
        """Probe some fragments.

        Args:
            model: The model; given back as it was.
            fragments: All fragments.
            rows: Which of them.
            batch: Padded tokens held at once, at most.
            tokens: Whether numbers a token are wanted too.
        """
        ...


class Collected:
    """Gathers numbers a token, in whatever order they come, and gives their means by fragment.

    A token whose number is never given is left out of the mean, and NaN (an id: -1) in the grid.
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
        """Take the numbers of some tokens."""
        at = np.searchsorted(self._distinct, rows)
        size = len(self._distinct)
        counts = np.bincount(at, minlength=size)
        for metric, each in values.items():
            sums = np.bincount(at, weights=each, minlength=size)
            self._sums[metric] = self._sums.get(metric, 0.0) + sums
            self._counts[metric] = self._counts.get(metric, 0) + counts
            if metric in self._wanted:
                self.add_grid(metric, rows, places, each)

    def add_grid(
        self,
        metric: str,
        rows: Int[np.ndarray, " tokens"],
        places: Int[np.ndarray, " tokens"],
        values: np.ndarray,
    ) -> None:
        """Take numbers a token (along the last axis, several) that have no mean."""
        if metric not in self._grids:
            shape = (len(self._distinct), self._longest, *values.shape[1:])
            whole = np.issubdtype(values.dtype, np.integer)
            kind = np.int32 if whole else np.float32
            self._grids[metric] = np.full(shape, -1 if whole else np.nan, dtype=kind)
        self._grids[metric][np.searchsorted(self._distinct, rows), places] = values

    def traces(self, probe: str, layer: str | None = None) -> tuple[Trace, ...]:
        """Means by fragment, a trace a metric; NaN where no token counted."""
        found = []
        for metric, sums in self._sums.items():
            counts = self._counts[metric]
            means = np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0)
            found.append(Trace(probe, metric, means[self._order], layer))
        return tuple(found)

    def tokens(self) -> tuple[TokenTrace, ...]:
        """Numbers a token: float32 or int32, as wide as the longest of all fragments."""
        return tuple(TokenTrace(metric, grid[self._order]) for metric, grid in self._grids.items())
