"""What one plain gradient step on a fragment alone does to a model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from jaxtyping import Float

from negspace.data import Fragments
from negspace.embedders import one_thread
from negspace.errors import PlanError
from negspace.language_models import LanguageModel, Rows
from negspace.probes.probe import PROBES, Planned, Probe, ProbeContext, Probed, Trace, TraceMetric
from negspace.probes.retention import RetentionProbe, retention_traces, stepped_model

_QUERIES = 64
_NATS, _LN_2 = "nats per token", "nats, at most ln 2"
_ATTENTION = "attention change"


@PROBES.register("step")
@dataclass(frozen=True, eq=False)
class StepProbe(Probe):
    """What one plain gradient step on a fragment does; measured and undone.

    The step is ``θ - η g`` on the fragment's own mean loss. By fragment:

    * ``self-influence``: its loss before - after, in nats per token (TracIn: Pruthi et al. 2020);
    * ``transfer``: mean loss of the reference's fragments before - after;
    * ``self-influence first order``: η |g|²; ``transfer first order``: η g·g_reference;
    * ``drift``, by layer: mean over tokens of 1 - cosine of the hidden states before and after, on the
      fragment itself; ``cka drift``: 1 - linear CKA of the same;
    * ``attention change``, by layer: Jensen-Shannon divergence of attention before and after, in nats (at
      most ln 2), mean over heads and query positions;
    * ``reference …``: the same three on the reference, mean over its fragments;
    * ``diverged``: 1 where a loss is not finite after the step (or was not before): all other metrics of the
      fragment are NaN then; else 0.

    Attributes:
        reference: Fragments that transfer is measured on. Each step costs a forward pass over all of them.
        step_size: η, as from `choose_step_size`.
        queries: Query positions at which attention is compared, at most, evenly spaced over the fragment;
            0 to leave attention alone (a model that has none, or none it can show).
        retention: Takes the probe ``retention`` along in the same steps, and adds its traces. Its step size
            must be the same. Where its others are the reference, it costs their backward pass only.
    """

    name: ClassVar[str] = "step"
    order: ClassVar[int] = 40
    metrics: ClassVar[tuple[TraceMetric, ...]] = (
        TraceMetric("self-influence", _NATS, "self-influence", "what one step on it does for its own loss"),
        TraceMetric("transfer", _NATS, "transfer", "what one step on it does for the reference's loss"),
        TraceMetric("self-influence first order", _NATS),
        TraceMetric("transfer first order", _NATS),
        TraceMetric(
            "drift", "1 − cosine", "drift", "how far that step turns the hidden states", ("drift", "itself")
        ),
        TraceMetric("reference drift", "1 − cosine", panel=("drift", "reference")),
        TraceMetric("cka drift", "1 − CKA"),
        TraceMetric("reference cka drift", "1 − CKA"),
        TraceMetric(
            _ATTENTION, _LN_2, _ATTENTION, "how far that step moves the attention", (_ATTENTION, "itself")
        ),
        TraceMetric(f"reference {_ATTENTION}", _LN_2, panel=(_ATTENTION, "reference")),
    )

    reference: Fragments
    step_size: float
    queries: int = _QUERIES
    retention: RetentionProbe | None = None

    def __post_init__(self) -> None:
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

    @classmethod
    def plan(cls, context: ProbeContext) -> Iterator[Planned]:
        """The sample, ``retention`` taken along where it is asked for."""
        from negspace.probes.engines.before_after import shows_attention

        model = stepped_model(context)
        others, size = context.reference, context.step_size
        assert size is not None
        retention = RetentionProbe(others, size) if context.settings.asks_for("retention") else None
        queries = _QUERIES if shows_attention(model.network) else 0
        yield Planned(cls.name, cls(others, size, queries, retention), context.sample, model)

    def measure(
        self, model: LanguageModel, fragments: Fragments, rows: Rows, *, batch: int, tokens: bool = False
    ) -> Probed:
        """See `Probe`.

        Raises:
            PlanError: The model has no parameter to step on, or cannot show its attention.
            DataError: A loss is not finite before a step.
        """
        from negspace.probes.engines.before_after import eager_attention
        from negspace.probes.engines.sgd_step import Stepper, kept_parameters

        showing = eager_attention(model.network) if self.queries else nullcontext()
        with one_thread(), showing, kept_parameters(model.network) as parameters:
            stepper = Stepper(
                model,
                parameters,
                self.reference,
                None if self.retention is None else self.retention.others,
                size=self.step_size,
                queries=self.queries,
                batch=batch,
            )
            found = [stepper.step(fragments, int(row)) for row in rows]

        def over_rows(key: tuple[str, str | None]) -> Float[np.ndarray, " rows"]:
            return np.array([each.values.get(key, np.nan) for each in found])

        traces = [
            Trace(self.name, metric, over_rows((metric, layer)), layer) for metric, layer in stepper.keys
        ]
        diverged = np.array([float(not each.values) for each in found])
        traces.append(Trace(self.name, "diverged", diverged))
        if self.retention is not None:
            moments = np.array([each.moments for each in found]).reshape(-1, 3).T
            traces += retention_traces(over_rows(("self-influence", None)), moments, self.retention.lags)
        return Probed(tuple(traces))


class Agreement(NamedTuple):
    """Fragments that have both of two numbers, and their rank and linear correlation over these.

    The correlations are NaN for fewer than three, or where one of the two is the same for all.
    """

    n: int
    spearman: float
    pearson: float


def first_order_agreement(
    first_order: Float[np.ndarray, " fragments"], exact: Float[np.ndarray, " fragments"]
) -> Agreement:
    """Compare predictions (η g·g_reference for transfer, η |g|² for self-influence) with what steps did."""
    from scipy.stats import pearsonr, spearmanr

    both = np.isfinite(first_order) & np.isfinite(exact)
    x, y = first_order[both].astype(np.float64), exact[both].astype(np.float64)
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return Agreement(len(x), float("nan"), float("nan"))
    return Agreement(len(x), float(spearmanr(x, y).statistic), float(pearsonr(x, y).statistic))
