"""From the traces of a run to its findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from negspace._version import __version__
from negspace.gradients import NAMED, layers_of
from negspace.probes import (
    LAGS,
    ProbeContext,
    Trace,
    corpus_noise_scale,
    first_order_agreement,
    metric_of,
    ranked_columns,
    volatile_types,
)
from negspace.probing import findings as f
from negspace.probing.highlights import Values, finite, highlights_of, rounded, temperature_curve
from negspace.probing.inputs import Inputs
from negspace.probing.parts import Column, TraceTable

if TYPE_CHECKING:
    from negspace.probes.role import FragmentRoles

_EXCERPT = 120  # characters
_BAND = (0.05, 0.95)
_VOLATILE = 12
# What the gradient alone foretells of every fragment, and what a step did with the sample.
_FIRST_ORDER = (
    (("gradient", "transfer"), ("step", "transfer")),
    (("gradient", "self-influence"), ("step", "self-influence")),
)
_CHOSEN = "Half of the fragments should lose 0.1 nats per token or more of their own, to first order."
_UNSURE = "Where no role is likely enough, or a fragment was not looked at, it is left unsure."
_RULE = (
    "Small networks that never saw a fragment predict it. As well as they expect to: structure. If not, and "
    f"seeing it, or what states the same, gains most of the loss: a fact. Else noise. {_UNSURE}"
)
_RELATIVE_RULE = (
    "The networks learn this corpus by heart, so roles are told by how far a fragment is from the ordinary "
    "ones. In no better order than its own words shuffled: noise. In order, and gained by seeing it or what "
    f"states the same: a fact. In order, and as expected: structure. {_UNSURE}"
)


def summarise(
    key: str, inputs: Inputs, context: ProbeContext, table: TraceTable, *, check: bool, highlights: int
) -> f.ProbeFindings:
    """Put the findings together."""
    settings, fragments, roles, means = context.settings, context.fragments, context.roles, context.type_means
    shown, held = _ranked_columns(table), context.reference
    chosen = None if context.step_size is None else _CHOSEN if settings.step_size is None else "As asked for."
    sizes = len(fragments), int(fragments.lengths.sum()), sum(map(len, fragments.texts))
    return f.ProbeFindings(
        kind="probe",
        version=__version__,
        key=key,
        corpus=f.Corpus(inputs.source, *sizes, settings.fragment_tokens, inputs.notes),
        model=_model(inputs),
        reference=f.Reference(inputs.reference_source, len(held), int(held.lengths.sum())),
        settings=f.RunFacts(settings.seed, len(context.sample), context.step_size, chosen, settings.probes),
        coverage=_coverage(context),
        check=_check(context) if check else None,
        measures=tuple(_spreads(table)),
        layers=tuple(_layer_profiles(table)),
        temperature=temperature_curve(table),
        noise_scale=_noise_scale(context, table),
        agreement=tuple(_agreement(table)),
        retention=_retention_curve(table),
        roles=None if roles is None else _roles(roles),
        volatile=None if means is None else f.Volatile(*volatile_types(context.model, means, _VOLATILE)),
        columns=tuple(shown),
        units={name: metric.unit for name, (_, metric) in ranked_columns().items() if name in shown},
        fragments=_rows(context, shown),
        chosen=highlights_of(context, table, shown, highlights),
    )


def _model(inputs: Inputs) -> f.ModelFacts:
    model = inputs.model
    parameters = dict(model.network.named_parameters())
    return f.ModelFacts(
        model.name,
        sum(p.numel() for p in parameters.values()),
        layers_of(parameters),
        model.context,
        int(model.network.get_input_embeddings().weight.shape[0]),
        str(next(iter(parameters.values())).dtype).removeprefix("torch."),
        model.device,
        inputs.training,
    )


def _coverage(context: ProbeContext) -> f.CoverageShare | None:
    if context.mean is None:
        return None
    from negspace.gradients import GradientMeter

    coverage, rows = GradientMeter(context.model.network).coverage, []
    for (status, why), entries in coverage.kinds().items():
        size, known = sum(entry.size for entry in entries), status == "measured"
        kind = why if known else ", ".join(entry.name for entry in entries[:NAMED])
        rows.append(f.CoverageKind(kind, status, size, len(entries), "" if known else why))
    return f.CoverageShare(coverage.share, tuple(rows), coverage.warning())


def _check(context: ProbeContext) -> f.GradientCheck:
    from negspace.embedders import one_thread
    from negspace.gradients import check

    context.report("checking gradients", 0, 1)
    at_once = max(1, context.batch // int(context.fragments.lengths.max()))
    with one_thread():
        found = check(context.model, context.fragments, context.sample[:at_once].tolist())
    return f.GradientCheck(found.fragments, found.norm_error, found.dot_error, found.overhead)


def _spreads(table: TraceTable) -> Iterable[f.Spread]:
    """Each metric of the model as a whole: how many fragments have it, and how it is spread."""
    for column, values in table.columns.items():
        there = values[~np.isnan(values)]
        # The role itself is a code, and has no median.
        if column.layer is not None or not len(there) or column == Column("role", "role"):
            continue
        spread = len(there) > 1 and bool(np.isfinite(there).all())
        yield f.Spread(
            column.probe,
            column.metric,
            metric_of(column.probe, column.metric).unit,
            len(there),
            finite(float(there.mean())),
            finite(float(there.std(ddof=1))) if spread else None,
            *_quantiles(there, (_BAND[0], 0.25, 0.5, 0.75, _BAND[1])),
        )


def _layer_profiles(table: TraceTable) -> Iterable[f.LayerProfile]:
    for probe, name in dict.fromkeys((c.probe, c.metric) for c in table.columns if c.layer is not None):
        layers, metric = table.layers_of(probe, name), metric_of(probe, name)
        if metric.panel is not None and len(layers) > 1:
            quantiles = [_quantiles(values, (_BAND[0], 0.5, _BAND[1])) for values in layers.values()]
            n = max(int(np.isfinite(values).sum()) for values in layers.values())
            low, median, high = zip(*quantiles, strict=True)
            yield f.LayerProfile(probe, name, metric.unit, tuple(layers), low, median, high, n)


def _noise_scale(context: ProbeContext, table: TraceTable) -> f.NoiseScales | None:
    if context.mean is None or len(context.mean.rows) < 2:
        return None
    norms = [
        Trace("gradient", "norm", values[context.mean.rows], column.layer)
        for column, values in table.columns.items()
        if (column.probe, column.metric) == ("gradient", "norm")
    ]
    scales = corpus_noise_scale(norms, context.mean)
    found = {layer: finite(float(each.scale)) for layer, each in scales.items()}
    total = found.pop(None)
    return f.NoiseScales(total, "fragments", {str(layer): scale for layer, scale in found.items()})


def _agreement(table: TraceTable) -> Iterable[f.AgreementRow]:
    for first, exact in _FIRST_ORDER:
        one, other = table.get(*first), table.get(*exact)
        if one is not None and other is not None:
            found = first_order_agreement(one, other)
            correlations = finite(found.spearman), finite(found.pearson)
            yield f.AgreementRow(": ".join(first), ": ".join(exact), *correlations, found.n)


def _retention_curve(table: TraceTable) -> f.RetentionCurve | None:
    """What is left of a fragment's own gain: its median and quarters over the sample, and the half-life."""
    curves = [curve for lag in LAGS if (curve := table.get("retention", f"left after {lag}")) is not None]
    if len(curves) < len(LAGS):
        return None
    quantiles = [(1.0, 1.0, 1.0), *(_quantiles(curve, (0.25, 0.5, 0.75)) for curve in curves)]
    half_life = table.get("retention", "half-life")
    half = None if half_life is None else _quantiles(half_life, (0.5,))[0]
    n = max(int(np.isfinite(curve).sum()) for curve in curves)
    low, median, high = zip(*quantiles, strict=True)
    return f.RetentionCurve((0, *LAGS), low, median, high, half, n)


