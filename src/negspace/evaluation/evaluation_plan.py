"""From embedded rows to the task of a study: which held-out rows are near misses, and eval sets of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from jaxtyping import Bool, Float, Int

from negspace.data import fingerprint
from negspace.evaluation.embedded_rows import EmbeddedRows
from negspace.models import TextTask
from negspace.perturbations import Variation, conflict
from negspace.records import EvalSet
from negspace.search import NEAR_MISS_RADIUS, nearest, nearest_across, nearest_in_group

EASY, NEAR_MISS, PAIRS = "easy", "near_miss", "pairs"

_VARIED_ROWS = 500  # enough for ±2 points at 95 % of invariance; more would only cost predictions
_BINS = 8
_ROWS_PER_BIN = 20


class Source(StrEnum):
    """Where the near misses come from, best first."""

    GIVEN = "given"
    GROUP = "group"
    MINED = "mined"

    @property
    def how(self) -> str:
        """Which test rows are near misses, as a report's method says it."""
        return {
            Source.GIVEN: "given: the rows of the contrast set",
            Source.GROUP: "by group: test rows whose group has another label",
            Source.MINED: (
                "mined: test rows with a test row of another label within cosine distance "
                f"{NEAR_MISS_RADIUS:g}; pairs with a suspected label error left out"
            ),
        }[self]


@dataclass(frozen=True, eq=False)
class Boundary:
    """Held-out rows, sorted by where they stand.

    Positions are those of the `EmbeddedRows`.

    Attributes:
        source: Where the near misses come from.
        easy: Rows far from the boundary.
        near_miss: Rows near it.
        pairs: Two near misses of each other a row, each pair once; the second is what the first misses.
        pair_distance: Cosine distance between the two.
        rows: All held-out rows, the test rows and then the contrast set.
        distance: For each of ``rows``, cosine distance to the nearest row of another label.
        suspects: Near misses left out because a label of the pair is likely wrong.
    """

    source: Source
    easy: Int[np.ndarray, " easy"]
    near_miss: Int[np.ndarray, " near_miss"]
    pairs: Int[np.ndarray, "pairs 2"]
    pair_distance: Float[np.ndarray, " pairs"]
    rows: Int[np.ndarray, " held_out"]
    distance: Float[np.ndarray, " held_out"]
    suspects: Int[np.ndarray, " suspects"]


def source_of(embedded: EmbeddedRows, *, grouped: bool) -> Source:
    """Choose the best source of near misses there is.

    Args:
        embedded: The rows.
        grouped: Whether the file that the test rows come from has groups.
    """
    if len(embedded.contrast):
        return Source.GIVEN
    return Source.GROUP if grouped else Source.MINED


def find_boundary(embedded: EmbeddedRows, source: Source, suspected: Bool[np.ndarray, " rows"]) -> Boundary:
    """Sort the held-out rows into easy ones and near misses.

    Test rows are measured against each other, the contrast set against test rows and itself: a
    test row stands where it would stand if nobody had written near misses for it.

    Args:
        embedded: The rows.
        source: Where near misses come from.
        suspected: For all embedded rows, whether the label is likely wrong; asked only where near
            misses are mined.
    """
    test, contrast = embedded.test, embedded.contrast
    vectors, labels = embedded.embedding, embedded.labels
    within = nearest(vectors[test], labels[test])
    distance = within.other_distance
    if source is Source.GIVEN:
        pool = np.concatenate([test, contrast])
        found, apart = nearest_across(
            embedded.embedding[contrast],
            embedded.labels[contrast],
            embedded.embedding[pool],
            embedded.labels[pool],
        )
        near = apart <= NEAR_MISS_RADIUS
        pairs = np.stack([contrast[near], pool[found[near]]], axis=1)
        once = _first_of_each(pairs)
        distance = np.concatenate([distance, apart])
        none = np.empty(0, np.int64)
        return Boundary(source, test, contrast, pairs[once], apart[near][once], pool, distance, none)
    if source is Source.GROUP:
        other, apart = nearest_in_group(
            embedded.embedding[test], embedded.labels[test], embedded.groups[test]
        )
        near = other >= 0
        dropped = np.zeros(len(test), dtype=bool)
    else:
        other, apart = within.other, distance
        near = (other >= 0) & (distance <= NEAR_MISS_RADIUS)
        dropped = near & (suspected[test] | suspected[test[other]])
    kept = near & ~dropped
    pairs = np.stack([test[kept], test[other[kept]]], axis=1)
    once = _first_of_each(pairs)
    return Boundary(
        source, test[~near], test[kept], pairs[once], apart[kept][once], test, distance, test[dropped]
    )


def _first_of_each(pairs: Int[np.ndarray, "pairs 2"]) -> Int[np.ndarray, " unique"]:
    """Positions of the pairs, each pair once: the second time it comes from its other side."""
    _, first = np.unique(np.sort(pairs, axis=1), axis=0, return_index=True)
    return np.sort(first)


