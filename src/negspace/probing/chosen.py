"""Which fragments get a page of their own, and what stands on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from negspace.data import Fragments
from negspace.language_models import LanguageModel
from negspace.probes import Probed
from negspace.probing.columns import LAYERED_ON
from negspace.probing.summary import finite
from negspace.probing.traces import TraceTable

__all__ = ["MOST", "choose", "layers_of_fragment", "tokens_of_fragment"]

MOST = 32
"""Fragments with a page of their own, at most."""

_EXTREMES = 2


def choose(
    shown: Mapping[str, Float[np.ndarray, " fragments"]], roles: Sequence[str] | None, sampled: Sequence[int]
) -> dict[int, str]:
    """Choose fragments to show: the highest and lowest of each number, and some of each role.

    Returns:
        Why each was chosen, by row; in the order of choosing.
    """
    chosen: dict[int, str] = {}
    # Rows that took steps have all numbers, and tell most; of each role they come first.
    if roles is not None:
        for role in dict.fromkeys(roles):
            of_role = [row for row in sampled if roles[row] == role]
            of_role += [row for row in range(len(roles)) if roles[row] == role and row not in set(of_role)]
            for row in of_role[:_EXTREMES]:
                chosen.setdefault(row, f"of the role {role}")
    for place in range(_EXTREMES):
        for name, values in shown.items():
            there = np.flatnonzero(np.isfinite(values))
            order = there[np.argsort(values[there], kind="stable")]
            if place < len(order):
                which = "" if place == 0 else "second "
                chosen.setdefault(int(order[-1 - place]), f"{which}highest {name}")
                chosen.setdefault(int(order[place]), f"{which}lowest {name}")
    return dict(list(chosen.items())[:MOST])


def tokens_of_fragment(
    model: LanguageModel, fragments: Fragments, row: int, place: int, probed: Sequence[Probed]
) -> list[dict[str, Any]]:
    """Each token of a fragment: its text, loss, pressure and strongest competitors.

    Args:
        model: Whose tokens they are.
        fragments: All fragments.
        row: The fragment.
        place: Its position in the arrays of ``probed``.
        probed: What probes said of every token.
    """
    length = int(fragments.lengths[row])
    by_name = {trace.measure: trace.values[place] for each in probed for trace in each.tokens}
    texts = model.token_texts([int(token) for token in fragments.tokens[row, :length]])
    loss, pressure = by_name.get("loss"), by_name.get("pressure")
    ids, chances = by_name.get("competitors"), by_name.get("competitor probabilities")
    tokens: list[dict[str, Any]] = []
    for position, text in enumerate(texts):
        rivals: list[list[object]] = []
        if ids is not None and chances is not None:
            known = [
                (int(i), float(p)) for i, p in zip(ids[position], chances[position], strict=True) if i >= 0
            ]
            names = model.token_texts([i for i, _ in known])
            rivals = [[name, chance] for name, (_, chance) in zip(names, known, strict=True)]
        tokens.append({
            "text": text,
            "loss": None if loss is None else finite(float(loss[position])),
            "pressure": None if pressure is None else finite(float(pressure[position])),
            "competitors": rivals,
        })  # fmt: skip
    return tokens


def layers_of_fragment(table: TraceTable, row: int) -> list[dict[str, Any]]:
    """What a fragment moved at each layer, on itself and on the reference."""
    found = []
    for (probe, measure), (name, on) in LAYERED_ON.items():
        layers = {layer: values[row] for layer, values in table.layers_of(probe, measure).items()}
        if any(np.isfinite(value) for value in layers.values()):
            values = [finite(float(value)) for value in layers.values()]
            found.append({"measure": name, "on": on, "layers": list(layers), "values": values})
    return found
