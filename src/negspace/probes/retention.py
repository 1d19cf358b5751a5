"""How much of what a fragment taught is left after further steps on other fragments.

Taking the further steps costs as many forward and backward passes a fragment. The probe reads the same off
one gradient of other fragments, taken where the own step leads.

After its own step the model is off by ``δ = -η g``. A further plain step on other fragments, whose mean loss
has the Hessian H, turns what it is off by into ``(1 - η H) δ``. Of the fragment's gain, to first order
``-g·δ``, there is left after k steps

    r_k = g·(1 - η H)^k g / |g|²  ≈  Σ_i w_i exp(-k η λ_i),

with λ_i the eigenvalues of H and w_i the share of ``|g|²`` in the direction of each. What a fragment shares
with all others (large λ) is overwritten soon, what is its own stays. The gradient of others at the stepped
model gives ``η H g``, and with it three moments of that spectrum: ``|g|²``, ``g·Hg`` and ``|Hg|²`` (the last
from two halves of the others, so that the scatter of few fragments is not taken for curvature). The
Gauss-Radau rule with a node at 0 turns these into the integral of any function (Golub & Meurant 2010,
"Matrices, Moments and Quadrature", ch. 6; for Hessians of networks: Ghorbani et al. 2019): a part
``w = (g·Hg)² / (|g|² |Hg|²)`` of the gain decays by ``η λ``, ``λ = |Hg|² / g·Hg``, a step; the rest stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float, Float64

from negspace.data import Fragments
from negspace.embedders import one_thread
from negspace.errors import PlanError
from negspace.language_models import LanguageModel, Rows
from negspace.probes.probe import PROBES, Planned, Probe, ProbeContext, Probed, Trace, TraceMetric

LAGS = (1, 4, 16)
SMALLEST_GAIN = 1e-5
"""Nats per token: a smaller gain cannot be told from rounding in float32."""

_CHOSEN_BY = 32  # fragments of the sample by which a step's size is chosen


def stepped_model(context: ProbeContext) -> LanguageModel:
    """The model that steps are taken on, in float32 or wider; the context is given the steps' size."""
    from negspace.probes.engines.sgd_step import choose_step_size, in_float32, squared_norms

    model = in_float32(context.model)
    context.step_size = context.settings.step_size
    if context.step_size is None:
        context.report("choosing a step", 0, 1)
        # From the first of the sample, whatever else is measured: a step has one size in all runs.
        norms = squared_norms(model, context.fragments, context.sample[:_CHOSEN_BY].tolist())
        context.step_size = choose_step_size(norms)
    return model


@PROBES.register("retention")
@dataclass(frozen=True, eq=False)
class RetentionProbe(Probe):
    """How much of a fragment's own gain is left after further steps on other fragments.

    * ``left after k``: share of its own gain (loss before - after its own step) that is left after k further
      steps on others, estimated as the module's text says; NaN where the own step gained less than 1e-5 nats
      per token, or diverged.
    * ``half-life``: further steps after which half is left, by an exponential through all lags; infinite
      where nothing is lost.

    Costs a forward and backward pass over the fragment and one over ``others``, and a forward. Given to the
    step probe, it costs one backward pass over ``others``, and a forward where they are not its reference.

    Attributes:
        others: Two or more fragments such as the further steps are on; none of those probed.
        step_size: η, the size of the own step and of the further ones.
        lags: Numbers of further steps.
    """

    name: ClassVar[str] = "retention"
    order: ClassVar[int] = 50
    metrics: ClassVar[tuple[TraceMetric, ...]] = (
        *(TraceMetric(f"left after {lag}", "share of the own gain") for lag in LAGS[:-1]),
        TraceMetric(
            f"left after {LAGS[-1]}",
            "share of the own gain",
            f"left after {LAGS[-1]}",
            "how much of its own gain is left after steps on other fragments",
        ),
        TraceMetric("half-life", "steps"),
    )

    others: Fragments
    step_size: float
    lags: tuple[int, ...] = LAGS

    def __post_init__(self) -> None:
        if len(self.others) < 2 or not self.step_size > 0 or not self.lags or min(self.lags) < 1:
            raise PlanError(
                "retention needs two other fragments, a step and lags of at least one step",
                got=f"{len(self.others)} fragments, step size {self.step_size:g}, lags {list(self.lags)}",
            )

    @classmethod
    def plan(cls, context: ProbeContext) -> Iterator[Planned]:
        """The sample; the probe ``step`` takes it along where it runs."""
        if not context.settings.asks_for("step"):
            model = stepped_model(context)
            assert context.step_size is not None
            yield Planned(cls.name, cls(context.reference, context.step_size), context.sample, model)

    def measure(
        self, model: LanguageModel, fragments: Fragments, rows: Rows, *, batch: int, tokens: bool = False
    ) -> Probed:
        """See `Probe`."""
        from negspace.probes.engines.sgd_step import ReferenceGradient, halves, kept_parameters, own_gain

        rows = np.asarray(rows, dtype=np.int64)
        gains, moments = np.full(len(rows), np.nan), np.full((3, len(rows)), np.nan)
        with one_thread(), kept_parameters(model.network) as parameters:
            others = ReferenceGradient(model, halves(self.others, batch, model.device), parameters)
            for at, row in enumerate(rows):
                taken = own_gain(model, fragments, int(row), others, parameters, self.step_size)
                gains[at], moments[:, at] = taken
        return Probed(retention_traces(gains, moments, self.lags))


