"""Which fragments get a page of their own, and what stands on it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from jaxtyping import Float

from negspace.probes import PROBES, TEMPERATURES, ProbeContext, Probed, all_probes
from negspace.probing.findings import Highlight, LayerValues, TemperatureCurve, TokenFacts
from negspace.probing.parts import TraceTable, measure_some

HIGHLIGHTS = 32
"""Fragments with a page of their own, at most."""
PAGES = "fragments"
"""Folder of the pages of single fragments."""

Values: TypeAlias = Float[np.ndarray, " fragments"]

_EXTREMES = 2


def choose_highlights(
    shown: Mapping[str, Values], roles: Sequence[str] | None, sampled: Sequence[int], most: int
) -> dict[int, str]:
    """Choose fragments to show, and say why: the highest and lowest of each number, and some of each role."""
    chosen: dict[int, str] = {}
    # Rows that took steps have all numbers, and tell most; of each role they come first.
    roles = roles or ()
    for role in dict.fromkeys(roles):
        ordered = dict.fromkeys([*sampled, *range(len(roles))])
        for row in [row for row in ordered if roles[row] == role][:_EXTREMES]:
            chosen.setdefault(row, f"of the role {role}")
    for place in range(_EXTREMES):
        for name, values in shown.items():
            there = np.flatnonzero(np.isfinite(values))
            order = there[np.argsort(values[there], kind="stable")]
            if place < len(order):
                which = "" if place == 0 else "second "
                chosen.setdefault(int(order[-1 - place]), f"{which}highest {name}")
                chosen.setdefault(int(order[place]), f"{which}lowest {name}")
    return dict(list(chosen.items())[:most])


def highlights_of(
    context: ProbeContext, table: TraceTable, shown: Mapping[str, Values], most: int
) -> tuple[Highlight, ...]:
    """Choose fragments, at most so many, and look at their tokens and layers."""
    model, fragments = context.model, context.fragments
    roles = None if context.roles is None else context.roles.names()
    why = choose_highlights(shown, roles, context.sample.tolist(), most)
    rows = np.array(sorted(why), dtype=np.int64)
    context.report("looking at tokens", 0, 1)
    probed = [
        measure_some(probe, model, fragments, rows, context.batch, tokens=True)
        for probe in context.token_probes("loss", "pressure")
    ]
    return tuple(
        Highlight(
            row,
            why[row],
            fragments.places[row],
            None if roles is None else roles[row],
            None if context.roles is None else context.roles.reasons[row],
            f"{PAGES}/{row}.html",
            tuple(_tokens(context, row, place, probed)),
            tuple(_layers(table, row)),
            temperature_curve(table, row),
            tuple(rounded(float(values[row])) for values in shown.values()),
        )
        for place, row in enumerate(rows.tolist())
    )


def _tokens(context: ProbeContext, row: int, place: int, probed: Sequence[Probed]) -> Iterable[TokenFacts]:
    """Each token of a fragment, which stands at ``place`` in what the probes said of every token."""
    model, fragments = context.model, context.fragments
    by_name = {trace.metric: trace.values[place] for each in probed for trace in each.tokens}
    texts = model.token_texts([int(i) for i in fragments.tokens[row, : int(fragments.lengths[row])]])
    ids, chances = by_name.get("competitors"), by_name.get("competitor probabilities")
    for position, text in enumerate(texts):
        loss, pressure = (
            finite(float(by_name[name][position])) if name in by_name else None
            for name in ("loss", "pressure")
        )
        rivals: list[tuple[str, float]] = []
        if ids is not None and chances is not None:
            known = ids[position] >= 0
            names = model.token_texts(ids[position][known].tolist())
            rivals = list(zip(names, map(float, chances[position][known]), strict=True))
        yield TokenFacts(text, loss, pressure, tuple(rivals))


def _layers(table: TraceTable, row: int) -> Iterable[LayerValues]:
    """What a fragment moved at each layer, on itself and on the reference; what a step did comes first."""
    for probe in reversed(all_probes()):
        for metric in PROBES[probe].metrics:
            layers = {} if metric.panel is None else table.layers_of(probe, metric.name)
            values = [float(each[row]) for each in layers.values()]
            if metric.panel is not None and any(map(math.isfinite, values)):
                yield LayerValues(*metric.panel, tuple(layers), tuple(map(finite, values)))


def temperature_curve(table: TraceTable, row: int | None = None) -> TemperatureCurve | None:
    """Where probability is as the temperature grows: the mean over fragments, or one of them."""
    curves = []
    for part in ("truth", "near", "rest"):
        points = [table.get("pressure", f"{part} at T={temperature:g}") for temperature in TEMPERATURES]
        known = [values for values in points if values is not None]
        if len(known) < len(points):
            return None
        chosen = [v[np.isfinite(v)] if row is None else v[[row]] for v in known]
        curves.append(tuple(finite(float(v.mean())) if len(v) else None for v in chosen))
    return TemperatureCurve(TEMPERATURES, *curves)


def finite(value: float) -> float | None:
    """A number as JSON holds it: None for NaN and the infinities."""
    return float(value) if math.isfinite(value) else None


def rounded(value: float) -> float | None:
    """To six digits, for a page of ten thousand fragments; the table on disk has them all."""
    return None if finite(value) is None else float(f"{value:.6g}")
