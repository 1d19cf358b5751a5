"""The rows that can be chosen, and how many of each label and how many synthetic ones a choice may take."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any, Literal, TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Int

from negspace.errors import PlanError

Balance: TypeAlias = Literal["pool", "even"]
"""Labels in the shares they have in the pool, or as many rows of each as there are."""


@dataclass(frozen=True, eq=False)
class RowPool:
    """Rows to choose from. Positions count from 0 in the pool.

    Attributes:
        texts: One text a row.
        labels: Position of each row's label in ``label_names``.
        label_names: Distinct labels, sorted.
        embedding: Sparse word vectors of unit length, of shape (rows, words), from `search.embed`.
        clusters: Near-duplicates and given groups; what is held out together.
        groups: Near-miss group of each row, given or found: rows of a group are near misses of each other.
            A row without any is a group of its own.
        probabilities: Probability of each label for each row, by models that saw nothing of its cluster.
        suspected: Whether each row's label is likely wrong, or its text stands under another label too.
        redundant: Whether a near-duplicate with the same label stands earlier in the pool, outside of the
            row's group.
        real: Whether each row is true data, where some are synthetic; None where nothing is said.
    """

    texts: tuple[str, ...]
    labels: Int[np.ndarray, " rows"]
    label_names: tuple[str, ...]
    embedding: Any  # scipy.sparse.csr_matrix
    clusters: Int[np.ndarray, " rows"]
    groups: Int[np.ndarray, " rows"]
    probabilities: Float[np.ndarray, "rows labels"]
    suspected: Bool[np.ndarray, " rows"]
    redundant: Bool[np.ndarray, " rows"]
    real: Bool[np.ndarray, " rows"] | None = None

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def paired(self) -> Bool[np.ndarray, " rows"]:
        """Whether each row's near-miss group holds another label."""
        _, group = np.unique(self.groups, return_inverse=True)
        lowest = np.full(group.max(initial=0) + 1, len(self.label_names))
        highest = np.zeros(group.max(initial=0) + 1, dtype=np.int64)
        np.minimum.at(lowest, group, self.labels)
        np.maximum.at(highest, group, self.labels)
        return np.asarray(lowest[group] < highest[group])

    def take(self, rows: Int[np.ndarray, " taken"]) -> RowPool:
        """The pool of some rows, in the order given."""
        return replace(
            self,
            texts=tuple(self.texts[row] for row in rows.tolist()),
            labels=self.labels[rows],
            embedding=self.embedding[rows],
            clusters=self.clusters[rows],
            groups=self.groups[rows],
            probabilities=self.probabilities[rows],
            suspected=self.suspected[rows],
            redundant=self.redundant[rows],
            real=None if self.real is None else self.real[rows],
        )


Strategy: TypeAlias = Callable[[RowPool, int, np.random.Generator], Int[np.ndarray, " chosen"]]
"""Pool, budget and generator to the positions of exactly so many rows, most wanted first."""


def checked(strategy: Strategy) -> Strategy:
    """The same strategy, which refuses a budget that the pool cannot give with a `PlanError`."""

    @wraps(strategy)
    def choose(pool: RowPool, budget: int, rng: np.random.Generator) -> Int[np.ndarray, " chosen"]:
        if not 1 <= budget <= len(pool):
            raise PlanError(
                f"a choice from {len(pool)} rows has 1 to {len(pool)} of them",
                got=budget,
                hint="ask for fewer rows, or give a larger pool"
                if budget > 0
                else "ask for at least one row",
            )
        return strategy(pool, budget, rng)

    return choose


