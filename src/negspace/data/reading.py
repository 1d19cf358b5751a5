"""From a source to labelled examples: the room's front desk."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int

from negspace.data.columns import Recognised, recognise
from negspace.data.dataset import Dataset
from negspace.data.fingerprints import fingerprint
from negspace.data.groups import factorise, hints
from negspace.data.sources import read_table
from negspace.data.table import Table, fault, suggest
from negspace.data.values import names_of, texts_of
from negspace.errors import DataError
from negspace.records import Examples

__all__ = ["read"]


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
    names = _label_names(table, columns, labels) if label_names is None else tuple(label_names)
    notes = []
    positions, group_names, group_values = None, None, None
    if columns.group is None:
        notes += hints(table, columns, labels)
    else:
        group_values = names_of(table, columns.group, "group", required=False)
        positions, group_names = factorise(group_values)
        if alone := group_values.count(None):
            notes.append(f"{alone} rows have no value in '{columns.group}': each is a group of its own")
    examples = Examples(
        texts=texts,
        labels=_label_positions(table, columns, labels, names),
        label_names=names,
        groups=positions,
        source=table.source,
        lines=table.lines,
        fingerprint=fingerprint(texts, labels, group_values),
    )
    return Dataset(examples, columns, group_names, tuple(notes), table.unit)


def _label_names(table: Table, columns: Recognised, labels: Sequence[str]) -> tuple[str, ...]:
    """Sort the labels that occur; a single one teaches nothing."""
    names = tuple(sorted(set(labels)))
    if len(names) == 1:
        raise DataError(
            f"{table.source}, column '{columns.label}': all {len(table)} rows have the same label",
            got=names[0],
            hint="give rows of at least two labels, or name another column with --label",
        )
    return names


def _label_positions(
    table: Table, columns: Recognised, labels: Sequence[str], names: Sequence[str]
) -> Int[np.ndarray, " rows"]:
    position = {name: index for index, name in enumerate(names)}
    unseen = [row for row, label in enumerate(labels) if label not in position]
    if unseen:
        asked = labels[unseen[0]]
        raise fault(
            table,
            columns.label,
            unseen,
            "a label that the training set does not have",
            got=asked,
            hint=f"{suggest(asked, names)} Correct the label, add training rows of it, or remove the row",
        )
    return np.array([position[label] for label in labels], dtype=np.int64)
