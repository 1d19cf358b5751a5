"""Pairs: an anchor and a text that answers, follows from or means the same as it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from negspace.data.columns import LABEL_NAMES, check_column, find_column, known_columns, role_texts
from negspace.data.sources import read_table
from negspace.data.table import Table, fault, fingerprint, names_of
from negspace.errors import DataError

ANCHOR_NAMES = ("anchor", "query", "question", "premise", "sentence1", "sentence_1", "sentence_a")
POSITIVE_NAMES = (
    "positive", "answer", "response", "document", "passage", "context", "sentence2", "sentence_2",
    "sentence_b",
)  # fmt: skip


@dataclass(frozen=True)
class PairColumns:
    """The columns that were taken, by their names in the source."""

    anchor: str
    positive: str
    label: str | None = None


@dataclass(frozen=True, eq=False)
class Pairs:
    """Anchors with their positives; an anchor that stands in several rows has several positives."""

    anchors: tuple[str, ...]  # distinct anchors, in order of first appearance
    positives: tuple[str, ...]  # distinct positives, in order of first appearance
    # position of the anchor and of the positive of each distinct pair, in order of anchors
    links: Int[np.ndarray, "pairs 2"]
    # class of each anchor as a position in ``label_names``, or None where no classes are given
    labels: Int[np.ndarray, " anchors"] | None
    positive_labels: Int[np.ndarray, " positives"] | None  # class of each positive, or None
    label_names: tuple[str, ...]  # distinct classes, sorted
    columns: PairColumns
    source: str
    lines: Int[np.ndarray, " anchors"]  # line on which each anchor first stands, 1-based
    unit: str  # what ``lines`` counts: ``"line"`` or ``"row"``
    fingerprint: str  # SHA-256 (hex) of the rows

    def __len__(self) -> int:
        return len(self.links)

    def where(self, anchor: int) -> str:
        """Place where an anchor first stands, as messages give it: ``pairs.jsonl, line 7``."""
        return f"{self.source}, {self.unit} {self.lines[anchor]}"


def looks_like_pairs(table: Table) -> bool:
    """Tell whether the columns have the names of an anchor and of a positive.

    Beside names of labels it is a `DataError`: rows of label 0 would be no positives.
    """
    anchors = known_columns(table, "anchor", ANCHOR_NAMES)
    positives = known_columns(table, "positive", POSITIVE_NAMES, anchors)
    if not anchors or not positives:
        return False
    plain = [name.strip().casefold() for name in (*anchors, *positives)] == ["anchor", "positive"]
    labels = [name for name in table.columns if name.strip().casefold() in LABEL_NAMES]
    if labels and not plain:
        raise DataError(
            f"{table.source}: pairs or labelled texts? There are both kinds of columns",
            got="the columns " + ", ".join(f"'{name}'" for name in table.columns),
            hint="for pairs that all are positive, name --anchor and --positive; for labelled texts, "
            "--text and --label",
        )
    return True


def read_pairs(
    source: object,
    *,
    anchor: str | None = None,
    positive: str | None = None,
    label: str | None = None,
    split: str | None = None,
) -> Pairs:
    """Read anchor/positive pairs, from a path or an object (see `read_table`).

    Columns are recognised by their names where None; that of classes (``label``), whose texts are no
    negatives of each other, is never guessed.

    Raises:
        DataError: The data cannot be used; the message says where, what came and what to do.
        MissingExtraError: The folder needs the library ``datasets``.
    """
    table = read_table(source, split=split)
    named = [name for name in (anchor, positive, label) if name is not None]
    anchor = find_column(table, "anchor", ANCHOR_NAMES, named=anchor, taken=named)
    positive = find_column(table, "positive", POSITIVE_NAMES, named=positive, taken=[*named, anchor])
    if label is not None:
        check_column(table, "label", label)
    taken = [name for name in (anchor, positive, label) if name is not None]
    if len(set(taken)) < len(taken):
        raise DataError(
            f"{table.source}: one column cannot be two things",
            got=f"anchor={anchor!r}, positive={positive!r}, label={label!r}",
            hint="name different columns with --anchor, --positive and --label",
        )
    left, right = role_texts(table, anchor, "anchor"), role_texts(table, positive, "positive")
    classes = None
    if label is not None:
        classes = [name or "" for name in names_of(table, label, "label", required=True)]
    (anchors, anchor_of), (positives, positive_of) = _distinct(left), _distinct(right)
    # Sorted by anchor, then by the row the positive first stands in.
    links = np.unique(np.stack([anchor_of, positive_of], axis=1), axis=0)
    names = tuple(sorted(set(classes or ())))
    position = {name: index for index, name in enumerate(names)}
    codes = None if classes is None else np.array([position[name] for name in classes], dtype=np.int64)

    def one_class(role: str, of_row: Int[np.ndarray, " rows"]) -> Int[np.ndarray, " distinct"] | None:
        """The class of each distinct text; an error if one text has two."""
        if codes is None:
            return None
        first = np.unique(of_row, return_index=True)[1]
        found = codes[first]
        clashing = np.flatnonzero(found[of_row] != codes)
        if len(clashing):
            row = int(clashing[0])
            raise fault(
                table,
                label or "",
                clashing.tolist(),
                f"the same {role} stands on {table.unit} {table.lines[first[of_row[row]]]} with the class "
                f"'{names[found[of_row[row]]]}'",
                got=names[codes[row]],
                hint=f"give each {role} one class, or leave --label out",
            )
        return np.asarray(found, dtype=np.int64)

    return Pairs(
        anchors,
        positives,
        links,
        one_class("anchor", anchor_of),
        one_class("positive", positive_of),
        names,
        PairColumns(anchor, positive, label),
        table.source,
        table.lines[np.unique(anchor_of, return_index=True)[1]],
        table.unit,
        fingerprint(left, right, classes),
    )


def _distinct(texts: Sequence[str]) -> tuple[tuple[str, ...], Int[np.ndarray, " rows"]]:
    position: dict[str, int] = {}
    of_row = np.array([position.setdefault(text, len(position)) for text in texts], dtype=np.int64)
    return tuple(position), of_row
