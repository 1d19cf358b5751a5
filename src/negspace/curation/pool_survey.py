"""A pool as it was read, and what is found out about its rows before any is chosen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from negspace.curation.strategies import RowPool
from negspace.data import Dataset, Examples, Table, read, read_table
from negspace.errors import DataError, PlanError, did_you_mean
from negspace.evaluation import RowRoles, same_text_other_label, sort_rows, suspects
from negspace.models import out_of_fold
from negspace.search import (
    NEAR_DUPLICATE_RADIUS,
    Neighbours,
    cluster_rows,
    components,
    embed,
    group_links,
    match_near_misses,
    nearest,
    nearest_in_group,
)


@dataclass(frozen=True, eq=False)
class PoolFile:
    """What the user gave.

    Attributes:
        dataset: Its labelled texts.
        table: All of its columns, so that chosen rows can be written as they came.
        real: Whether each row is true data; None where nothing is said.
    """

    dataset: Dataset
    table: Table
    real: Bool[np.ndarray, " rows"] | None

    def __len__(self) -> int:
        return len(self.dataset)


def read_pool(
    source: object,
    *,
    text: str | None,
    label: str | None,
    group: str | None,
    source_column: str | None,
    real: str | None,
) -> PoolFile:
    """Read a pool.

    Raises:
        DataError: If the file cannot be used, or has no such column or value.
        PlanError: If only one of ``source_column`` and ``real`` is given.
    """
    if (source_column is None) != (real is None):
        raise PlanError(
            "which rows are true data is said by a column and its value",
            got=f"--source {source_column}, --real {real}",
            hint="give both --source COLUMN and --real VALUE, or neither",
        )
    dataset = read(source, text=text, label=label, group=group)
    table = read_table(source)
    if source_column is None or real is None:
        return PoolFile(dataset, table, None)
    if source_column not in table.columns:
        raise DataError(
            f"{table.source}: there is no column '{source_column}' (asked for by --source)",
            got=", ".join(table.columns),
            hint=did_you_mean(source_column, list(table.columns)),
        )
    values = [str(value) for value in table.columns[source_column]]
    if real not in values:
        raise DataError(
            f"{table.source}, column '{source_column}': no row has the value that --real names",
            got=real,
            hint=did_you_mean(real, sorted(set(values))),
        )
    return PoolFile(dataset, table, np.array([value == real for value in values], dtype=bool))


@dataclass(frozen=True, eq=False)
class PoolSurvey:
    """A pool, and what was found out about its rows on the way.

    Attributes:
        pool: The pool.
        neighbours: The rows nearest to each.
        partner: Nearest row of another label in each row's group, -1 without one; and its cosine distance.
        note: Which chains of near-duplicates were broken; empty where none was.
    """

    pool: RowPool
    neighbours: Neighbours
    partner: tuple[Int[np.ndarray, " rows"], Float[np.ndarray, " rows"]]
    note: str = ""

    def roles(self, examples: Examples, *, unit: str = "row") -> RowRoles:
        """Role of each row, with its reason.

        Args:
            examples: The rows of the pool.
            unit: What their ``lines`` count.
        """
        pool = self.pool
        return sort_rows(
            examples, self.neighbours, self.partner, pool.probabilities, pool.suspected, unit=unit
        )


def survey_pool(
    texts: tuple[str, ...],
    labels: Int[np.ndarray, " rows"],
    label_names: tuple[str, ...],
    *,
    groups: Int[np.ndarray, " rows"] | None = None,
    real: Bool[np.ndarray, " rows"] | None = None,
    seed: int = 0,
    workers: int = 1,
) -> PoolSurvey:
    """Look at rows the way a choice needs them.

    Args:
        texts: One a row.
        labels: Position of each row's label in ``label_names``.
        label_names: Distinct labels, sorted.
        groups: Near-miss groups; found by `match_near_misses` where None.
        real: Whether each row is true data; None where nothing is said.
        seed: Deals the folds in which labels are checked.
        workers: Fits at once.
    """
    embedding = embed(texts)
    neighbours = nearest(embedding, labels)
    if groups is None:
        groups = match_near_misses(neighbours)
        # Only pairs without near-duplicates: found pairs would else chain whole families of these (on 15,000
        # queries of CLINC150, to one cluster of 4,269 rows and 128 labels).
        duplicates, links = components(len(texts), neighbours.links), group_links(groups)
        alone = np.bincount(duplicates)[duplicates] == 1
        joined = np.asarray(links[alone[links].all(axis=1)])
    else:
        joined = group_links(groups)
    found = cluster_rows(embedding, neighbours.links, joined)
    clusters = found.of_row
    probabilities = out_of_fold(texts, labels, clusters, len(label_names), seed=seed, workers=workers)
    same = neighbours.same
    pool = RowPool(
        texts,
        labels,
        label_names,
        embedding,
        clusters,
        groups,
        probabilities,
        # One text under two labels is no near miss, however near.
        suspected=suspects(labels, probabilities) | (same_text_other_label(texts, labels) >= 0),
        redundant=(neighbours.same_distance <= NEAR_DUPLICATE_RADIUS)
        & (same >= 0)
        & (same < np.arange(len(same)))
        & (groups[same] != groups),
        real=real,
    )
    return PoolSurvey(pool, neighbours, nearest_in_group(embedding, labels, groups), found.note)
