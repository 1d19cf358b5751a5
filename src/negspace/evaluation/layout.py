"""From held-out rows to the task of a study: eval sets for every metric of the audit."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from negspace.data import fingerprint
from negspace.evaluation.boundary import Boundary
from negspace.evaluation.space import Space
from negspace.models import TextTask
from negspace.perturbations import Variation, conflict
from negspace.records import EvalSet

__all__ = ["EASY", "NEAR_MISS", "PAIRS", "Band", "Layout", "assemble", "build_task"]

EASY, NEAR_MISS, PAIRS = "easy", "near_miss", "pairs"

_VARIED_ROWS = 500  # enough for ±2 points at 95 % of invariance; more would only cost predictions
_BANDS = 8
_ROWS_PER_BAND = 20


@dataclass(frozen=True)
class Band:
    """A range of distances to the nearest row of another label, and its eval set.

    Attributes:
        low: Smallest distance of a row in it.
        high: Largest.
        on: Name of the eval set.
    """

    low: float
    high: float
    on: str


@dataclass(frozen=True, eq=False)
class Layout:
    """A task, and what its eval sets are.

    Attributes:
        task: The task.
        rows: For each of the task's held-out rows, its position in the space; a varied row has that of
            its original.
        bands: Of the boundary curve, nearest first.
        variations: Each variation with the name of its eval set, or None where it was left out, and why.
    """

    task: TextTask
    rows: Int[np.ndarray, " held_out"]
    bands: tuple[Band, ...]
    variations: tuple[tuple[Variation, str | None, str | None], ...]


def build_task(
    space: Space,
    boundary: Boundary,
    label_names: tuple[str, ...],
    *,
    variations: Sequence[Variation],
    seed: int,
) -> Layout:
    """Build the task of an audit.

    Args:
        space: The rows.
        boundary: Which held-out rows are what.
        label_names: Names of the labels.
        variations: Label-preserving ones, to be made of test rows (none for a model that is known only by
            its scores, and cannot be asked about them).
        seed: Of the choice of rows to vary, and of the variations.
    """
    at = np.full(len(space.texts), -1)
    at[boundary.rows] = np.arange(len(boundary.rows))
    sets = [
        EvalSet(EASY, at[boundary.easy]),
        EvalSet(NEAR_MISS, at[boundary.near_miss]),
        EvalSet(PAIRS, at[boundary.pairs[:, 0]], at[boundary.pairs[:, 1]]),
    ]
    bands, band_sets = _cut_bands(boundary)
    texts = [space.texts[row] for row in boundary.rows]
    rows = boundary.rows
    varied_sets: list[tuple[Variation, str | None, str | None]] = []
    for variation in variations:
        clash = conflict(variation, space.texts, space.labels)
        if clash is not None:
            one, other = (f"'{space.texts[i][:40]}' ({label_names[space.labels[i]]})" for i in clash)
            why = f"it may change the label here: {one} and {other} differ in nothing else"
            varied_sets.append((variation, None, why))
            continue
        base, varied = _vary(variation, space, boundary.easy if len(boundary.easy) else boundary.rows, seed)
        if not varied:
            varied_sets.append((variation, None, "it applies to no test row"))
            continue
        sets.append(EvalSet(variation.name, np.arange(len(varied)) + len(texts), at[base]))
        texts += varied
        rows = np.concatenate([rows, base])
        varied_sets.append((variation, variation.name, None))
    everything = np.concatenate([space.train, rows])
    task = assemble(
        (*(space.texts[row] for row in space.train), *texts),
        space.labels[everything],
        label_names,
        space.clusters[everything],
        len(space.train),
        [*sets, *band_sets],
        np.concatenate([boundary.distance, np.full(len(rows) - len(boundary.rows), np.nan)]),
    )
    return Layout(task, rows, bands, tuple(varied_sets))


def _vary(
    variation: Variation, space: Space, candidates: Int[np.ndarray, " candidates"], seed: int
) -> tuple[Int[np.ndarray, " varied"], list[str]]:
    # One generator a variation, so that leaving one out does not change the others.
    rng = np.random.default_rng([seed, *variation.name.encode()])
    base, varied = [], []
    for row in rng.permutation(candidates):
        text = variation.apply(space.texts[row], rng)
        if text is not None:
            base.append(row)
            varied.append(text)
        if len(base) == _VARIED_ROWS:
            break
    return np.array(base, dtype=np.int64), varied


def _cut_bands(boundary: Boundary) -> tuple[tuple[Band, ...], list[EvalSet]]:
    """Cut the held-out rows into bands of about equal count; equal distances stay together."""
    order = np.argsort(boundary.distance, kind="stable")
    distance = boundary.distance[order]
    count = int(np.clip(len(order) // _ROWS_PER_BAND, 1, _BANDS))
    cuts = np.linspace(0, len(order), count + 1).round().astype(int)[1:-1]
    # A cut between equal distances moves to where they begin.
    cuts = np.unique(np.searchsorted(distance, distance[cuts], side="left"))
    bands: list[Band] = []
    sets: list[EvalSet] = []
    for part in np.split(np.arange(len(order)), cuts[cuts > 0]):
        band = Band(float(distance[part[0]]), float(distance[part[-1]]), f"band {len(bands) + 1}")
        bands.append(band)
        sets.append(EvalSet(band.on, np.sort(order[part])))
    return tuple(bands), sets


def assemble(
    texts: tuple[str, ...],
    labels: Int[np.ndarray, " texts"],
    label_names: tuple[str, ...],
    clusters: Int[np.ndarray, " texts"],
    n_train: int,
    sets: list[EvalSet],
    distance: Float[np.ndarray, " held_out"],
) -> TextTask:
    """Join rows and eval sets to a task, and hash its content.

    Args:
        texts: The training rows, then the held-out rows.
        labels: Position of each text's label in ``label_names``.
        label_names: Distinct labels, sorted.
        clusters: Cluster of each text.
        n_train: Number of training rows.
        sets: Their positions count from the first held-out row.
        distance: Of each held-out row to the nearest row of another label; NaN where there is none.
    """
    names = [label_names[label] for label in labels]
    digest = hashlib.sha256(fingerprint(texts, names, [str(c) for c in clusters]).encode())
    digest.update(repr((n_train, label_names)).encode())
    for each in sets:
        digest.update(each.name.encode())
        for positions in (each.rows, each.partner):
            digest.update(b"-" if positions is None else np.ascontiguousarray(positions, "<i8").tobytes())
    digest.update(np.ascontiguousarray(distance, "<f8").tobytes())
    return TextTask(
        texts, labels, label_names, clusters, n_train, {s.name: s for s in sets}, distance, digest.hexdigest()
    )