@dataclass(frozen=True)
class DistanceBin:
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
class EvaluationPlan:
    """The task of an evaluation, and what its eval sets are.

    Attributes:
        task: The task.
        rows: For each of the task's held-out rows, its position among the embedded rows; a varied row has
            that of its original.
        bins: Bins of the boundary curve, nearest first.
        variations: Each variation with the name of its eval set, or None where it was left out, and why.
    """

    task: TextTask
    rows: Int[np.ndarray, " held_out"]
    bins: tuple[DistanceBin, ...]
    variations: tuple[tuple[Variation, str | None, str | None], ...]


def plan_evaluation(
    embedded: EmbeddedRows,
    boundary: Boundary,
    label_names: tuple[str, ...],
    *,
    variations: Sequence[Variation],
    seed: int,
) -> EvaluationPlan:
    """Build the task of an evaluation, with an eval set for every metric of it.

    Args:
        embedded: The rows.
        boundary: Which held-out rows are what.
        label_names: Names of the labels.
        variations: Label-preserving ones, to be made of test rows (none for a model that is known only by
            its scores, and cannot be asked about them).
        seed: Decides which rows are varied, and how.
    """
    at = np.full(len(embedded.texts), -1)
    at[boundary.rows] = np.arange(len(boundary.rows))
    sets = [
        EvalSet(EASY, at[boundary.easy]),
        EvalSet(NEAR_MISS, at[boundary.near_miss]),
        EvalSet(PAIRS, at[boundary.pairs[:, 0]], at[boundary.pairs[:, 1]]),
    ]
    bins, bin_sets = _cut_bins(boundary)
    texts = [embedded.texts[row] for row in boundary.rows]
    rows = boundary.rows
    varied_sets: list[tuple[Variation, str | None, str | None]] = []
    for variation in variations:
        clash = conflict(variation, embedded.texts, embedded.labels)
        if clash is not None:
            one, other = (f"'{embedded.texts[i][:40]}' ({label_names[embedded.labels[i]]})" for i in clash)
            why = f"it may change the label here: {one} and {other} differ in nothing else"
            varied_sets.append((variation, None, why))
            continue
        base, varied = _vary(
            variation, embedded, boundary.easy if len(boundary.easy) else boundary.rows, seed
        )
        if not varied:
            varied_sets.append((variation, None, "it applies to no test row"))
            continue
        sets.append(EvalSet(variation.name, np.arange(len(varied)) + len(texts), at[base]))
        texts += varied
        rows = np.concatenate([rows, base])
        varied_sets.append((variation, variation.name, None))
    everything = np.concatenate([embedded.train, rows])
    task = assemble_task(
        (*(embedded.texts[row] for row in embedded.train), *texts),
        embedded.labels[everything],
        label_names,
        embedded.clusters[everything],
        len(embedded.train),
        [*sets, *bin_sets],
        np.concatenate([boundary.distance, np.full(len(rows) - len(boundary.rows), np.nan)]),
    )
    return EvaluationPlan(task, rows, bins, tuple(varied_sets))


def _vary(
    variation: Variation, embedded: EmbeddedRows, candidates: Int[np.ndarray, " candidates"], seed: int
) -> tuple[Int[np.ndarray, " varied"], list[str]]:
    # One generator a variation, so that leaving one out does not change the others.
    rng = np.random.default_rng([seed, *variation.name.encode()])
    base, varied = [], []
    for row in rng.permutation(candidates):
        text = variation.apply(embedded.texts[row], rng)
        if text is not None:
            base.append(row)
            varied.append(text)
        if len(base) == _VARIED_ROWS:
            break
    return np.array(base, dtype=np.int64), varied


def _cut_bins(boundary: Boundary) -> tuple[tuple[DistanceBin, ...], list[EvalSet]]:
    """Cut the held-out rows into bins of about equal count; equal distances stay together."""
    order = np.argsort(boundary.distance, kind="stable")
    distance = boundary.distance[order]
    count = int(np.clip(len(order) // _ROWS_PER_BIN, 1, _BINS))
    cuts = np.linspace(0, len(order), count + 1).round().astype(int)[1:-1]
    # A cut between equal distances moves to where they begin.
    cuts = np.unique(np.searchsorted(distance, distance[cuts], side="left"))
    bins: list[DistanceBin] = []
    sets: list[EvalSet] = []
    for part in np.split(np.arange(len(order)), cuts[cuts > 0]):
        found = DistanceBin(float(distance[part[0]]), float(distance[part[-1]]), f"band {len(bins) + 1}")
        bins.append(found)
        sets.append(EvalSet(found.on, np.sort(order[part])))
    return tuple(bins), sets


def assemble_task(
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
        distance: Distance of each held-out row to the nearest row of another label; NaN where there is none.
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
