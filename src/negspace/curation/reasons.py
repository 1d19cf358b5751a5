"""Why each row of a pool was chosen or not, in words."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int

from negspace.curation.building import Survey
from negspace.curation.pool import Strategy
from negspace.curation.strategies import Cover, Stratified
from negspace.data import Dataset
from negspace.evaluation import Roles
from negspace.search import nearest_in_group

__all__ = ["whole_groups", "why"]


def whole_groups(survey: Survey, chosen: Bool[np.ndarray, " rows"]) -> Bool[np.ndarray, " rows"]:
    """Find the chosen rows that were chosen together with a near miss of theirs.

    Args:
        survey: Of the pool.
        chosen: Whether each row was chosen.
    """
    rows = np.flatnonzero(chosen)
    found = np.zeros(len(chosen), dtype=bool)
    found[rows] = survey.pool.take(rows).paired
    return found


def why(
    survey: Survey,
    roles: Roles,
    dataset: Dataset,
    chosen: Int[np.ndarray, " chosen"],
    strategy: Strategy,
    name: str,
) -> list[str]:
    """Give the reason of each row.

    Args:
        survey: Of the pool.
        roles: Of its rows.
        dataset: The rows, as read.
        chosen: Positions of the chosen rows.
        strategy: What chose them.
        name: Of the strategy.

    Returns:
        A reason for each row of the pool, in its order.
    """
    pool = survey.pool
    taken = np.zeros(len(pool), dtype=bool)
    taken[chosen] = True
    together = whole_groups(survey, taken)
    covers = isinstance(strategy, Cover)
    at_random = isinstance(strategy, Stratified)
    excluded = np.zeros(len(pool), dtype=bool)
    if isinstance(strategy, Cover | Stratified):
        excluded = ~strategy.may_choose(pool)
    partner, distance = _partners(survey, chosen)
    real_only = pool.real is not None and isinstance(strategy, Cover) and strategy.real_share > 0

    names: list[str] = [pool.label_names[label] for label in pool.labels.tolist()]

    def label(row: int) -> str:
        return names[row]

    def judge(row: int) -> str:
        if taken[row]:
            if together[row] and covers:
                other = int(partner[row])
                return (
                    f"with its near miss, {distance[row]:.2f} away: {dataset.where(other)} ({label(other)})"
                )
            if covers:
                return f"shows words that few chosen rows of {label(row)} show"
            doubt = "; its label is suspected" if pool.suspected[row] else ""
            how = f"drawn at random among the rows of {label(row)}" if at_random else f"chosen by {name}"
            return how + doubt
        if excluded[row]:
            return f"suspect: {roles.reason[row]}"
        if at_random:
            return f"not drawn among the rows of {label(row)}"
        if covers and pool.redundant[row]:
            return f"redundant: {roles.reason[row]}"
        if covers and real_only and pool.real is not None and not pool.real[row]:
            return "synthetic, and adds less than the rows chosen"
        if covers and pool.paired[row]:
            return "its near-miss group adds less than the rows chosen"
        return "adds less than the rows chosen" if covers else f"not chosen by {name}"

    return [judge(row) for row in range(len(pool))]


def _partners(
    survey: Survey, chosen: Int[np.ndarray, " chosen"]
) -> tuple[Int[np.ndarray, " rows"], Float[np.ndarray, " rows"]]:
    """The nearest near miss of each chosen row among the chosen ones, and its distance."""
    pool = survey.pool
    partner, distance = np.full(len(pool), -1), np.full(len(pool), np.nan)
    nearest, apart = nearest_in_group(pool.embedding[chosen], pool.labels[chosen], pool.groups[chosen])
    found = nearest >= 0
    partner[chosen[found]], distance[chosen[found]] = chosen[nearest[found]], apart[found]
    return partner, distance
