"""How badly a model predicts a fragment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float, Int

from negspace.data import Fragments
from negspace.language_models import LanguageModel, Rows, token_losses
from negspace.probes.plan import PROBES, Planned, ProbeContext, RegisteredProbe
from negspace.probes.probe import Probe, Probed, TokenTrace, Trace, TraceMetric


@PROBES.register("loss")
@dataclass(frozen=True)
class LossProbe(RegisteredProbe):
    """How surprised the model is by each fragment.

    * ``loss``: mean of -ln P over the scored tokens, in nats per token.
    * ``bits per character``: sum of -log2 P over the scored tokens, by the characters they stand for; it
      compares models with different tokenizers.

    By token: ``loss``, in nats.
    """

    name: ClassVar[str] = "loss"
    order: ClassVar[int] = 10
    metrics: ClassVar[tuple[TraceMetric, ...]] = (
        TraceMetric("loss", "nats per token", "loss", "how surprised the model is"),
        TraceMetric("bits per character", "bits per character"),
    )

    @classmethod
    def plan(cls, context: ProbeContext) -> Iterator[Planned]:
        """Every fragment; the probe ``pressure`` takes it along where it runs."""
        if not context.settings.asks_for("pressure"):
            yield Planned(cls.name, cls(), context.every)

    @classmethod
    def token_probe(cls, context: ProbeContext) -> Probe:
        """The loss of each token."""
        return cls()

    def measure(
        self, model: LanguageModel, fragments: Fragments, rows: Rows, *, batch: int, tokens: bool = False
    ) -> Probed:
        """See `Probe`."""
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
    firsts = [model.token_texts([int(fragments.tokens[row, 0])])[0] for row in rows]
    texts = [fragments.texts[row] for row in rows]
    # Characters of the scored tokens: those of the first are left out where that is part of the text.
    characters = np.array(
        [
            len(text) - (len(first) if text.startswith(first) else 0)
            for text, first in zip(texts, firsts, strict=True)
        ],
        dtype=np.float64,
    )
    bits = np.divide(
        mean * (fragments.lengths[rows] - 1) / np.log(2),
        characters,
        out=np.full(len(rows), np.nan),
        where=characters > 0,
    )
    return Trace("loss", "loss", mean), Trace("loss", "bits per character", bits)
