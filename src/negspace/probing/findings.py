"""What a run found, put together: the content of ``probe.json``, and all that the report reads."""

from __future__ import annotations

from typing import Any

import numpy as np

from negspace._version import __version__
from negspace.probes.agreement import first_order_agreement
from negspace.probing.chosen import choose, layers_of_fragment, tokens_of_fragment
from negspace.probing.columns import FIRST_ORDER, column_units
from negspace.probing.crew import measure_some
from negspace.probing.plan import Plan
from negspace.probing.summary import (
    excerpt,
    finite,
    layer_profiles,
    measured,
    retention_curve,
    shown_columns,
    temperature_curve,
)
from negspace.probing.target import PAGES
from negspace.probing.traces import TraceTable

__all__ = ["summarise"]

_VOLATILE = 12
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


def summarise(key: str, plan: Plan, table: TraceTable, *, check: bool) -> dict[str, Any]:
    """Put a summary together.

    Args:
        key: SHA-256 (hex) of all that decides the result.
        plan: What ran.
        table: What was measured.
        check: Whether gradients are compared with a loop of one fragment at a time.
    """
    inputs, settings, fragments = plan.inputs, plan.settings, plan.inputs.fragments
    shown = shown_columns(table)
    return {
        "kind": "probe",
        "version": __version__,
        "key": key,
        "corpus": {
            "source": inputs.source,
            "fragments": len(fragments),
            "tokens": int(fragments.lengths.sum()),
            "characters": sum(map(len, fragments.texts)),
            "fragment_tokens": settings.fragment_tokens,
            "notes": list(inputs.notes),
        },
        "model": _model(plan),
        "reference": {
            "source": inputs.reference_source,
            "fragments": len(plan.reference),
            "tokens": int(plan.reference.lengths.sum()),
        },
        "settings": {
            "seed": settings.seed,
            "sample": len(plan.sample),
            "step_size": plan.step_size,
            "step_size_chosen": _step_size_words(plan),
            "probes": list(settings.probes),
        },
        "coverage": _coverage(plan),
        "check": _check(plan) if check else None,
        "measures": measured(table),
        "layers": layer_profiles(table),
        "temperature": temperature_curve(table, plan.pressure.temperatures),
        "noise_scale": _noise_scale(plan, table),
        "agreement": _agreement(table),
        "retention": retention_curve(table, plan.lags),
        "roles": _roles(plan),
        "volatile": _volatile(plan),
        "columns": list(shown),
        "units": column_units(list(shown)),
        "fragments": _listed(plan, shown),
        "chosen": _chosen(plan, table, shown),
    }


def _model(plan: Plan) -> dict[str, Any]:
    from negspace.gradients import layers_of  # noqa: PLC0415

    model = plan.inputs.model
    parameters = dict(model.network.named_parameters())
    return {
        "name": model.name,
        "parameters": sum(p.numel() for p in parameters.values()),
        "layers": list(layers_of(parameters)),
        "context": model.context,
        "vocabulary": int(model.network.get_input_embeddings().weight.shape[0]),
        "dtype": str(next(iter(parameters.values())).dtype).removeprefix("torch."),
        "device": model.device,
        "training": None if plan.inputs.training is None else dict(plan.inputs.training),
    }


def _step_size_words(plan: Plan) -> str | None:
    if plan.step_size is None:
        return None
    if plan.settings.step_size is not None:
        return "As asked for."
    return "Half of the fragments should lose 0.1 nats per token or more of their own, to first order."


def _coverage(plan: Plan) -> dict[str, Any] | None:
    if plan.mean is None:
        return None
    from negspace.gradients import GradientMeter  # noqa: PLC0415  (an extra)

    coverage = GradientMeter(plan.inputs.model.network).coverage
    rows = [
        {
            "kind": kind["why"] if kind["status"] == "measured" else ", ".join(kind["names"]),
            "status": kind["status"],
            "parameters": kind["numbers"],
            "tensors": kind["tensors"],
            "reason": "" if kind["status"] == "measured" else kind["why"],
        }
        for kind in _kinds(coverage.to_json())
    ]
    return {"share": coverage.share, "rows": rows, "warning": coverage.warning()}


def _kinds(ledger: Any) -> list[Any]:
    return list(ledger["kinds"])


