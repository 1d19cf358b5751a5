"""Arms of a study whose rows are drawn anew at each seed: by a strategy, by clusters, or at random.

They stand in one package with the strategies, so that a stored run depends on the code that chooses rows and
not on how a selection or a proof is worded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Int

from negspace.curation.strategies.near_miss_cover import Cover, Stratified, eligible_rows
from negspace.curation.strategies.row_pool import RowPool, Strategy, least_real
from negspace.errors import PlanError
from negspace.models import TextTask
from negspace.records import Json

Way: TypeAlias = Literal["clusters", "random", "stratified"]
"""How rows are drawn: whole clusters, single rows, or single rows with each label in its share."""

# Streams of a seed. Not 0: numpy pads a seed with zeros, so that [seed, 0] is the stream of the seed itself.
_PART, _CHOICE = 1, 2
# So that two arms of the same rows do not draw the same ones by accident.
_STREAMS: Mapping[Way, int] = {"random": 1, "stratified": 2, "clusters": 3}


@dataclass(frozen=True, eq=False)
class StrategyArm:
    """Rows that a strategy chooses from a pool, at every seed from another share of its clusters.

    Were every seed to choose from the whole pool, a strategy that draws nothing would choose the same rows
    each time, and its runs would say nothing of how far its choice depends on what happens to be there.

    Attributes:
        name: As results name the arm.
        strategy: What chooses.
        settings: All that tells the strategy from others, and the probabilities of the pool if it reads them.
        pool: The rows to choose from.
        rows: Position in the task of each of the pool's rows.
        budget: Rows that every seed chooses.
        keep: Share of the pool's clusters that a seed sees, in (0, 1].

    Raises:
        PlanError: If the budget or ``keep`` is out of range.
    """

    name: str
    strategy: Strategy
    settings: Mapping[str, Json]
    pool: RowPool
    rows: Int[np.ndarray, " pool"]
    budget: int
    keep: float = 0.9

    def __post_init__(self) -> None:
        if not 0 < self.keep <= 1:
            raise PlanError(f"arm '{self.name}': keep lies above 0 and is at most 1", got=self.keep)
        if not 1 <= self.budget <= len(self.pool):
            raise PlanError(
                f"arm '{self.name}': a budget is from 1 to the {len(self.pool)} rows of the pool",
                got=self.budget,
            )
        if self.budget > (there := int(eligible_rows(self.strategy, self.pool).sum())):
            raise PlanError(
                f"arm '{self.name}': it can choose {there} of the {len(self.pool)} rows of the pool",
                got=f"a budget of {self.budget}",
                hint="lower the budget, or mend the labels that are suspected",
            )

    @property
    def code(self) -> tuple[object, ...]:
        """How strategies choose."""
        return (self.pool,)

    def check(self, task: TextTask) -> None:
        """Refuse rows that the task does not train on; raises `PlanError`."""
        _check_rows(self.name, self.rows, task)

    def describe(self) -> Mapping[str, Json]:
        """All that decides which rows a seed chooses."""
        return {
            "name": self.name,
            "strategy": dict(self.settings),
            "rows": _hash_of(self.rows),
            "pool": self._pool_hash(),
            "budget": self.budget,
            "keep": self.keep,
        }

    def _pool_hash(self) -> str:
        """What the task does not say of the pool."""
        # Without the probabilities: their last digits depend on the machine, and no strategy that has a name
        # reads them.
        pool = self.pool
        digest = hashlib.sha256(np.ascontiguousarray(pool.groups, "<i8").tobytes())
        digest.update(np.ascontiguousarray(pool.clusters, "<i8").tobytes())
        digest.update(np.ascontiguousarray(pool.embedding.indices, "<i8").tobytes())
        for flags in (pool.suspected, pool.redundant, pool.real):
            digest.update(b"-" if flags is None else np.ascontiguousarray(flags, "u1").tobytes())
        return digest.hexdigest()

    def draw(self, task: TextTask, seed: int) -> Int[np.ndarray, " drawn"]:
        """Choose the rows that one seed trains on, in the order of the task.

        Every arm with the same pool sees the same part of it at the same seed.
        """
        del task
        clusters, position = np.unique(self.pool.clusters, return_inverse=True)
        order = np.random.default_rng([seed, _PART]).permutation(len(clusters))
        seen = np.zeros(len(clusters), dtype=bool)
        seen[order[: max(self._enough(order, position), round(self.keep * len(clusters)))]] = True
        part = np.flatnonzero(seen[position])
        chosen = self.strategy(self.pool.take(part), self.budget, np.random.default_rng([seed, _CHOICE]))
        return np.sort(self.rows[part[chosen]])

    def _enough(self, order: Int[np.ndarray, " clusters"], position: Int[np.ndarray, " pool"]) -> int:
        """Clusters, in an order, that hold the rows which the strategy asks for."""
        eligible = eligible_rows(self.strategy, self.pool)
        asked = [(eligible, self.budget)]
        if self.pool.real is not None and isinstance(self.strategy, Cover | Stratified):
            asked.append((eligible & self.pool.real, least_real(self.strategy.real_share, self.budget)))
        held = [np.cumsum(np.bincount(position, weights=rows)[order]) for rows, _ in asked]
        return max(
            int(np.searchsorted(rows, wanted)) + 1 for rows, (_, wanted) in zip(held, asked, strict=True)
        )


@dataclass(frozen=True, eq=False)
class DrawnArm:
    """So many of a file's rows, another draw at each seed; all of them where there are no more.

    Random draws of one file are nested: at one seed, the first n rows of one random order, whatever the
    budget n; stratified ones likewise. Draws by clusters of two files are independent of each other, also
    where the files are copies.

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
        """Refuse rows that the task does not train on; raises `PlanError`."""
        _check_rows(self.name, self.rows, task)

    def describe(self) -> Mapping[str, Json]:
        """All that decides which rows a seed trains on."""
        return {
            "name": self.name,
            "rows": _hash_of(self.rows),
            "budget": self.budget,
            # There is but one draw of all rows.
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
            chosen = stratified_order(task.labels[self.rows], np.random.default_rng(stream))[: self.budget]
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
        rng: Source of the draw.

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


def stratified_order(labels: Int[np.ndarray, " rows"], rng: np.random.Generator) -> Int[np.ndarray, " rows"]:
    """Order rows at random so that any number of them from the first on has each label in its share.

    Row *j* (from 0) of a label with *c* rows is given the place ``(j + u) / c``, with one uniform *u* for
    the label: wherever the order is cut, as many places of each label lie before the cut, to within one.
    """
    _, of_row, counts = np.unique(labels, return_inverse=True, return_counts=True)
    order = rng.permutation(len(labels))
    by_label = order[np.argsort(of_row[order], kind="stable")]
    rank = np.arange(len(labels)) - np.repeat(np.cumsum(counts) - counts, counts)
    label = of_row[by_label]
    return np.asarray(by_label[np.argsort((rank + rng.random(len(counts))[label]) / counts[label])])


def _check_rows(name: str, rows: Int[np.ndarray, " rows"], task: TextTask) -> None:
    if rows.min() < 0 or rows.max() >= task.n_train:
        raise PlanError(f"arm '{name}' has rows that are no training rows of the task")


def _hash_of(rows: Int[np.ndarray, " rows"]) -> str:
    return hashlib.sha256(np.ascontiguousarray(rows, dtype="<i8").tobytes()).hexdigest()
