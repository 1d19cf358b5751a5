"""Folds and splits that keep label shares even and clusters whole."""

from __future__ import annotations

import heapq
import unicodedata
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from jaxtyping import Int

from negspace.data.labelled import Examples
from negspace.errors import DataError, PlanError

_FINEST_SHARE = 100


@dataclass(frozen=True, eq=False)
class Split:
    """Rows to train on and rows to test on."""

    train: Int[np.ndarray, " train"]
    test: Int[np.ndarray, " test"]  # positions, ascending; no cluster is in both
    notes: tuple[str, ...] = ()


def grouped_folds(
    labels: Int[np.ndarray, " rows"], clusters: Int[np.ndarray, " rows"], n_folds: int, seed: int
) -> Int[np.ndarray, " rows"]:
    """Deal rows to folds, each label evenly and each cluster whole.

    Clusters of two rows or more go first, the largest before the others, each to the fold that
    least raises the sum over labels and folds of n_lf² / n_l (n_lf: rows of label l in fold f, n_l:
    rows of label l): the objective of scikit-learn's ``StratifiedGroupKFold``, whose cost per
    cluster grows with the number of labels, and here only with those in the cluster. Single rows
    then go to the fold with the fewest rows of their label, which is exact: without clusters,
    the counts of a label differ by at most one between folds, and so do the sizes of the folds.

    Args:
        labels: Label of each row.
        clusters: Identity of each row's cluster; any integers.
        n_folds: Number of folds.
        seed: Decides among equal choices, and the order of clusters of one size.

    Returns:
        Fold of each row, 0 to ``n_folds - 1``. A label with fewer clusters than folds is absent
        from some of them.

    Raises:
        PlanError: Fewer than two folds.
        DataError: Fewer clusters than folds.
    """
    if n_folds < 2:
        raise PlanError("at least two folds are needed", got=n_folds, hint="ask for two or more")
    rng = np.random.default_rng(seed)
    _, label = np.unique(labels, return_inverse=True)
    _, cluster, sizes = np.unique(clusters, return_inverse=True, return_counts=True)
    if len(sizes) < n_folds:
        raise DataError(
            f"{len(sizes)} independent rows or groups do not make {n_folds} parts",
            got=f"{len(labels)} rows in {len(sizes)} groups",
            hint="give more rows, or groups that join fewer of them",
        )
    folds = np.full(len(labels), -1, dtype=np.int64)
    totals = np.bincount(label)
    loads = np.zeros((len(totals), n_folds), dtype=np.int64)
    members = np.split(np.argsort(cluster, kind="stable"), np.cumsum(sizes)[:-1])
    order = rng.permutation(len(sizes))
    order = order[np.argsort(-sizes[order], kind="stable")]
    sized = np.zeros(n_folds)
    # Small enough to decide only between folds that are equal for the labels.
    tie = 1.0 / len(label) ** 2
    for index in order[: np.count_nonzero(sizes >= 2)]:
        rows = members[index]
        present, count = np.unique(label[rows], return_counts=True)
        cost = (count / totals[present]) @ (2 * loads[present] + count[:, None])
        fold = int(np.argmin(cost + tie * sized))
        folds[rows] = fold
        loads[present, fold] += count
        sized[fold] += len(rows)
    # Single rows. Between folds with equally many of the label the smaller one takes the row: by induction
    # over labels, sizes that differ by at most one stay so.
    filled = loads.sum(axis=0)
    rows = rng.permutation(np.flatnonzero(sizes[cluster] == 1))
    rows = rows[np.argsort(label[rows], kind="stable")]
    for part in np.split(rows, np.flatnonzero(np.diff(label[rows])) + 1):
        if not len(part):
            continue
        counts = loads[label[part[0]]]
        rank = rng.permutation(n_folds)
        heap = [(int(counts[f]), int(filled[f]), int(rank[f]), f) for f in range(n_folds)]
        heapq.heapify(heap)
        for row in part:
            held, size, place, fold = heap[0]
            folds[row] = fold
            filled[fold] += 1
            heapq.heapreplace(heap, (held + 1, size + 1, place, fold))
    return folds


