"""A strategy as an arm of a study: every seed chooses anew, from a part of the pool."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

from negspace.curation.pool import Pool, Strategy
from negspace.curation.quotas import least_real
from negspace.curation.strategies import Cover, Stratified
from negspace.errors import PlanError
from negspace.models import TextTask
from negspace.records import Json

__all__ = ["StrategyArm"]

# Streams of a seed. Not 0: numpy pads a seed with zeros, so that [seed, 0] is the stream of the seed itself.
_PART, _CHOICE = 1, 2


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
    pool: Pool
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
        if self.budget > (there := int(self._eligible().sum())):
            raise PlanError(
                f"arm '{self.name}': it can choose {there} of the {len(self.pool)} rows of the pool",
                got=f"a budget of {self.budget}",
                hint="lower the budget, or mend the labels that are suspected",
            )

    @property
    def code(self) -> tuple[object, ...]:
        """The room that strategies stand in."""
        return (self.pool,)

    def check(self, task: TextTask) -> None:
        """Refuse rows that the task does not train on.

        Raises:
            PlanError: If so.
        """
        if self.rows.min() < 0 or self.rows.max() >= task.n_train:
            raise PlanError(f"arm '{self.name}' has rows that are no training rows of the task")

    def describe(self) -> Mapping[str, Json]:
        """All that decides which rows a seed chooses."""
        rows = np.ascontiguousarray(self.rows, dtype="<i8")
        return {
            "name": self.name,
            "strategy": dict(self.settings),
            "rows": hashlib.sha256(rows.tobytes()).hexdigest(),
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

    def _eligible(self) -> Bool[np.ndarray, " pool"]:
        """The rows that the strategy can choose."""
        strategy = self.strategy
        if isinstance(strategy, Cover | Stratified):
            return strategy.may_choose(self.pool)
        return np.ones(len(self.pool), dtype=bool)

    def _enough(self, order: Int[np.ndarray, " clusters"], position: Int[np.ndarray, " pool"]) -> int:
        """Clusters, in an order, that hold the rows which the strategy asks for."""
        eligible = self._eligible()
        asked = [(eligible, self.budget)]
        if self.pool.real is not None and isinstance(self.strategy, Cover | Stratified):
            asked.append((eligible & self.pool.real, least_real(self.strategy.real_share, self.budget)))
        held = [np.cumsum(np.bincount(position, weights=rows)[order]) for rows, _ in asked]
        return max(
            int(np.searchsorted(rows, wanted)) + 1 for rows, (_, wanted) in zip(held, asked, strict=True)
        )