def retained(
    moments: Float[np.ndarray, "3 fragments"], lags: Sequence[int]
) -> Float64[np.ndarray, "lags fragments"]:
    """What is left of a gain after k further steps, from three moments of the curvature along it.

    Args:
        moments: ``δ·δ``, ``δ·Aδ`` and ``Aδ·Aδ`` for the step δ of each fragment, ``A = η H`` (see above).
        lags: Numbers of further steps.

    Returns:
        Share of the gain. Where ``δ·Aδ`` is not positive (others' steps carry δ on, or leave it), the line
        ``1 - k δ·Aδ / δ·δ``, since these moments give no decay.
    """
    size, along, across = np.asarray(moments, dtype=np.float64)
    k = np.asarray(lags, dtype=np.float64)[:, None]
    # No spectrum has less: what falls short of it (two halves of others may) is scatter.
    least = np.divide(along**2, size, out=np.full_like(size, np.nan), where=size > 0)
    across = np.maximum(across, least)
    positive = along > 0
    share = np.divide(least, across, out=np.zeros_like(size), where=positive)
    rate = np.divide(across, along, out=np.zeros_like(size), where=positive)
    straight = 1 - k * np.divide(along, size, out=np.full_like(size, np.nan), where=size > 0)
    found: Float64[np.ndarray, "lags fragments"] = np.where(
        positive, 1 + share * np.expm1(-k * rate), straight
    )
    return found


def half_life(
    lags: Sequence[int], left: Float[np.ndarray, "lags fragments"]
) -> Float64[np.ndarray, " fragments"]:
    """Steps after which half is left, by ``exp(-k / τ)`` fitted to the logarithms by least squares.

    Returns:
        ``τ ln 2``; infinite where nothing is lost, 0 where at some lag nothing is left, NaN where one is NaN.
    """
    k = np.asarray(lags, dtype=np.float64)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = -(k * np.log(np.maximum(left, 0.0))).sum(axis=0) / (k**2).sum()
        found: Float64[np.ndarray, " fragments"] = np.where(rate > 0, np.log(2) / rate, np.inf)
    return np.where(np.isnan(left).any(axis=0), np.nan, found)


def retention_traces(
    gains: Float[np.ndarray, " fragments"], moments: Float[np.ndarray, "3 fragments"], lags: Sequence[int]
) -> tuple[Trace, ...]:
    """Traces of the probe ``retention``, from own gains and the moments of `retained`."""
    left = np.where(gains > SMALLEST_GAIN, retained(moments, lags), np.nan)
    after = [Trace("retention", f"left after {k}", each) for k, each in zip(lags, left, strict=True)]
    return (*after, Trace("retention", "half-life", half_life(lags, left)))
