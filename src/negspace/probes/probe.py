"""What a probe is: a model and fragments in, one number a fragment (and layer) out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from negspace.data import Fragments
from negspace.language_models import LanguageModel
from negspace.records import Json

__all__ = ["Probe", "Probed", "TokenTrace", "Trace"]


@dataclass(frozen=True, eq=False)
class Trace:
    """One measure of what fragments do to a language model.

    Attributes:
        probe: The probe that took it.
        measure: What was measured; its unit stands in the probe's documentation.
        values: One for each fragment; NaN where it was not measured or is undefined.
        layer: The layer it was taken at, as the model names it; None for the model as a whole.
    """

    probe: str
    measure: str
    values: Float[np.ndarray, " fragments"]
    layer: str | None = None


@dataclass(frozen=True, eq=False)
class TokenTrace:
    """One measure of every token of the fragments probed.

    Attributes:
        measure: What was measured.
        values: A number a token (or, for competitors, several: the last axis), in the order of the fragments'
            tokens; NaN, or -1 for ids, where the token is not scored.
    """

    measure: str
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
    """Measures of one kind.

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
        self,
        model: LanguageModel,
        fragments: Fragments,
        rows: Sequence[int] | Int[np.ndarray, " rows"],
        *,
        batch: int,
        tokens: bool = False,
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