class RowBudget:
    """What is left of a budget of rows: in all, of each label, and of synthetic rows.

    Attributes:
        admitted: Whether each row of the pool was admitted.

    Args:
        pool: The rows.
        budget: How many are chosen.
        eligible: Rows that may be chosen.
        balance: Shares of the labels.
        real_share: Least share of true rows among those chosen, in [0, 1].
        rng: Decides which labels get the rows that cannot be dealt evenly.

    Raises:
        PlanError: If so many rows cannot be chosen so.
    """

    admitted: Bool[np.ndarray, " rows"]

    def __init__(
        self,
        pool: RowPool,
        budget: int,
        eligible: Bool[np.ndarray, " rows"],
        *,
        balance: Balance,
        real_share: float,
        rng: np.random.Generator,
    ) -> None:
        _check(pool, budget, eligible, real_share)
        self._labels = pool.labels
        self._left = budget
        self._of_label = label_quotas(
            pool.labels[eligible], budget, rng, n_labels=len(pool.label_names), balance=balance
        )
        synthetic = np.zeros(len(pool), dtype=bool) if pool.real is None else ~pool.real
        self._synthetic = synthetic
        self._synthetic_left = budget - least_real(real_share, budget)
        self.eligible = eligible.copy()
        self.admitted = np.zeros(len(pool), dtype=bool)

    @property
    def left(self) -> int:
        """How many more rows may be taken."""
        return self._left

    def admit(self, rows: Int[np.ndarray, " rows"], *, any_label: bool = False) -> bool:
        """Take rows of the pool, all or none, and say whether they were taken.

        Args:
            rows: Positions in the pool.
            any_label: Whether labels may go beyond their quota.
        """
        labels, counts = np.unique(self._labels[rows], return_counts=True)
        synthetic = int(self._synthetic[rows].sum())
        if (
            len(rows) > self._left
            or synthetic > self._synthetic_left
            or not self.eligible[rows].all()
            or self.admitted[rows].any()
            or not (any_label or (counts <= self._of_label[labels]).all())
        ):
            return False
        self.admitted[rows] = True
        self._of_label[labels] -= counts
        self._left -= len(rows)
        self._synthetic_left -= synthetic
        return True


def label_quotas(
    labels: Int[np.ndarray, " eligible"],
    budget: int,
    rng: np.random.Generator,
    *,
    n_labels: int = 0,
    balance: Balance = "pool",
) -> Int[np.ndarray, " labels"]:
    """Deal a budget to labels by largest remainder, none getting more rows than there are of it.

    Args:
        labels: Label of each row that may be chosen.
        budget: Rows to deal; no more than there are.
        rng: Decides between equal remainders: the same labels would else go short at every draw.
        n_labels: Number of labels, where some of them may not occur.
        balance: In the shares of the rows, or evenly: what a label lacks then goes to the others.

    Returns:
        Rows of each label; they sum to the budget.
    """
    there = np.bincount(labels, minlength=n_labels)
    if balance == "pool":
        return _largest_remainder(budget, there, rng)
    quota = np.zeros(len(there), dtype=np.int64)
    open_to = there > 0
    # A label that has no more than an even share gives all it has, and the share of the others grows.
    while open_to.any():
        short = open_to & (there * open_to.sum() <= budget - quota.sum())
        if not short.any():
            left = budget - int(quota.sum())
            return np.asarray(quota + _largest_remainder(left, open_to.astype(np.int64), rng))
        quota[short] = there[short]
        open_to &= ~short
    return quota


def _largest_remainder(
    budget: int, weights: Int[np.ndarray, " labels"], rng: np.random.Generator
) -> Int[np.ndarray, " labels"]:
    # In whole numbers, so that equal remainders are equal.
    quota, remainder = np.divmod(budget * weights, weights.sum())
    order = np.lexsort((rng.permutation(len(weights)), -remainder))
    quota[order[: budget - int(quota.sum())]] += 1
    return np.asarray(quota)


def _check(pool: RowPool, budget: int, eligible: Bool[np.ndarray, " rows"], real_share: float) -> None:
    there = int(eligible.sum())
    if not 1 <= budget <= there:
        suspects = int(pool.suspected.sum())
        raise PlanError(
            f"of {len(pool)} rows, {there} can be chosen ({suspects} have a suspected label)",
            got=f"a budget of {budget}",
            hint="give a budget from 1 to that number",
        )
    if not 0 <= real_share <= 1:
        raise PlanError("the share of true rows lies from 0 to 1", got=real_share)
    if real_share > 0 and pool.real is None:
        raise PlanError(
            "a share of true rows is asked for, and nothing says which rows are true",
            got=real_share,
            hint="name the column that tells with --source, and its value for true rows with --real",
        )
    if pool.real is not None and (true := int((eligible & pool.real).sum())) < least_real(real_share, budget):
        raise PlanError(
            f"there are {true} true rows to choose from",
            got=f"{real_share:g} of {budget} rows asked for",
            hint="lower --real-share or --budget, or add true rows",
        )


def least_real(real_share: float, budget: int) -> int:
    """The fewest rows that are such a share; 0.07 of 100 are 7, although 0.07 * 100 is a little more."""
    return math.ceil(round(real_share * budget, 9))
