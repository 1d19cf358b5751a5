"""What one plain gradient step on a fragment alone does to a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Int

from negspace.data import Fragments
from negspace.embedders.quiet import one_thread
from negspace.errors import PlanError
from negspace.language_models import LanguageModel
from negspace.probes.probe import Probed, Trace
from negspace.probes.retention import RetentionProbe, retention_traces
from negspace.records import Json

__all__ = ["QUERIES", "StepProbe"]

QUERIES = 64


@dataclass(frozen=True, eq=False)
class StepProbe:
    """One step ``θ - η g`` on a fragment's own mean loss, measured and undone.

    ============================== ========================================================================
    measure                        of each fragment
    ============================== ========================================================================
    ``self-influence``             its loss before - after, in nats per token (TracIn: Pruthi et al. 2020)
    ``transfer``                   mean loss of the reference's fragments before - after
    ``self-influence first order`` η |g|²
    ``transfer first order``       η g·g_reference
    ``drift``                      by layer: mean over tokens of 1 - cosine of the hidden states before and
                                   after, on the fragment itself; `drift.cosine_drift`
    ``cka drift``                  by layer: 1 - linear CKA of the same; `drift.cka_drift`
    ``attention change``           by layer: Jensen-Shannon divergence of attention before and after, in nats
                                   (at most ln 2), mean over heads and query positions
    ``reference …``                the same three on the reference, mean over its fragments
    ``diverged``                   1 where a loss is not finite after the step (or was not before): all other
                                   measures of the fragment are NaN then; else 0
    ============================== ========================================================================

    Attributes:
        reference: Fragments that transfer is measured on. Each step costs a forward pass over all of them.
        step_size: η, as from `stepping.choose_step_size`.
        queries: Query positions at which attention is compared, at most, evenly spaced over the fragment;
            0 to leave attention alone (a model that has none, or none it can show).
        retention: Takes the probe ``retention`` along in the same steps, and adds its traces. Its step size
            must be the same. Where its others are the reference, it costs their backward pass only.
    """

    name: ClassVar[str] = "step"

    reference: Fragments
    step_size: float
    queries: int = QUERIES
    retention: RetentionProbe | None = None

    def __post_init__(self) -> None:
        """Refuse what gives no answer."""
        if not len(self.reference) or not self.step_size > 0 or self.queries < 0:
            raise PlanError(
                "a step needs a reference and a size above 0",
                got=f"{len(self.reference)} fragments, size {self.step_size:g}, {self.queries} queries",
            )
        if self.retention is not None and self.retention.step_size != self.step_size:
            raise PlanError(
                "step and retention go together only with one step size",
                got=f"{self.step_size:g} and {self.retention.step_size:g}",
            )

    def describe(self) -> Mapping[str, Json]:
        """The reference, the step and what is compared."""
        settings: dict[str, Json] = {
            "reference": self.reference.fingerprint,
            "step_size": self.step_size,
            "queries": self.queries,
        }
        if self.retention is not None:
            settings["retention"] = self.retention.describe()
        return settings

    def measure(
        self,
        model: LanguageModel,
        fragments: Fragments,
        rows: Sequence[int] | Int[np.ndarray, " rows"],
        *,
        batch: int,
        tokens: bool = False,  # noqa: ARG002  (there are no numbers a token)
    ) -> Probed:
        """See `Probe`.

        Raises:
            PlanError: The model has no parameter to step on, or cannot show its attention.
            DataError: A loss is not finite before a step.
        """
        from negspace.probes.stepping import stepping  # noqa: PLC0415  (an extra)
        from negspace.probes.steps import Stepper, showing  # noqa: PLC0415  (an extra)

        others = None if self.retention is None else self.retention.others
        with one_thread(), showing(model.network, self.queries), stepping(model.network) as parameters:
            stepper = Stepper(
                model,
                parameters,
                self.reference,
                others,
                size=self.step_size,
                queries=self.queries,
                batch=batch,
            )
            found = [stepper.step(fragments, int(row)) for row in rows]
        traces = [
            Trace(
                self.name,
                measure,
                np.array([each.values.get((measure, layer), np.nan) for each in found]),
                layer,
            )
            for measure, layer in stepper.measures
        ]
        traces.append(Trace(self.name, "diverged", np.array([float(each.diverged) for each in found])))
        if self.retention is not None:
            gains = np.array([each.values.get(("self-influence", None), np.nan) for each in found])
            moments = np.array([each.moments for each in found]).reshape(-1, 3).T
            traces += retention_traces(gains, moments, self.retention.lags)
        return Probed(tuple(traces))