def split_rows(
    examples: Examples, *, test_share: float = 0.2, clusters: Int[np.ndarray, " rows"], seed: int
) -> Split:
    """Hold rows out for testing, each label in the same share and each cluster whole.

    The share is taken as the nearest fraction with a denominator up to 100; for 0.2 = 1/5, one of five
    folds is held out (see ``grouped_folds``). A label must be learned before it can be tested: the
    only cluster of a label stays on the training side, and labels that are thus not tested are named
    in a note.

    Args:
        examples: The rows.
        test_share: Share of the rows to hold out, between 0 and 1.
        clusters: Identity of each row's cluster (``examples.groups``, or found near-duplicates).
        seed: Seed of the split.

    Raises:
        PlanError: The share is not between 0 and 1.
        DataError: There are too few rows or groups, or no row can be held out.
    """
    if not 0 < test_share < 1:
        raise PlanError(
            "the share of test rows is not between 0 and 1", got=test_share, hint="give a share such as 0.2"
        )
    labels, held_out = examples.labels, np.zeros(len(examples), dtype=bool)
    # A label is learned from its only cluster or never.
    pairs = np.unique(np.stack([labels, clusters]), axis=1)
    names, count = np.unique(pairs[0], return_counts=True)
    lone = np.isin(labels, names[count == 1])
    free = np.flatnonzero(~np.isin(clusters, clusters[lone]))
    finest = min(_FINEST_SHARE, len(np.unique(clusters[free])))
    if finest >= 2:
        share = Fraction(test_share).limit_denominator(finest)
        share = min(max(share, Fraction(1, finest)), Fraction(finest - 1, finest))
        folds = grouped_folds(labels[free], clusters[free], share.denominator, seed)
        held_out[free] = folds < share.numerator
        # The training side gets the smallest cluster of each label that it lacks.
        _, cluster, sizes = np.unique(clusters, return_inverse=True, return_counts=True)
        rows = np.flatnonzero(np.isin(labels, np.setdiff1d(labels, labels[~held_out])))
        rows = rows[np.lexsort((sizes[cluster[rows]], labels[rows]))]
        _, first = np.unique(labels[rows], return_index=True)
        held_out[np.isin(cluster, cluster[rows[first]])] = False
    if not held_out.any():
        raise DataError(
            f"{examples.source}: there are too few rows or groups of a label to hold any out",
            got=f"{len(labels)} rows in {len(np.unique(clusters))} groups, {len(np.unique(labels))} labels",
            hint="give at least two rows (or groups) of each label, or test data with --test",
        )
    notes = []
    if untested := [examples.label_names[i] for i in np.setdiff1d(labels, labels[held_out])]:
        listed = ", ".join(f"'{name}'" for name in untested[:5])
        listed += f" and {len(untested) - 5} more" if len(untested) > 5 else ""
        notes.append(
            f"{len(untested)} of {len(examples.label_names)} labels are not tested, "
            f"for they have too few rows or groups: {listed}"
        )
    return Split(np.flatnonzero(~held_out), np.flatnonzero(held_out), tuple(notes))


@dataclass(frozen=True, eq=False)
class Duplicates:
    """Test rows whose text the model was trained on."""

    test_rows: Int[np.ndarray, " duplicates"]
    train_rows: Int[np.ndarray, " duplicates"]  # for each, the first training row with the same text
    note: str = ""

    def __len__(self) -> int:
        return len(self.test_rows)


def duplicates_across(train: Examples, test: Examples) -> Duplicates:
    """Find the test rows whose text is also a training row's.

    Texts are the same if they are after Unicode normalisation (NFC; UAX #15) and after every run of
    whitespace has become one space.
    """
    first: dict[str, int] = {}
    for row, text in enumerate(train.texts):
        first.setdefault(_folded(text), row)
    pairs = [(row, first[key]) for row, key in enumerate(map(_folded, test.texts)) if key in first]
    test_rows, train_rows = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    if not pairs:
        return Duplicates(test_rows, train_rows)

    def line(examples: Examples, row: int) -> int:
        return row + 1 if examples.lines is None else int(examples.lines[row])

    shown = ", ".join(f"{line(test, row)} = {line(train, twin)}" for row, twin in pairs[:3])
    more = f" and {len(pairs) - 3} more" if len(pairs) > 3 else ""
    note = (
        f"{len(pairs)} of {len(test)} rows of {test.source} have the text of a row of {train.source} "
        f"(line {shown}{more}): accuracy on them is memory"
    )
    return Duplicates(test_rows, train_rows, note)


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())
