"""The gradient of each fragment's own loss: how hard it pulls, which way, how much its parts disagree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np
from jaxtyping import Float, Float64, Int

from negspace.data import Fragments
from negspace.embedders import one_thread
from negspace.language_models import LanguageModel, Rows, batches, check_finite
from negspace.probes.probe import PROBES, Planned, Probe, ProbeContext, Probed, Trace, TraceMetric

if TYPE_CHECKING:
    from negspace.gradients import GradientMeter, MeanGradient

_Rows: TypeAlias = Int[np.ndarray, " rows"]
_ByLayer: TypeAlias = Float[np.ndarray, "rows layers"]
_WithTotal: TypeAlias = Float[np.ndarray, "rows columns"]  # the model as a whole first, then its layers

_SQUARED = "(nats per token)², per unit of parameters squared"


@PROBES.register("gradient")
@dataclass(frozen=True, eq=False)
class GradientProbe(Probe):
    """How hard each fragment pulls at the parameters, and which way.

    Exact gradients, from one forward and backward pass over each batch, in nats a token and the parameters'
    own units; those marked * for every layer too:

    * ``norm`` *: length of the gradient.
    * ``self-influence``: its square: what a small plain step on the fragment takes off its own loss, by the
      step's size, to first order.
    * ``cosine to mean`` *: with the mean gradient. A fragment that is part of that mean is left out of it, or
      every fragment would agree with it by ``1 / sqrt(fragments)`` at least.
    * ``cosine to reference`` *: with the reference's gradient.
    * ``transfer``: dot product with the reference's gradient: what the same step takes off its loss.
    * ``noise scale`` *, in tokens, and ``coherence``: see ``spans``.

    Attributes:
        mean: Mean gradient of the corpus; None leaves out what needs it.
        reference: Mean gradient of the reference; None leaves out what needs it.
        spans: Parts that a fragment is cut into to measure its noise scale (McCandlish et al. 2018); 0 leaves
            it out. It costs about ``(spans + 1) / 2`` further passes. ``coherence`` is the fragment's squared
            norm by its spans' mean squared norm: 1 where all pull one way, about ``1 / spans`` where they
            know nothing of each other, 0 where they cancel out.
    """

    name: ClassVar[str] = "gradient"
    order: ClassVar[int] = 30
    metrics: ClassVar[tuple[TraceMetric, ...]] = (
        TraceMetric(
            "norm",
            "nats per token, per unit of parameters",
            "gradient norm",
            "how hard the fragment pulls at the parameters",
            ("gradient norm", "itself"),
        ),
        TraceMetric("cosine to mean", "cosine", "cosine to mean", "whether it pulls where the corpus pulls"),
        TraceMetric(
            "cosine to reference",
            "cosine",
            "cosine to reference",
            "whether it pulls where the reference pulls",
        ),
        TraceMetric(
            "transfer",
            _SQUARED,
            "first-order transfer",
            "what a step on it would do for the reference, from gradients alone",
        ),
        TraceMetric("self-influence", _SQUARED),
        TraceMetric(
            "noise scale",
            "tokens",
            "turbulence",
            "how much the gradients of its parts differ, as a noise scale",
        ),
        TraceMetric(
            "coherence",
            "1 where all parts pull one way",
            "coherence",
            "whether the gradients of its parts pull one way",
        ),
    )

    mean: MeanGradient | None = None
    reference: MeanGradient | None = None
    spans: int = 0
    _meters: dict[int, GradientMeter] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def plan(cls, context: ProbeContext) -> Iterator[Planned]:
        """Every fragment against the corpus and the reference; the sample's noise, span by span."""
        reference, pieces = context.reference, np.arange(len(context.reference))
        context.mean = context.mean_gradient(context.fragments, context.many, "taking the mean gradient")
        toward = context.mean_gradient(reference, pieces, "taking the reference's gradient")
        yield Planned("gradient", cls(context.mean, toward), context.every)
        # Cutting a fragment into spans costs as much again for each span: the sample's alone.
        yield Planned("turbulence", cls(spans=context.settings.spans), context.sample)

    def meter(self, model: LanguageModel) -> GradientMeter:
        """What measures a model: its modules are looked over once, its weights may change."""
        from negspace.gradients import GradientMeter

        known = self._meters.get(id(model.network))
        # A network's identity may be another's once it is gone; the meter keeps its own alive.
        if known is None or known.network is not model.network:
            self._meters.clear()
            directions = [each.tensors for each in (self.mean, self.reference) if each is not None]
            known = self._meters[id(model.network)] = GradientMeter(model.network, directions)
        return known

    def measure(
        self, model: LanguageModel, fragments: Fragments, rows: Rows, *, batch: int, tokens: bool = False
    ) -> Probed:
        """See `Probe`."""
        rows = np.asarray(rows, dtype=np.int64)
        meter = self.meter(model)
        if not len(rows):
            return Probed(())
        with one_thread():
            squares, dots = _measured(meter, model, fragments, rows, batch)
            traces = list(_by_layer("norm", meter.layers, np.sqrt(_with_total(squares))))
            traces.append(_trace("self-influence", squares.sum(1)))
            if self.mean is not None:
                cosine = _cosine_to_others(self.mean, fragments, rows, squares, dots[0])
                traces += _by_layer("cosine to mean", meter.layers, cosine)
            if self.reference is not None:
                toward = _with_total(dots[-1])
                cosine = _cosine(toward, _with_total(squares), _with_total(self.reference.squared_norm))
                traces += _by_layer("cosine to reference", meter.layers, cosine)
                traces.append(_trace("transfer", toward[:, 0]))
            if self.spans:
                traces += self._noise(meter, model, fragments, rows, batch, squares)
        return Probed(tuple(traces))

    def _noise(
        self,
        meter: GradientMeter,
        model: LanguageModel,
        fragments: Fragments,
        rows: _Rows,
        batch: int,
        squares: _ByLayer,
    ) -> list[Trace]:
        scored = fragments.lengths[rows] - 1
        cut = [spans(int(n), self.spans) for n in scored]
        owner = np.repeat(np.arange(len(rows)), [len(bounds) - 1 for bounds in cut])
        starts = np.concatenate([bounds[:-1] for bounds in cut])
        ends = np.concatenate([bounds[1:] for bounds in cut])
        # A span's loss does not see what comes after it, so the rest of the fragment need not be read.
        none, read = ("",) * len(owner), fragments.tokens[rows[owner]]
        prefixes = Fragments(none, read, ends + 1, none, fragments.fingerprint)
        each, _ = _measured(meter, model, prefixes, np.arange(len(owner)), batch, starts)
        count = np.bincount(owner, minlength=len(rows))
        summed = np.zeros_like(squares)
        np.add.at(summed, owner, each)
        small, large = _with_total(summed / count[:, None]), _with_total(squares)
        inverse = np.bincount(owner, 1 / (ends - starts), minlength=len(rows)) / count
        sizes = [np.repeat(each[:, None], small.shape[1], axis=1) for each in (1 / inverse, scored * 1.0)]
        found = noise_scale(small, large, small_size=sizes[0], large_size=sizes[1])
        with np.errstate(divide="ignore", invalid="ignore"):
            coherence = np.where(count > 1, large[:, 0] / small[:, 0], np.nan)
        return [*_by_layer("noise scale", meter.layers, found.scale), _trace("coherence", coherence)]


