"""Choosing rows that teach a boundary: whole near-miss groups, and rows that cover what labels say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import coo_array, csr_matrix

from negspace.curation.baselines import BASELINES
from negspace.curation.coverage import cover
from negspace.curation.pool import Pool, Strategy
from negspace.curation.quotas import Balance, Room
from negspace.errors import PlanError, did_you_mean

__all__ = ["STRATEGIES", "Cover", "Stratified", "open_strategy"]

_DECAY = 0.5
# A gain is divided by this power of the number of words: between counting words (long rows win) and
# counting words per word (short rows win).
_LENGTH_POWER = 0.5


@dataclass(frozen=True)
class Stratified:
    """Random rows within each label.

    Attributes:
        balance: Of labels.
        real_share: Least share of true rows.
    """

    balance: Balance = "pool"
    real_share: float = 0.0

    def __call__(self, pool: Pool, budget: int, rng: np.random.Generator) -> Int[np.ndarray, " chosen"]:
        """Choose rows.

        Raises:
            PlanError: If the pool cannot give so many.
        """
        everything = np.ones(len(pool), dtype=bool)
        room = Room(pool, budget, everything, balance=self.balance, real_share=self.real_share)
        return _draw(room, everything, rng)


@dataclass(frozen=True)
class Cover:
    """Whole near-miss groups first, then single rows; each time what shows most that is not yet shown.

    What a row shows is its words, each under the row's label; a group shows what its rows show. Words count
    by the number of rows in the pool that show them, halved each time one is shown (`coverage.cover`).
    Suspected rows are left out; redundant ones come last.

    Attributes:
        share: Share of the budget that goes to whole near-miss groups, as far as there are any.
        balance: Of labels.
        real_share: Least share of true rows.
    """

    share: float = 1.0
    balance: Balance = "pool"
    real_share: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise PlanError("the share of near-miss groups lies from 0 to 1", came=self.share)

    def __call__(self, pool: Pool, budget: int, rng: np.random.Generator) -> Int[np.ndarray, " chosen"]:
        """Choose rows.

        Raises:
            PlanError: If the pool cannot give so many.
        """
        sound = ~pool.suspected
        room = Room(pool, budget, sound, balance=self.balance, real_share=self.real_share)
        shown = _shown(pool)
        weights = np.asarray(shown[np.flatnonzero(sound)].sum(axis=0)).ravel()
        counts = np.zeros(len(weights))
        chosen = [_groups(pool, sound, shown, weights, counts, room, rng, round(self.share * budget))]
        for rows in (sound & ~pool.redundant, sound):
            units = np.flatnonzero(rows & ~room.admitted)
            found = cover(
                shown[units],
                weights,
                _worth(shown[units]),
                lambda unit, units=units: room.admit(units[[unit]]),  # type: ignore[misc]
                rng,
                decay=_DECAY,
                counts=counts,
                limit=room.left,
            )
            chosen.append(units[found])
        chosen.append(_draw(room, sound, rng))  # what quotas kept out, where the budget would not be met
        return np.concatenate(chosen)


def _groups(
    pool: Pool,
    sound: Bool[np.ndarray, " rows"],
    shown: Any,
    weights: Float[np.ndarray, " features"],
    counts: Float[np.ndarray, " features"],
    room: Room,
    rng: np.random.Generator,
    at_most: int,
) -> Int[np.ndarray, " chosen"]:
    """Choose whole near-miss groups, up to a number of rows."""
    candidates = np.flatnonzero(sound & pool.paired)
    names, group = np.unique(pool.groups[candidates], return_inverse=True)
    members = [candidates[group == 0]][:0] if not len(names) else _split(candidates, group)
    # A group of which a suspected row is missing may have only one label left: no near misses, then.
    members = [rows for rows in members if len(np.unique(pool.labels[rows])) > 1]
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
        if taken + len(members[index]) > at_most or not room.admit(members[index]):
            return False
        taken += len(members[index])
        return True

    # A group costs as many rows as it has.
    worth = _worth(joined) / np.array([len(rows) for rows in members])
    found = cover(joined, weights, worth, admit, rng, decay=_DECAY, counts=counts, limit=at_most // 2)
    return np.concatenate([np.empty(0, dtype=np.int64), *(members[index] for index in found)])


def _split(
    rows: Int[np.ndarray, " rows"], group: Int[np.ndarray, " rows"]
) -> list[Int[np.ndarray, " members"]]:
    order = np.argsort(group, kind="stable")
    return np.split(rows[order], np.flatnonzero(np.diff(group[order])) + 1)


def _shown(pool: Pool) -> Any:
    """Which row shows which word under its label: a binary sparse matrix of shape (rows, labels * words)."""
    entries = coo_array(pool.embedding)
    row, word = entries.coords
    columns = pool.labels[row] * pool.embedding.shape[1] + word
    found, column = np.unique(columns, return_inverse=True)
    return csr_matrix((np.ones(len(row)), (row, column)), shape=(len(pool), max(1, len(found))))


def _worth(shown: Any) -> Float[np.ndarray, " units"]:
    return np.asarray(1.0 / np.maximum(1, np.diff(shown.indptr)) ** _LENGTH_POWER)


def _draw(
    room: Room, rows: Bool[np.ndarray, " rows"], rng: np.random.Generator
) -> Int[np.ndarray, " chosen"]:
    """Fill a room at random: within the quotas of labels first, then beyond them if need be."""
    order = rng.permutation(np.flatnonzero(rows))
    chosen = []
    for any_label in (False, True):
        for row in order:
            if room.left == 0:
                break
            if room.admit(row[None], any_label=any_label):
                chosen.append(row)
    return np.array(chosen, dtype=np.int64)


STRATEGIES: Mapping[str, Strategy] = MappingProxyType(
    {
        "near-miss-groups": Cover(1.0),
        "near-miss-groups-50": Cover(0.5),
        "near-miss-groups-25": Cover(0.25),
        "cover": Cover(0.0),
        **BASELINES,
    }
)
"""Strategies by the names that commands and reports give them."""


def open_strategy(name: str) -> Strategy:
    """Give a strategy by its name.

    Raises:
        PlanError: If there is none of that name.
    """
    if name not in STRATEGIES:
        raise PlanError(f"there is no strategy '{name}'", do=did_you_mean(name, STRATEGIES))
    return STRATEGIES[name]
