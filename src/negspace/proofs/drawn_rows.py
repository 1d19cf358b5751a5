"""Rows drawn anew at each seed, exactly as many for every arm."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Int

from negspace.curation.quotas import label_quotas
from negspace.errors import PlanError
from negspace.models import TextTask
from negspace.records import Json

__all__ = ["DrawnArm", "Way", "whole_clusters"]

Way: TypeAlias = Literal["clusters", "random", "stratified"]
"""How rows are drawn: whole clusters, single rows, or single rows with each label in its share."""

# Of an arm's own generator, so that two arms of the same rows do not draw the same ones by accident.
_STREAMS: Mapping[Way, int] = {"random": 1, "stratified": 2, "clusters": 3}


@dataclass(frozen=True, eq=False)
class DrawnArm:
    """So many of a file's rows, another draw at each seed; all of them where there are no more.

    Random draws of one file are nested: at one seed, the first n rows of one random order, whatever the
    budget n. Draws by clusters of two files are independent of each other, also where the files are copies.

    Attributes:
        name: As results name the arm.
        rows: Positions in the task of the rows that are drawn from, ascending.
        budget: Rows that every seed draws.
        way: How they are drawn.

    Raises:
        PlanError: If the budget is less than 1 or above the number of rows.
    """

    name: str
    rows: Int[np.ndarray, " rows"]
    budget: int
    way: Way

    def __post_init__(self) -> None:
        if not 1 <= self.budget <= len(self.rows):
            raise PlanError(
                f"arm '{self.name}' has {len(self.rows)} rows to draw from", got=f"a budget of {self.budget}"
            )

    @property
    def code(self) -> tuple[object, ...]:
        """How rows are drawn."""
        return (self,)

    @property
    def fixed(self) -> bool:
        """Whether every seed trains on the same rows."""
        return self.budget == len(self.rows)

    def check(self, task: TextTask) -> None:
        """Refuse rows that the task does not train on.

        Raises:
            PlanError: If so.
        """
        if self.rows.min() < 0 or self.rows.max() >= task.n_train:
            raise PlanError(f"arm '{self.name}' has rows that are no training rows of the task")

    def describe(self) -> Mapping[str, Json]:
        """All that decides which rows a seed trains on."""
        rows = np.ascontiguousarray(self.rows, dtype="<i8")
        return {
            "name": self.name,
            "rows": hashlib.sha256(rows.tobytes()).hexdigest(),
            "budget": self.budget,
            # Of all rows, there is but one draw.
            "way": "all" if self.fixed else self.way,
        }

    def draw(self, task: TextTask, seed: int) -> Int[np.ndarray, " drawn"]:
        """Positions in the task of the rows that one seed trains on, ascending."""
        if self.fixed:
            return self.rows
        stream = [seed, _STREAMS[self.way]]
        if self.way == "clusters":
            rng = np.random.default_rng([*stream, int(self.rows[0])])
            chosen = whole_clusters(task.clusters[self.rows], self.budget, rng)
        elif self.way == "stratified":
            rng = np.random.default_rng(stream)
            chosen = _stratified(task.labels[self.rows], self.budget, rng)
        else:
            chosen = np.random.default_rng(stream).permutation(len(self.rows))[: self.budget]
        return np.sort(self.rows[chosen])


def whole_clusters(
    clusters: Int[np.ndarray, " rows"], budget: int, rng: np.random.Generator
) -> Int[np.ndarray, " chosen"]:
    """Draw rows, clusters whole where they fit.

    Clusters come in random order, and each is taken if all of it still fits. What then is left of the budget,
    fewer rows than any cluster left over has, is filled with random rows of these.

    Args:
        clusters: Cluster of each row.
        budget: Rows to draw, at most as many as there are.
        rng: Of the draw.

    Returns:
        Positions, in no order.
    """
    _, of_row, sizes = np.unique(clusters, return_inverse=True, return_counts=True)
    taken = np.zeros(len(sizes), dtype=bool)
    left = budget
    for cluster in rng.permutation(len(sizes)).tolist():
        if sizes[cluster] <= left:
            taken[cluster] = True
            left -= int(sizes[cluster])
        if not left:
            break
    whole = taken[of_row]
    filled = rng.permutation(np.flatnonzero(~whole))[:left]
    return np.concatenate([np.flatnonzero(whole), filled])


def _stratified(
    labels: Int[np.ndarray, " rows"], budget: int, rng: np.random.Generator
) -> Int[np.ndarray, " chosen"]:
    quotas = label_quotas(labels, budget, rng)
    order = rng.permutation(len(labels))
    of_label = [order[labels[order] == label][:quota] for label, quota in enumerate(quotas.tolist())]
    return np.concatenate(of_label)