def _check(plan: Plan) -> dict[str, Any]:
    from negspace.embedders.quiet import one_thread  # noqa: PLC0415  (an extra)
    from negspace.gradients import check  # noqa: PLC0415  (an extra)

    plan.crew.report("checking gradients", 0, 1)
    fragments = plan.inputs.fragments
    at_once = max(1, plan.crew.batch // int(fragments.lengths.max()))
    with one_thread():
        found = check(plan.inputs.model, fragments, plan.sample[:at_once].tolist())
    return {
        "fragments": found.fragments,
        "largest_norm_error": found.norm_error,
        "largest_dot_error": found.dot_error,
        "overhead": found.overhead,
    }


def _noise_scale(plan: Plan, table: TraceTable) -> dict[str, Any] | None:
    if plan.mean is None or len(plan.mean.rows) < 2:
        return None
    from negspace.probes import Trace  # noqa: PLC0415
    from negspace.probes.gradient import corpus_noise_scale  # noqa: PLC0415

    norms = [
        Trace("gradient", "norm", values[plan.mean.rows], column.layer)
        for column, values in table.columns.items()
        if (column.probe, column.measure) == ("gradient", "norm")
    ]
    found = corpus_noise_scale(norms, plan.mean)
    layers = {layer: finite(float(scale.scale)) for layer, scale in found.items()}
    return {"total": layers.pop(None), "unit": "fragments", "layers": layers}


def _agreement(table: TraceTable) -> list[dict[str, Any]]:
    rows = []
    for first, exact in FIRST_ORDER:
        one, other = table.get(*first), table.get(*exact)
        if one is not None and other is not None:
            found = first_order_agreement(one, other)
            rows.append({
                "first_order": ": ".join(first),
                "exact": ": ".join(exact),
                "spearman": finite(found.spearman),
                "pearson": finite(found.pearson),
                "n": found.n,
            })  # fmt: skip
    return rows


def _roles(plan: Plan) -> dict[str, Any] | None:
    if plan.roles is None:
        return None
    relative = bool(plan.roles.quantities.overfitted())
    return {
        "counts": plan.roles.counts(),
        "rule": _RELATIVE_RULE if relative else _RULE,
        "relative": relative,
        "quantities": list(plan.roles.quantities.measures()),
    }


def _volatile(plan: Plan) -> dict[str, Any] | None:
    if plan.means is None:
        return None
    from negspace.probes.volatility import volatile_types  # noqa: PLC0415

    most, least = volatile_types(plan.inputs.model, plan.means, _VOLATILE)
    return {
        name: [{"token": each.text, "count": each.count, "value": each.movement} for each in some]
        for name, some in (("most", most), ("least", least))
    }


def _listed(plan: Plan, shown: dict[str, Any]) -> list[dict[str, Any]]:
    fragments = plan.inputs.fragments
    sampled = set(plan.sample.tolist()) if plan.settings.asks_for("step", "retention", "gradient") else set()
    roles = None if plan.roles is None else plan.roles.names()
    columns = list(shown.values())
    return [
        {
            "row": row,
            "place": fragments.places[row],
            "excerpt": excerpt(fragments.texts[row]),
            "tokens": int(fragments.lengths[row]),
            "role": None if roles is None else roles[row],
            "sampled": row in sampled,
            "values": [_rounded(float(values[row])) for values in columns],
        }
        for row in range(len(fragments))
    ]


def _rounded(value: float) -> float | None:
    """To six digits, for a page of ten thousand fragments; the table on disk has them all."""
    return None if finite(value) is None else float(f"{value:.6g}")


def _chosen(plan: Plan, table: TraceTable, shown: dict[str, Any]) -> list[dict[str, Any]]:
    model, fragments = plan.inputs.model, plan.inputs.fragments
    roles = None if plan.roles is None else plan.roles.names()
    why = choose(shown, roles, plan.sample.tolist())
    rows = np.array(sorted(why), dtype=np.int64)
    plan.crew.report("looking at tokens", 0, 1)
    probed = [
        measure_some(probe, model, fragments, rows, plan.crew.batch, tokens=True)
        for probe in plan.token_probes()
    ]
    return [
        {
            "row": row,
            "why": why[row],
            "place": fragments.places[row],
            "role": None if roles is None else roles[row],
            "reason": None if plan.roles is None else plan.roles.reasons[row],
            "page": f"{PAGES}/{row}.html",
            "tokens": tokens_of_fragment(model, fragments, row, place, probed),
            "layers": layers_of_fragment(table, row),
            "temperature": temperature_curve(table, plan.pressure.temperatures, row),
            "values": [_rounded(float(values[row])) for values in shown.values()],
        }
        for place, row in enumerate(rows.tolist())
    ]
