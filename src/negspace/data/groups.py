"""Groups: rows that are variants of one original."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Int

from negspace.data.columns import Recognised
from negspace.data.dataset import Dataset
from negspace.data.table import Table
from negspace.data.values import clean_name, is_missing
from negspace.errors import DataError

__all__ = ["check_groups_apart", "factorise", "hints", "shared_groups"]

_LARGEST_GROUP = 20
_FEWEST_GROUPS = 3


def factorise(values: Sequence[str | None]) -> tuple[Int[np.ndarray, " rows"], tuple[str | None, ...]]:
    """Number group names in order of first appearance; each row without one gets a number of its own.

    Returns:
        Group of each row, and the name of each group (None for a row without).
    """
    position: dict[str, int] = {}
    names: list[str | None] = []
    groups = np.empty(len(values), dtype=np.int64)
    for row, value in enumerate(values):
        if value is not None and value in position:
            groups[row] = position[value]
            continue
        groups[row] = len(names)
        if value is not None:
            position[value] = len(names)
        names.append(value)
    return groups, tuple(names)


def shared_groups(*datasets: Dataset) -> tuple[Int[np.ndarray, " _"], ...]:
    """Number the groups of several data sets together, so that equal names have equal numbers.

    Rows without a group, and all rows of a data set without a group column, get numbers of their own.

    Returns:
        For each data set, the group of each of its rows.
    """
    values = [list(_row_names(dataset)) for dataset in datasets]
    groups, _ = factorise([name for names in values for name in names])
    ends = np.cumsum([len(names) for names in values])[:-1]
    return tuple(np.split(groups, ends))


def check_groups_apart(train: Dataset, test: Dataset) -> None:
    """Refuse a group that has rows on both sides: a model that saw one variant has seen the others.

    Raises:
        DataError: With the first such group, a row of it on each side, and the count of groups.
    """
    first: dict[str, int] = {}
    for row, name in enumerate(_row_names(train)):
        if name is not None:
            first.setdefault(name, row)
    both: dict[str, int] = {}
    for row, name in enumerate(_row_names(test)):
        if name is not None and name in first:
            both.setdefault(name, row)
    if both:
        name, row = next(iter(both.items()))
        more = f" ({len(both)} groups in all)" if len(both) > 1 else ""
        raise DataError(
            f"group '{name}' is on both sides: {train.where(first[name])} and {test.where(row)}{more}",
            hint="move all rows of a group to one side; or give no test data: the split keeps groups whole",
        )


def hints(table: Table, columns: Recognised, labels: Sequence[str]) -> list[str]:
    """Find columns that look like groups of near misses, for a note; none is used unasked.

    Such a column joins at least half of the rows, 2 to 20 to a value, and at least half of these
    groups hold different labels.
    """
    return [
        f"column '{name}' joins rows of different labels in groups; "
        f"--group {name} uses it as near-miss groups"
        for name in table.columns
        if name not in (columns.text, columns.label) and _joins_labels(table.columns[name], labels)
    ]


def _joins_labels(values: Sequence[object], labels: Sequence[str]) -> bool:
    # Asked of the first value alone, so that a column of embeddings is not turned into Python lists.
    if isinstance(values[0], list | dict | bytes):
        return False
    rows: dict[str, list[str]] = defaultdict(list)
    for value, label in zip(values, labels, strict=True):
        if is_missing(value):
            continue
        name = clean_name(value)
        if name is None or (isinstance(value, float) and not value.is_integer()):
            return False
        rows[name].append(label)
    joined = [group for group in rows.values() if len(group) >= 2]
    return (
        len(joined) >= _FEWEST_GROUPS
        and max(map(len, joined)) <= _LARGEST_GROUP
        and 2 * sum(map(len, joined)) >= len(labels)
        and 2 * sum(len(set(group)) > 1 for group in joined) >= len(joined)
    )


def _row_names(dataset: Dataset) -> Iterator[str | None]:
    groups, names = dataset.examples.groups, dataset.group_names
    if groups is None or names is None:
        return iter([None] * len(dataset))
    return (names[group] for group in groups)
