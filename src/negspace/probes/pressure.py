"""What the loss of a fragment pushes away, and how hard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from jaxtyping import Int

from negspace.data import Fragments
from negspace.embedders.quiet import one_thread
from negspace.errors import PlanError
from negspace.language_models import LanguageModel
from negspace.probes.collecting import Collected
from negspace.probes.loss import loss_traces
from negspace.probes.neighbours import NearestTokens
from negspace.probes.probe import Probed
from negspace.records import Json

if TYPE_CHECKING:
    from negspace.probes.logit_blocks import LogitBlock

__all__ = ["PressureProbe"]


@dataclass(frozen=True)
class PressureProbe:
    """Softmax negative pressure: docs/pressure.md has its definition and measures.

    Attributes:
        temperatures: Of the sweep; each half of one before it costs next to nothing.
        neighbours: Tokens nearest to the true one, by cosine of output embeddings, that count as near.
        competitors: Strongest competitors named for each token.
        with_loss: Take the probe ``loss`` along in the same pass, and add its traces.

    Raises:
        PlanError: A temperature is outside 0.01 to 1,000 or named twice, or a number is negative.
    """

    name: ClassVar[str] = "pressure"

    temperatures: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0)
    neighbours: int = 10
    competitors: int = 5
    with_loss: bool = False
    # What it has found for a model serves all later calls.
    _nearest: NearestTokens = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "temperatures", tuple(float(t) for t in self.temperatures))
        if not all(0.01 <= t <= 1000 for t in self.temperatures) or len(set(self.temperatures)) < len(
            self.temperatures
        ):
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
        object.__setattr__(self, "_nearest", NearestTokens(self.neighbours))

    def describe(self) -> Mapping[str, Json]:
        """Temperatures, neighbours and competitors."""
        return {
            "temperatures": list(self.temperatures),
            "neighbours": self.neighbours,
            "competitors": self.competitors,
        }

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
        import torch  # noqa: PLC0415  (an extra)

        from negspace.probes.logit_blocks import logit_blocks  # noqa: PLC0415  (an extra)

        rows = np.asarray(rows, dtype=np.int64)
        grids = ("pressure", "effective competitors", "neighbour share") if tokens else ()
        collected = Collected(fragments, rows, grids)
        with one_thread(), torch.inference_mode():
            for block in logit_blocks(model, fragments, rows, batch=batch):
                if tokens and self.competitors:
                    self._name_competitors(collected, block)
                self._sum_up(collected, model, block)
        traces = collected.traces(self.name)
        if self.with_loss:
            mean = next(trace.values for trace in traces if trace.measure == "loss")
            others = (trace for trace in traces if trace.measure != "loss")
            traces = (*loss_traces(model, fragments, rows, mean), *others)
        return Probed(traces, collected.tokens())

    def _name_competitors(self, collected: Collected, block: LogitBlock) -> None:
        from negspace.probes.competition import strongest  # noqa: PLC0415  (an extra)

        ids, probabilities = strongest(
            block.logits, block.truth, min(self.competitors, block.logits.shape[1] - 1)
        )
        collected.add_grid("competitors", block.rows, block.places, ids.numpy())
        collected.add_grid("competitor probabilities", block.rows, block.places, probabilities.numpy())

    def _sum_up(self, collected: Collected, model: LanguageModel, block: LogitBlock) -> None:
        from negspace.probes.competition import competition  # noqa: PLC0415  (an extra)

        near = self._nearest.of(model, block.truth)
        found = competition(block.logits, block.truth, near, self.temperatures)
        values = {
            "pressure": found.pressure,
            "effective competitors": found.effective,
            "neighbour share": found.near_share,
        }
        if self.with_loss:
            values["loss"] = found.loss
        for i, temperature in enumerate(self.temperatures):
            values[f"truth at T={temperature:g}"] = found.truth[:, i]
            values[f"near at T={temperature:g}"] = found.near[:, i]
            values[f"rest at T={temperature:g}"] = found.rest[:, i]
        collected.add(block.rows, block.places, {name: each.numpy() for name, each in values.items()})