def _roles(roles: FragmentRoles) -> f.RoleCounts:
    relative = roles.quantities.overfitted()
    rule, names = _RELATIVE_RULE if relative else _RULE, tuple(roles.quantities.by_name())
    return f.RoleCounts(roles.counts(), rule, relative, names)


def _rows(context: ProbeContext, shown: Mapping[str, Values]) -> tuple[f.FragmentRow, ...]:
    fragments, settings = context.fragments, context.settings
    sampled = set(context.sample.tolist()) if settings.asks_for("step", "retention", "gradient") else set()
    roles = None if context.roles is None else context.roles.names()
    rows = []
    for row, (place, text, length) in enumerate(
        zip(fragments.places, fragments.texts, fragments.lengths.tolist(), strict=True)
    ):
        role = None if roles is None else roles[row]
        numbers = tuple(rounded(float(values[row])) for values in shown.values())
        rows.append(f.FragmentRow(row, place, _excerpt(text), length, role, row in sampled, numbers))
    return tuple(rows)


def _ranked_columns(table: TraceTable) -> dict[str, Values]:
    """The numbers by which fragments are ranked, by name; those that were measured."""
    shown = {}
    for name, (probe, metric) in ranked_columns().items():
        values = table.get(probe, metric.name)
        if values is None and (layers := table.layers_of(probe, metric.name)):
            stacked = np.stack(list(layers.values()))
            there = np.isfinite(stacked)
            total, none = np.where(there, stacked, 0.0).sum(axis=0), np.full(stacked.shape[1], np.nan)
            values = np.divide(total, there.sum(axis=0), out=none, where=there.any(axis=0))
        if values is not None and np.isfinite(values).any():
            shown[name] = values
    return shown


def _excerpt(text: str) -> str:
    """The beginning of a fragment, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= _EXCERPT else f"{line[: _EXCERPT - 1]}…"


def _quantiles(values: Values, shares: Sequence[float]) -> tuple[float | None, ...]:
    there = values[~np.isnan(values)]
    if not len(there):
        return (None,) * len(shares)
    # An infinite half-life has no mean with its neighbour.
    method: Literal["lower", "linear"] = "lower" if np.isinf(there).any() else "linear"
    return tuple(finite(float(value)) for value in np.quantile(there, list(shares), method=method))
