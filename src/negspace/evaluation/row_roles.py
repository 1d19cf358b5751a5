"""Row roles: which rows carry the boundary, which repeat, which are likely mislabelled.

Label errors are found by confident learning (Northcutt et al. 2021, as implemented in cleanlab) on
out-of-fold probabilities. The folds must keep near misses together: a model that has met a review but not
its rewrite is confident of the wrong label for the rewrite, and cleaning would then remove just the rows
that teach most.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from jaxtyping import Bool, Float, Int

from negspace.data import Examples
from negspace.evaluation.embedded_rows import EmbeddedRows
from negspace.models import out_of_fold
from negspace.search import NEAR_DUPLICATE_RADIUS, NEAR_MISS_RADIUS, Neighbours


class Role(StrEnum):
    """What a row does in its set."""

    BOUNDARY = "boundary"
    REDUNDANT = "redundant"
    SUSPECT = "suspect"
    PLAIN = "plain"


@dataclass(frozen=True, eq=False)
class RowRoles:
    """The role of each row, and what decided it.

    Attributes:
        role: Role of each row.
        reason: Why, in words.
        neighbour: The row that decided it, or the nearest of another label; -1 where there is none.
        distance: Cosine distance to it; NaN where there is none.
        label_quality: Out-of-fold probability of the row's own label, in [0, 1].
    """

    role: tuple[Role, ...]
    reason: tuple[str, ...]
    neighbour: Int[np.ndarray, " rows"]
    distance: Float[np.ndarray, " rows"]
    label_quality: Float[np.ndarray, " rows"]

    def count(self) -> dict[str, int]:
        """Number of rows of each role, those without rows included."""
        return {role.value: sum(r is role for r in self.role) for role in Role}


def suspects(
    labels: Int[np.ndarray, " rows"], probabilities: Float[np.ndarray, "rows labels"]
) -> Bool[np.ndarray, " rows"]:
    """Find rows whose label is likely wrong.

    Args:
        labels: Given labels.
        probabilities: Probability of each label for each row, out of fold, near misses kept together.

    Returns:
        Whether each row is suspected.
    """
    # Takes most of a second to import: bad input should fail before.
    from cleanlab.filter import find_label_issues

    with warnings.catch_warnings():
        # cleanlab warns when it finds more issues than it expects; the count is in our result.
        warnings.simplefilter("ignore", UserWarning)
        found = find_label_issues(labels, probabilities, filter_by="prune_by_noise_rate", n_jobs=1)
    return np.asarray(found, dtype=bool)


def suspected_rows(
    embedded: EmbeddedRows, rows: Int[np.ndarray, " chosen"], n_labels: int, *, seed: int, workers: int
) -> tuple[Float[np.ndarray, "chosen labels"], Bool[np.ndarray, " rows"]]:
    """Find which of some rows have a label that is likely wrong, by models that never saw the row.

    Args:
        embedded: All rows.
        rows: Positions of the rows to judge.
        n_labels: Number of labels.
        seed: Decides the folds.
        workers: How many folds are fitted at once.

    Returns:
        Probability of each label for each of the chosen rows, and for all rows whether they are suspected.
    """
    labels = embedded.labels[rows]
    texts = tuple(embedded.texts[row] for row in rows.tolist())
    probabilities = out_of_fold(texts, labels, embedded.clusters[rows], n_labels, seed=seed, workers=workers)
    suspected = np.zeros(len(embedded.texts), dtype=bool)
    suspected[rows] = suspects(labels, probabilities)
    return probabilities, suspected


def sort_rows(
    examples: Examples,
    neighbours: Neighbours,
    in_group: tuple[Int[np.ndarray, " rows"], Float[np.ndarray, " rows"]] | None,
    probabilities: Float[np.ndarray, "rows labels"],
    suspected: Bool[np.ndarray, " rows"],
    *,
    unit: str = "row",
) -> RowRoles:
    """Give every row its role.

    The same text under two labels comes first, then a suspected label: a near miss may be one because
    of a wrong label. Then the given group, then the nearest row of another label, then near-duplicates of the
    row's own label.

    Args:
        examples: The rows.
        neighbours: Nearest rows of each row, by label.
        in_group: Nearest row of another label in the row's given group and its distance, where groups
            are given.
        probabilities: Probability of each label for each row, out of fold, near misses kept together.
        suspected: Whether each row's label is likely wrong, from `suspects`.
        unit: What ``examples.lines`` counts, for the reasons: ``"line"`` or ``"row"``.

    Returns:
        The roles.
    """
    labels, rows = examples.labels, np.arange(len(examples))
    lines = rows + 1 if examples.lines is None else examples.lines
    names = [examples.label_names[label] for label in labels]
    paired, paired_distance = in_group or (np.full(len(rows), -1), np.full(len(rows), np.nan))
    twin = same_text_other_label(examples.texts, labels)
    neighbour = np.where(paired >= 0, paired, neighbours.other)
    neighbour = np.where(twin >= 0, twin, neighbour)
    distance = np.where(paired >= 0, paired_distance, neighbours.other_distance)
    distance = np.where(twin >= 0, 0.0, distance)
    quality, best = probabilities[rows, labels], probabilities.argmax(axis=1)

    def judge(row: int) -> tuple[Role, str]:
        other = int(neighbour[row])
        named = f"{unit} {lines[other]} ({names[other]})"
        if twin[row] >= 0:
            return Role.SUSPECT, f"same text as {named}"
        if suspected[row]:
            said = f"{examples.label_names[best[row]]} {probabilities[row, best[row]]:.2f}"
            return Role.SUSPECT, f"models that never saw it give {names[row]} {quality[row]:.2f} and {said}"
        if paired[row] >= 0:
            return Role.BOUNDARY, f"in one group with {named}"
        if distance[row] <= NEAR_MISS_RADIUS:
            return Role.BOUNDARY, f"{distance[row]:.2f} from {named}"
        if neighbours.same_distance[row] <= NEAR_DUPLICATE_RADIUS:
            same = f"{unit} {lines[neighbours.same[row]]}"
            return Role.REDUNDANT, f"{neighbours.same_distance[row]:.2f} from {same} of its own label"
        if other < 0:
            return Role.PLAIN, "shares no word with a row of another label"
        return Role.PLAIN, f"nearest row of another label {distance[row]:.2f} away"

    judged = [judge(row) for row in rows.tolist()]
    redundant = np.array([role is Role.REDUNDANT for role, _ in judged], dtype=bool)
    neighbour = np.where(redundant, neighbours.same, neighbour)
    distance = np.where(redundant, neighbours.same_distance, distance)
    return RowRoles(
        role=tuple(role for role, _ in judged),
        reason=tuple(reason for _, reason in judged),
        neighbour=neighbour,
        distance=np.where(neighbour >= 0, distance, np.nan),
        label_quality=quality,
    )


def same_text_other_label(
    texts: tuple[str, ...], labels: Int[np.ndarray, " rows"]
) -> Int[np.ndarray, " rows"]:
    """Find the first row with the same text (up to case and white space) and another label.

    Args:
        texts: One a row.
        labels: Their labels.

    Returns:
        Its position; -1 where there is none.
    """
    firsts: dict[str, dict[int, int]] = {}
    for row, (text, label) in enumerate(zip(texts, labels.tolist(), strict=True)):
        firsts.setdefault(_folded(text), {}).setdefault(label, row)
    return np.array(
        [
            min((row for other, row in firsts[_folded(text)].items() if other != label), default=-1)
            for text, label in zip(texts, labels.tolist(), strict=True)
        ],
        dtype=np.int64,
    )


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
