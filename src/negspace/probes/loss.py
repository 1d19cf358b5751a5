"""How badly a model predicts a fragment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float, Int

from negspace.data import Fragments
from negspace.language_models import LanguageModel
from negspace.language_models.scoring import token_losses
from negspace.probes.probe import Probed, TokenTrace, Trace
from negspace.records import Json

__all__ = ["LossProbe", "loss_traces"]


@dataclass(frozen=True)
class LossProbe:
    """The loss of each fragment.

    ====================== ============== ==================================================================
    measure                unit           is
    ====================== ============== ==================================================================
    ``loss``               nats per token mean of -ln P over the scored tokens
    ``bits per character`` bits           sum of -log2 P over the scored tokens, by the characters they stand
                                          for; it compares models of other tokenizers
    ====================== ============== ==================================================================

    By token: ``loss``, in nats.
    """

    name: ClassVar[str] = "loss"

    def describe(self) -> Mapping[str, Json]:
        """No settings."""
        return {}

    def measure(
        self,
        model: LanguageModel,
        fragments: Fragments,
        rows: Sequence[int] | Int[np.ndarray, " rows"],
        *,
        batch: int,
        tokens: bool = False,
    ) -> Probed:
        """See `Probe`.

        Raises:
            DataError: A loss is not finite.
        """
        rows = np.asarray(rows, dtype=np.int64)
        losses = token_losses(model, fragments, rows, batch)
        mean = np.nansum(losses, axis=1, dtype=np.float64) / (fragments.lengths[rows] - 1)
        found = loss_traces(model, fragments, rows, mean)
        return Probed(found, (TokenTrace("loss", losses),) if tokens else ())


def loss_traces(
    model: LanguageModel,
    fragments: Fragments,
    rows: Int[np.ndarray, " rows"],
    mean: Float[np.ndarray, " rows"],
) -> tuple[Trace, ...]:
    """Traces of the probe ``loss``, from the mean loss of each fragment in nats per token."""
    characters = _scored_characters(model, fragments, rows)
    bits = np.divide(
        mean * (fragments.lengths[rows] - 1) / np.log(2),
        characters,
        out=np.full(len(rows), np.nan),
        where=characters > 0,
    )
    return Trace("loss", "loss", mean), Trace("loss", "bits per character", bits)


def _scored_characters(
    model: LanguageModel, fragments: Fragments, rows: Int[np.ndarray, " rows"]
) -> Float[np.ndarray, " rows"]:
    """Characters of each text, those of its first token left out where that is part of the text."""
    texts = [fragments.texts[row] for row in rows]
    firsts = [model.token_texts([int(fragments.tokens[row, 0])])[0] for row in rows]
    return np.array(
        [
            len(text) - (len(first) if text.startswith(first) else 0)
            for text, first in zip(texts, firsts, strict=True)
        ],
        dtype=np.float64,
    )
