"""How badly a model predicts a fragment, and what the loss pushes away meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from jaxtyping import Int

from negspace.data import Fragments
from negspace.embedders import one_thread
from negspace.errors import DataError, PlanError
from negspace.language_models import LanguageModel, Rows, token_losses
from negspace.probes.probe import (
    PROBES,
    Collected,
    Planned,
    Probe,
    ProbeContext,
    Probed,
    TokenTrace,
    Trace,
    TraceMetric,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jaxtyping import Float
    from torch import Tensor

TEMPERATURES = (0.5, 1.0, 2.0, 4.0)

_AT_ONCE = 1 << 22  # cosines held at once


@PROBES.register("loss")
@dataclass(frozen=True)
class LossProbe(Probe):
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
        found = _loss_traces(model, fragments, rows, mean)
        return Probed(found, (TokenTrace("loss", losses),) if tokens else ())


def _loss_traces(
    model: LanguageModel, fragments: Fragments, rows: Int[np.ndarray, " n"], mean: Float[np.ndarray, " n"]
) -> tuple[Trace, ...]:
    """Traces of the probe ``loss``, from the mean loss of each fragment in nats per token."""
    characters = np.empty(len(rows))
    for place, row in enumerate(rows):
        # Characters of the scored tokens: those of the first are left out where that is part of the text.
        text, first = fragments.texts[row], model.token_texts([int(fragments.tokens[row, 0])])[0]
        characters[place] = len(text) - (len(first) if text.startswith(first) else 0)
    bits = mean * (fragments.lengths[rows] - 1) / np.log(2)
    each = np.divide(bits, characters, out=np.full(len(rows), np.nan), where=characters > 0)
    return Trace("loss", "loss", mean), Trace("loss", "bits per character", each)


@PROBES.register("pressure")
@dataclass(frozen=True)
class PressureProbe(Probe):
    """Softmax negative pressure: what the loss pushes down, and how hard.

    `engines.softmax_competition` has its definition.

    Attributes:
        temperatures: The sweep; each half of one before it costs next to nothing.
        neighbours: Tokens nearest to the true one, by cosine of output embeddings, that count as near.
        competitors: Strongest competitors named for each token.
        with_loss: Take the probe ``loss`` along in the same pass, and add its traces.

    Raises:
        PlanError: A temperature is outside 0.01 to 1,000 or named twice, or a number is negative.
    """

    name: ClassVar[str] = "pressure"
    order: ClassVar[int] = 20
    metrics: ClassVar[tuple[TraceMetric, ...]] = (
        TraceMetric(
            "pressure",
            "1 − P of the true token",
            "pressure",
            "how hard the softmax pushes down what is not the next token",
        ),
        TraceMetric(
            "effective competitors",
            "tokens",
            "effective competitors",
            "how many other tokens share that push",
        ),
        TraceMetric("neighbour share", "share of the pressure"),
        *(
            TraceMetric(f"{part} at T={temperature:g}", "probability")
            for temperature in TEMPERATURES
            for part in ("truth", "near", "rest")
        ),
    )

    temperatures: tuple[float, ...] = TEMPERATURES
    neighbours: int = 10
    competitors: int = 5
    with_loss: bool = False
    # Neighbours of tokens in a model's output embedding, each looked for once: by the model's fingerprint.
    _nearest: dict[str, Int[Tensor, "vocabulary k"]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "temperatures", tuple(float(t) for t in self.temperatures))
        distinct = len(set(self.temperatures)) == len(self.temperatures)
        if not distinct or not all(0.01 <= t <= 1000 for t in self.temperatures):
            raise PlanError(
                "temperatures are distinct numbers from 0.01 to 1,000",
                got=self.temperatures,
                hint="leave out or change those that are not",
            )
        if self.neighbours < 0 or self.competitors < 0:
            raise PlanError(
                "numbers of neighbours and competitors are 0 or more",
                got=(self.neighbours, self.competitors),
                hint="ask for 0 to leave them out",
            )

    @classmethod
    def plan(cls, context: ProbeContext) -> Iterator[Planned]:
        """Every fragment, in one pass with the probe ``loss``."""
        yield Planned(cls.name, cls(with_loss=context.settings.asks_for("loss")), context.every)

    @classmethod
    def token_probe(cls, context: ProbeContext) -> Probe:
        """Pressure and competitors of each token."""
        return cls()

    def measure(
        self, model: LanguageModel, fragments: Fragments, rows: Rows, *, batch: int, tokens: bool = False
    ) -> Probed:
        """See `Probe`.

        Raises:
            DataError: The model has no output embedding.
        """
        import torch

        from negspace.probes.engines.backbone import logit_blocks
        from negspace.probes.engines.softmax_competition import competition, strongest

        rows = np.asarray(rows, dtype=np.int64)
        grids = ("pressure", "effective competitors", "neighbour share") if tokens else ()
        collected = Collected(fragments, rows, grids)
        with one_thread(), torch.inference_mode():
            for block in logit_blocks(model, fragments, rows, batch=batch):
                if tokens and self.competitors:
                    k = min(self.competitors, block.logits.shape[1] - 1)
                    ids, chances = strongest(block.logits, block.truth, k)
                    collected.add_grid("competitors", block.rows, block.places, ids.numpy())
                    collected.add_grid("competitor probabilities", block.rows, block.places, chances.numpy())
                near = self._near(model, block.truth)
                found = competition(block.logits, block.truth, near, self.temperatures)
                values = {
                    "pressure": found.pressure,
                    "effective competitors": found.effective,
                    "neighbour share": found.near_share,
                    **({"loss": found.loss} if self.with_loss else {}),
                }
                for i, temperature in enumerate(self.temperatures):
                    values[f"truth at T={temperature:g}"] = found.truth[:, i]
                    values[f"near at T={temperature:g}"] = found.near[:, i]
                    values[f"rest at T={temperature:g}"] = found.rest[:, i]
                taken = {name: each.numpy() for name, each in values.items()}
                collected.add(block.rows, block.places, taken)
        traces = collected.traces(self.name)
        if self.with_loss:
            mean = next(trace.values for trace in traces if trace.metric == "loss")
            others = (trace for trace in traces if trace.metric != "loss")
            traces = (*_loss_traces(model, fragments, rows, mean), *others)
        return Probed(traces, collected.tokens())

    def _near(self, model: LanguageModel, ids: Int[Tensor, " tokens"]) -> Int[Tensor, "tokens k"]:
        """Neighbours of each token, on its device."""
        import torch

        layer = model.network.get_output_embeddings()
        if layer is None:
            raise DataError(
                f"{model.name} has no output embedding, so no token has neighbours in it",
                got=type(model.network).__name__,
                hint="choose a causal language model",
            )
        if model.fingerprint not in self._nearest:
            size = len(layer.weight)
            table = torch.full(
                (size, min(self.neighbours, size - 1)), -1, dtype=torch.int64, device=ids.device
            )
            self._nearest[model.fingerprint] = table
        table = self._nearest[model.fingerprint]
        if table.shape[1]:
            missing: Tensor = ids[table[ids, 0] < 0].unique()  # type: ignore[no-untyped-call]
            if len(missing):
                table[missing] = nearest_tokens(layer.weight.detach(), missing, table.shape[1])
        return table[ids]


def nearest_tokens(
    embedding: Float[Tensor, "vocabulary width"], ids: Int[Tensor, " tokens"], k: int
) -> Int[Tensor, "tokens k"]:
    """Find the tokens of highest cosine to each of some tokens, highest first, itself left out.

    Cosines are held for a block of tokens at a time, never for the whole vocabulary.
    """
    import torch

    unit = torch.nn.functional.normalize(embedding.float(), dim=1)
    found = torch.empty((len(ids), k), dtype=torch.int64, device=unit.device)
    size = max(1, _AT_ONCE // len(unit))
    for start in range(0, len(ids), size):
        part = ids[start : start + size]
        cosines = unit[part] @ unit.T
        cosines.scatter_(1, part[:, None], -torch.inf)
        found[start : start + size] = cosines.topk(k, dim=1).indices
    return found
