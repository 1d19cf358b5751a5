"""Labelled texts: their columns, labels and groups, and how they were read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from negspace.data.columns import Recognised, recognise
from negspace.data.sources import read_table
from negspace.data.table import Table, clean_name, fault, fingerprint, is_missing, names_of, suggest, texts_of
from negspace.errors import DataError


@dataclass(frozen=True, eq=False)
class Examples:
    """Labelled texts, in the order of their source."""

    texts: tuple[str, ...]
    labels: Int[np.ndarray, " rows"]  # position of each row's label in ``label_names``
    label_names: tuple[str, ...]  # distinct labels, sorted
    # Group of each row, or None. Rows of one group are variants of one original; those with different labels
    # are near misses of each other.
    groups: Int[np.ndarray, " rows"] | None = None
    source: str = "memory"
    # line of the source on which each row starts, 1-based (for a source without lines, the row's number)
    lines: Int[np.ndarray, " rows"] | None = None
    fingerprint: str = ""  # SHA-256 (hex) of texts, labels and groups: the content, not the file

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Examples, and how they were read.

    Attributes:
        group_names: Name of each group, by its position in ``examples.groups``; None for the group
            of a row that has no group value (each such row is a group of its own). None where no
            group column was read. Names are comparable across files, positions are not: see
            ``shared_groups``.
        unit: What ``examples.lines`` counts: ``"line"`` or ``"row"``.
    """

    examples: Examples
    columns: Recognised
    group_names: tuple[str | None, ...] | None = None
    notes: tuple[str, ...] = ()
    unit: str = "line"

    def __len__(self) -> int:
        return len(self.examples)

    def where(self, row: int) -> str:
        """Place of a row, as messages give it: ``train.csv, line 7``."""
        lines = self.examples.lines
        return f"{self.examples.source}, {self.unit} {row + 1 if lines is None else lines[row]}"


_LARGEST_GROUP = 20
_FEWEST_GROUPS = 3


def factorise(values: Sequence[str | None]) -> tuple[Int[np.ndarray, " rows"], tuple[str | None, ...]]:
    """Number group names in order of first appearance; each row without one gets a number of its own.

    Returns the group of each row, and the name of each group (None for a row without).
    """
    position: dict[object, int] = {}
    keys = [object() if value is None else value for value in values]
    groups = np.array([position.setdefault(key, len(position)) for key in keys], dtype=np.int64)
    return groups, tuple(key if isinstance(key, str) else None for key in position)


def shared_groups(*datasets: Dataset) -> tuple[Int[np.ndarray, " _"], ...]:
    """Number the groups of several data sets together, so that equal names have equal numbers.

    Rows without a group, and all rows of a data set without a group column, get numbers of their own.
    """
    values = [list(_row_names(dataset)) for dataset in datasets]
    groups, _ = factorise([name for names in values for name in names])
    ends = np.cumsum([len(names) for names in values])[:-1]
    return tuple(np.split(groups, ends))


def check_groups_apart(train: Dataset, test: Dataset) -> None:
    """Refuse a group that has rows on both sides: a model that saw one variant has seen the others."""
    first: dict[str | None, int] = {}
    for row, name in enumerate(_row_names(train)):
        first.setdefault(name, row)
    first.pop(None, None)
    both: dict[str | None, int] = {}
    for row, name in enumerate(_row_names(test)):
        if name in first:
            both.setdefault(name, row)
    if both:
        name, row = next(iter(both.items()))
        more = f" ({len(both)} groups in all)" if len(both) > 1 else ""
        raise DataError(
            f"group '{name}' is on both sides: {train.where(first[name])} and {test.where(row)}{more}",
            hint="move all rows of a group to one side; or give no test data: the split keeps groups whole",
        )


def _hints(table: Table, columns: Recognised, labels: Sequence[str]) -> list[str]:
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


def read(
    source: object,
    *,
    text: str | None = None,
    label: str | None = None,
    group: str | None = None,
    group_optional: bool = False,
    split: str | None = None,
    label_names: Sequence[str] | None = None,
) -> Dataset:
    """Read labelled texts.

    Args:
        source: A path or an object; see ``read_table``.
        text: Column of texts; recognised by its name where None.
        label: Column of labels; recognised by its name where None.
        group: Column of groups, none where None: rows of one group are variants of one original.
        group_optional: Take ``group`` where the source has such a column, and go without where not
            (for a test file beside a grouped training file).
        split: Which split of a Hugging Face ``DatasetDict``; ``train`` where None.
        label_names: Labels of the training set, for data to be judged by it: positions in ``labels``
            then refer to these names, and any other label is an error.

    Raises:
        DataError: The data cannot be used; the message says where, what came and what to do.
        MissingExtraError: The folder needs the library ``datasets``.
    """
    table = read_table(source, split=split)
    columns = recognise(table, text=text, label=label, group=group, group_optional=group_optional)
    texts = texts_of(table, columns.text)
    labels = [name or "" for name in names_of(table, columns.label, "label", required=True)]
    names = tuple(sorted(set(labels)) if label_names is None else label_names)
    if label_names is None and len(names) == 1:
        raise DataError(
            f"{table.source}, column '{columns.label}': all {len(table)} rows have the same label",
            got=names[0],
            hint="give rows of at least two labels, or name another column with --label",
        )
    position = {name: index for index, name in enumerate(names)}
    if unseen := [row for row, label in enumerate(labels) if label not in position]:
        raise fault(
            table,
            columns.label,
            unseen,
            "a label that the training set does not have",
            got=labels[unseen[0]],
            hint=f"{suggest(labels[unseen[0]], names)} Correct the label, add training rows of it, or remove "
            "the row",
        )
    notes = []
    positions, group_names, group_values = None, None, None
    if columns.group is None:
        notes += _hints(table, columns, labels)
    else:
        group_values = names_of(table, columns.group, "group", required=False)
        positions, group_names = factorise(group_values)
        if alone := group_values.count(None):
            notes.append(f"{alone} rows have no value in '{columns.group}': each is a group of its own")
    examples = Examples(
        texts=texts,
        labels=np.array([position[label] for label in labels], dtype=np.int64),
        label_names=names,
        groups=positions,
        source=table.source,
        lines=table.lines,
        fingerprint=fingerprint(texts, labels, group_values),
    )
    return Dataset(examples, columns, group_names, tuple(notes), table.unit)
