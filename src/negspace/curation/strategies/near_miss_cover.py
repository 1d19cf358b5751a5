"""Choosing rows that teach a boundary: whole near-miss groups, and rows that cover what labels say.

What a set of rows covers is counted in features (here: a word under a label). The first row that shows a
feature is worth the feature's whole weight, each further one a fixed fraction of the one before:

    f(S) = sum_w weight_w * (1 + decay + ... + decay^(count_w(S) - 1))

a feature-based submodular function (Wei, Iyer and Bilmes 2015, "Submodularity in Data Subset Selection and
Active Learning", eq. 3, with a geometric series as the concave function). The greedy choice is within
1 - 1/e of the best (Nemhauser, Wolsey and Fisher 1978).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import coo_array, csr_matrix

from negspace.curation.strategies.literature import BASELINES
from negspace.curation.strategies.row_pool import Balance, RowBudget, RowPool, Strategy
from negspace.errors import PlanError, did_you_mean


@dataclass(frozen=True)
class Stratified:
    """Random rows within each label.

    Attributes:
        balance: Shares of the labels.
        real_share: Least share of true rows.
        sound_only: Whether suspected rows are left out.
    """

    balance: Balance = "pool"
    real_share: float = 0.0
    sound_only: bool = False

    def may_choose(self, pool: RowPool) -> Bool[np.ndarray, " rows"]:
        """Which rows can be chosen."""
        return ~pool.suspected if self.sound_only else np.ones(len(pool), dtype=bool)

    def __call__(self, pool: RowPool, budget: int, rng: np.random.Generator) -> Int[np.ndarray, " chosen"]:
        """Choose rows.

        Raises:
            PlanError: If the pool cannot give so many.
        """
        rows = self.may_choose(pool)
        left = RowBudget(pool, budget, rows, balance=self.balance, real_share=self.real_share, rng=rng)
        return _draw(left, rows, rng)


@dataclass(frozen=True)
class Cover:
    """Whole near-miss groups first, then single rows; each time what shows most that is not yet shown.

    What a row shows is its words, each under the row's label; a group shows what its rows show. Words count
    by the number of rows in the pool that show them, halved each time one is shown (`cover`).
    Suspected rows are left out; redundant ones come last.

    Attributes:
        share: Share of the budget that goes to whole near-miss groups, as far as there are any.
        balance: Shares of the labels.
        real_share: Least share of true rows.
        decay: What a word is worth each further time it is shown, as a share of the time before; in [0, 1).
        length_power: A gain is divided by this power of the number of words: at 0 long rows win, at 1 short
            ones. For queries of 8 words .5 teaches more (by 2 points at 1,500 rows of CLINC150), for reviews
            of 160 words 0 does (by 1 point).
    """

    share: float = 1.0
    balance: Balance = "pool"
    real_share: float = 0.0
    decay: float = 0.5
    length_power: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise PlanError("the share of near-miss groups lies from 0 to 1", got=self.share)
        if not 0 <= self.decay < 1:
            raise PlanError("a decay lies from 0 to below 1", got=self.decay)

    def may_choose(self, pool: RowPool) -> Bool[np.ndarray, " rows"]:
        """Which rows can be chosen."""
        return ~pool.suspected

    def __call__(self, pool: RowPool, budget: int, rng: np.random.Generator) -> Int[np.ndarray, " chosen"]:
        """Choose rows.

        Raises:
            PlanError: If the pool cannot give so many.
        """
        sound = self.may_choose(pool)
        left = RowBudget(pool, budget, sound, balance=self.balance, real_share=self.real_share, rng=rng)
        shown = _shown(pool)
        weights = np.asarray(shown[np.flatnonzero(sound)].sum(axis=0)).ravel()
        counts = np.zeros(len(weights))
        chosen = [self._groups(pool, sound, shown, weights, counts, left, rng, round(self.share * budget))]
        for rows in (sound & ~pool.redundant, sound):
            units = np.flatnonzero(rows & ~left.admitted)
            found = cover(
                shown[units],
                weights,
                self._worth(shown[units]),
                lambda unit, units=units: left.admit(units[[unit]]),  # type: ignore[misc]
                rng,
                decay=self.decay,
                counts=counts,
                limit=left.left,
            )
            chosen.append(units[found])
        chosen.append(_draw(left, sound, rng))  # what quotas kept out, where the budget would not be met
        return np.concatenate(chosen)

    def _groups(
        self,
        pool: RowPool,
        sound: Bool[np.ndarray, " rows"],
        shown: Any,
        weights: Float[np.ndarray, " features"],
        counts: Float[np.ndarray, " features"],
        left: RowBudget,
        rng: np.random.Generator,
        at_most: int,
    ) -> Int[np.ndarray, " chosen"]:
        """Choose whole near-miss groups, up to a number of rows."""
        candidates = np.flatnonzero(sound & pool.paired)
        # A group of which a suspected row is missing may have only one label left: no near misses, then.
        whole = _split(candidates, pool.groups[candidates])
        members = [rows for rows in whole if len(np.unique(pool.labels[rows])) > 1]
        if not members or at_most < 2:
            return np.empty(0, dtype=np.int64)
        unit = np.repeat(np.arange(len(members)), [len(rows) for rows in members])
        rows = np.concatenate(members)
        joined = csr_matrix(
            coo_array((np.ones(len(rows)), (unit, rows)), shape=(len(members), len(pool))) @ shown
        )
        joined.data[:] = 1.0
        taken = 0

        def admit(index: int) -> bool:
            nonlocal taken
            if taken + len(members[index]) > at_most or not left.admit(members[index]):
                return False
            taken += len(members[index])
            return True

        # A group costs as many rows as it has.
        worth = self._worth(joined) / np.array([len(rows) for rows in members])
        found = cover(joined, weights, worth, admit, rng, decay=self.decay, counts=counts, limit=at_most // 2)
        return np.concatenate([np.empty(0, dtype=np.int64), *(members[index] for index in found)])

    def _worth(self, shown: Any) -> Float[np.ndarray, " units"]:
        return np.asarray(1.0 / np.maximum(1, np.diff(shown.indptr)) ** self.length_power)


def _split(
    rows: Int[np.ndarray, " rows"], group: Int[np.ndarray, " rows"]
) -> list[Int[np.ndarray, " members"]]:
    order = np.argsort(group, kind="stable")
    return np.split(rows[order], np.flatnonzero(np.diff(group[order])) + 1)


def _shown(pool: RowPool) -> Any:
    """Which row shows which word under its label: a binary sparse matrix of shape (rows, labels * words)."""
    entries = coo_array(pool.embedding)
    row, word = entries.coords
    columns = pool.labels[row] * pool.embedding.shape[1] + word
    found, column = np.unique(columns, return_inverse=True)
    return csr_matrix((np.ones(len(row)), (row, column)), shape=(len(pool), max(1, len(found))))


def _draw(
    left: RowBudget, rows: Bool[np.ndarray, " rows"], rng: np.random.Generator
) -> Int[np.ndarray, " chosen"]:
    """Spend what is left at random: within the quotas of labels first, then beyond them if need be."""
    order = rng.permutation(np.flatnonzero(rows))
    chosen = []
    for any_label in (False, True):
        for row in order:
            if left.left == 0:
                break
            if left.admit(row[None], any_label=any_label):
                chosen.append(row)
    return np.array(chosen, dtype=np.int64)


def cover(
    features: Any,
    weights: Float[np.ndarray, " features"],
    worth: Float[np.ndarray, " units"],
    admit: Callable[[int], bool],
    rng: np.random.Generator,
    *,
    decay: float,
    counts: Float[np.ndarray, " features"],
    limit: int,
) -> Int[np.ndarray, " chosen"]:
    """Choose units one by one, each time the one that adds most of those that are admitted.

    Args:
        features: Sparse binary matrix of shape (units, features), CSR: which unit shows which.
        weights: Weight of each feature.
        worth: Factor of each unit's gain.
        admit: Told a unit that would be chosen next; says whether it may be taken, and counts it if so. A
            unit refused once is not asked about again.
        rng: Decides between equal gains.
        decay: What each further unit with a feature is worth, as a share of the one before; in [0, 1).
        counts: How often each feature has been chosen before; counted on in place.
        limit: Most units to choose.

    Returns:
        The units, in the order they were chosen.
    """
    # The first of equal gains is taken, so a random order of units decides between them.
    order = rng.permutation(features.shape[0])
    features = csr_matrix(features)[order]
    showing = features.tocsc()
    worth = worth[order]
    left = weights * decay**counts
    gains = worth * np.asarray(features @ left).ravel()
    chosen: list[int] = []
    while len(chosen) < limit and len(gains):
        unit = int(gains.argmax())
        if gains[unit] == -np.inf:
            break
        gains[unit] = -np.inf
        if not admit(int(order[unit])):
            continue
        chosen.append(int(order[unit]))
        shown = features.indices[features.indptr[unit] : features.indptr[unit + 1]]
        counts[shown] += 1
        gains -= worth * _falls(showing, shown, left[shown] * (1.0 - decay), len(gains))
        left[shown] *= decay
    return np.array(chosen, dtype=np.int64)


def _falls(
    showing: Any, features: Int[np.ndarray, " shown"], falls: Float[np.ndarray, " shown"], units: int
) -> Float[np.ndarray, " units"]:
    """Sum over features what each unit that shows them loses; only those units are visited."""
    if len(features) == 0:  # a text without words
        return np.zeros(units)
    start, stop = showing.indptr[features], showing.indptr[features + 1]
    length = stop - start
    before = np.concatenate([[0], np.cumsum(length)[:-1]])
    entries = np.repeat(start - before, length) + np.arange(length.sum())
    return np.bincount(showing.indices[entries], weights=np.repeat(falls, length), minlength=units)


COVERS: Mapping[str, Cover] = MappingProxyType(
    {
        "near-miss-groups": Cover(1.0),
        "near-miss-groups-50": Cover(0.5),
        "near-miss-groups-25": Cover(0.25),
        "near-miss-groups-long": Cover(1.0, decay=0.7, length_power=0.0),
        "cover": Cover(0.0),
        "cover-long": Cover(0.0, decay=0.7, length_power=0.0),
    }
)
"""Whole near-miss groups in all, half, a quarter or none of the budget; and the same for long rows."""

STRATEGIES: Mapping[str, Strategy] = MappingProxyType(
    {
        **COVERS,
        **BASELINES,
        "stratified": Stratified(),
    }
)
"""Strategies by the names that commands and reports give them."""


def eligible_rows(strategy: Strategy, pool: RowPool) -> Bool[np.ndarray, " rows"]:
    """Which rows a strategy can choose: all, where it leaves none out."""
    if isinstance(strategy, Cover | Stratified):
        return strategy.may_choose(pool)
    return np.ones(len(pool), dtype=bool)


def settings_of(name: str, strategy: Strategy) -> dict[str, str | float]:
    """What tells a strategy from others: its settings, or its name where it has none."""
    return asdict(strategy) if isinstance(strategy, Cover | Stratified) else {"name": name}


def open_strategy(name: str, *, balance: Balance = "pool", real_share: float = 0.0) -> Strategy:
    """Give a strategy by its name.

    Args:
        name: One of `STRATEGIES`.
        balance: Shares of the labels.
        real_share: Least share of true rows.

    Raises:
        PlanError: If there is none of that name, or it cannot keep to such a balance or share.
    """
    if name not in STRATEGIES:
        raise PlanError(f"there is no strategy '{name}'", hint=did_you_mean(name, STRATEGIES))
    strategy = STRATEGIES[name]
    if isinstance(strategy, Cover | Stratified):
        return replace(strategy, balance=balance, real_share=real_share)
    if balance != "pool" or real_share > 0:
        raise PlanError(
            "strategies from the literature know neither a balance of labels nor a share of true rows",
            got=name,
            hint="leave that strategy out, or --balance and --real-share",
        )
    return strategy