@dataclass(frozen=True, eq=False)
class NoiseScale:
    """Signal and noise of gradients, each estimated without bias.

    Attributes:
        signal: ``|G|²``; may come out negative where it drowns in the noise.
        noise: ``tr Σ``, for a batch of one unit; may come out negative where there is next to none.
        scale: ``noise / signal``, in units of data; NaN where either estimate is not positive.
            A ratio of unbiased estimates, it is itself biased.
    """

    signal: Float64[np.ndarray, "*shape"]
    noise: Float64[np.ndarray, "*shape"]
    scale: Float64[np.ndarray, "*shape"]


def noise_scale(
    small: Float64[np.ndarray, "*shape"],
    large: Float64[np.ndarray, "*shape"],
    *,
    small_size: Float64[np.ndarray, "*shape"] | float,
    large_size: Float64[np.ndarray, "*shape"] | float,
) -> NoiseScale:
    """Estimate the noise scale (McCandlish et al. 2018, arXiv 1812.06162) from squared norms.

    A gradient over ``B`` units of data has expected squared norm ``|G|² + tr Σ / B``. Two batch sizes give
    both terms without bias (appendix A.1): with the smaller ``b`` and the larger ``B``,

        |G|² = (B |G_B|² - b |G_b|²) / (B - b)        tr Σ = (|G_b|² - |G_B|²) / (1/b - 1/B)

    and the simple noise scale (eq. 2.9) is ``tr Σ / |G|²``: the batch at which signal and noise are equal.

    Args:
        small: Mean squared norm of the gradients of small batches.
        large: Squared norm of the gradient of the large batch, or the mean over several.
        small_size: Units of data in a small batch; for sizes that differ, their harmonic mean.
        large_size: Units in the large one; NaN comes out where it is not larger.
    """
    b, large_b = np.asarray(small_size, dtype=float), np.asarray(large_size, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = np.where(large_b > b, large_b - b, np.nan)
        signal = (large_b * large - b * small) / apart
        noise = (small - large) * b * large_b / apart
        scale = np.where((signal > 0) & (noise > 0), noise / signal, np.nan)
    return NoiseScale(np.asarray(signal), np.asarray(noise), scale)


def spans(scored: int, n: int) -> Int[np.ndarray, " bounds"]:
    """Cut scored tokens into runs of nearly equal length: where each starts, and the end of the last."""
    return np.linspace(0, scored, min(n, scored) + 1).round().astype(np.int64)


def corpus_noise_scale(traces: Iterable[Trace], mean: MeanGradient) -> Mapping[str | None, NoiseScale]:
    """Noise scale across a corpus, in fragments, by layer; None is the model as a whole."""
    large = dict(zip((None, *mean.layers), _with_total(mean.squared_norm), strict=True))
    return {
        trace.layer: noise_scale(
            np.asarray(np.mean(trace.values**2)),
            np.asarray(large[trace.layer]),
            small_size=1.0,
            large_size=float(len(mean.rows)),
        )
        for trace in traces
        if trace.metric == "norm" and trace.layer in large
    }


def _measured(
    meter: GradientMeter,
    model: LanguageModel,
    fragments: Fragments,
    rows: _Rows,
    batch: int,
    starts: _Rows | None = None,
) -> tuple[_ByLayer, Float[np.ndarray, "directions rows layers"]]:
    """Squared norms and dot products; of the mean loss from a scored token on, where ``starts`` are given."""
    import torch

    unique, place = np.unique(rows, return_inverse=True)
    squares: Any = np.zeros((len(unique), len(meter.layers)))
    dots: Any = None
    for each in batches(fragments, unique, tokens=batch, device=model.device):
        weights = None
        if starts is not None:
            first = torch.from_numpy(starts[each.rows] + 1).to(each.positions)
            inside = each.scored & (each.positions >= first[:, None])
            weights = inside / inside.sum(1, keepdim=True)
        found = meter.measure(each, weights)
        check_finite(model, fragments, each.rows, found.loss)
        at = np.searchsorted(unique, each.rows)
        if dots is None:
            dots = np.zeros((len(found.dots), *squares.shape))
        squares[at], dots[:, at] = found.squared_norm, found.dots
    return squares[place], dots[:, place]


def _cosine_to_others(
    mean: MeanGradient, fragments: Fragments, rows: _Rows, squares: _ByLayer, dots: _ByLayer
) -> _WithTotal:
    """Cosine with the mean over all fragments but this one, from products with the mean over all.

    With ``g`` one of the ``n`` gradients whose mean is ``m``, the others' mean is ``(n m - g) / (n - 1)``.
    """
    n = len(mean.rows)
    own, toward = _with_total(squares), _with_total(dots)
    whole = np.broadcast_to(_with_total(mean.squared_norm), own.shape)
    inside = np.isin(rows, mean.rows)[:, None] & (mean.fingerprint == fragments.fingerprint)
    others = np.where(inside, n * toward - own, toward)
    square = np.where(inside, n**2 * whole - 2 * n * toward + own, whole)
    # What is left of a mean of one is nothing but rounding.
    return np.where(inside & (n == 1), np.nan, _cosine(others, own, square))


def _cosine(dot: _WithTotal, square: _WithTotal, other: Float[np.ndarray, "*others"]) -> _WithTotal:
    with np.errstate(divide="ignore", invalid="ignore"):
        cosine: Any = dot / np.sqrt(square * other)
    return np.where(np.isfinite(cosine), cosine, np.nan)


def _with_total(by_layer: Float[np.ndarray, "*rows layers"]) -> Float[np.ndarray, "*rows 1+layers"]:
    return np.concatenate([by_layer.sum(-1, keepdims=True), by_layer], axis=-1)


def _by_layer(metric: str, layers: Sequence[str], values: _WithTotal) -> Iterable[Trace]:
    return (_trace(metric, column, layer) for layer, column in zip((None, *layers), values.T, strict=True))


def _trace(metric: str, values: Float[np.ndarray, " rows"], layer: str | None = None) -> Trace:
    return Trace("gradient", metric, np.ascontiguousarray(values, dtype=np.float64), layer)
