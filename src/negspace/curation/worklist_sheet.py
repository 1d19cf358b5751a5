"""The sheet on which people rewrite rows, and the way back to contrast groups."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Int

from negspace.curation.strategies import RowPool
from negspace.curation.worklist import Worklist
from negspace.data import Table, read_table, write_rows
from negspace.data.table import fault, is_missing, names_of, suggest, texts_of
from negspace.errors import DataError

SHEET_COLUMNS = (
    "line",
    "text",
    "label",
    "nearest_text",
    "nearest_label",
    "distance",
    "rewrite",
    "rewrite_label",
)
"""Columns of a sheet; people fill the last two."""

_NEEDED = ("line", "text", "label", "rewrite", "rewrite_label")
_FOR_SPREADSHEETS = frozenset({".csv", ".tsv"})
# A cell that starts with one of these may be run as a formula (OWASP, "CSV Injection"); the full-width forms
# in some languages.
_FORMULA_STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_QUOTE = "'"


@dataclass(frozen=True)
class Filled:
    """What came back on a sheet.

    Attributes:
        texts: Each original, followed by its rewrites.
        labels: Label of each.
        groups: Name of each one's contrast group: the original's line in the pool.
        rewrites: Number of rewrites.
        unfilled: Number of rows of the sheet without a rewrite; these are left out.
    """

    texts: tuple[str, ...]
    labels: tuple[str, ...]
    groups: tuple[str, ...]
    rewrites: int
    unfilled: int

    def __len__(self) -> int:
        return len(self.texts)

    def to_records(self) -> list[dict[str, object]]:
        """Give rows with the columns ``text``, ``label`` and ``group``, as `read` takes them."""
        return [
            {"text": text, "label": label, "group": group}
            for text, label, group in zip(self.texts, self.labels, self.groups, strict=True)
        ]


def to_records(
    worklist: Worklist, pool: RowPool, *, lines: Int[np.ndarray, " rows"] | None = None
) -> list[dict[str, object]]:
    """Give the rows of the sheet, with the columns `SHEET_COLUMNS`.

    Args:
        worklist: The rows to rewrite.
        pool: The pool they are positions in.
        lines: Line of each row of the pool in its source; numbers from 1 where None. The rewrite is matched
            to its original by it.

    Returns:
        A row for each of the worklist, in its order. Without a nearest row, its text is empty and the
        distance None; ``nearest_label`` is the label proposed either way.
    """
    numbers = np.arange(1, len(pool) + 1) if lines is None else lines
    columns = (worklist.rows, worklist.proposed, worklist.nearest, worklist.distance)
    return [
        {
            "line": int(numbers[row]),
            "text": pool.texts[row],
            "label": pool.label_names[pool.labels[row]],
            "nearest_text": pool.texts[nearest] if nearest >= 0 else "",
            "nearest_label": pool.label_names[proposed],
            "distance": round(distance, 3) if nearest >= 0 else None,
            "rewrite": "",
            "rewrite_label": "",
        }
        for row, proposed, nearest, distance in zip(*(c.tolist() for c in columns), strict=True)
    ]


def write_sheet(
    path: str | Path, worklist: Worklist, pool: RowPool, *, lines: Int[np.ndarray, " rows"] | None = None
) -> None:
    """Write a worklist for people to fill.

    In CSV and TSV an apostrophe is put before a cell that a spreadsheet may run as a formula, and before one
    that starts with an apostrophe; `read_filled` takes it off again. JSONL and Parquet hold the texts as they
    are.

    Args:
        path: The file, in a format of `write_rows`.
        worklist: The rows to rewrite.
        pool: The pool they are positions in.
        lines: See `to_records`.

    Raises:
        DataError: The format is not known, or the worklist is empty.
        StoreError: The folder cannot be written to.
    """
    records: Sequence[Mapping[str, object]] = to_records(worklist, pool, lines=lines)
    if Path(path).suffix.lower() in _FOR_SPREADSHEETS:
        records = [{name: _quoted(value) for name, value in record.items()} for record in records]
    write_rows(path, records)


def read_filled(path: str | Path, *, label_names: Sequence[str] | None = None) -> Filled:
    """Read a sheet back as contrast groups: each original with its rewrites.

    A row whose ``rewrite`` is blank is left out and counted. To give several rewrites of one row, repeat it.
    Other columns of the sheet are not read, and their order does not matter.

    Args:
        path: The filled sheet.
        label_names: The labels there are; where None, those in the columns ``label`` and ``nearest_label``.

    Raises:
        DataError: A column is missing; a rewrite has no label, an unknown one, or its original's; a rewrite
            is its original, or given twice; two texts have one line number; nothing is filled in. The
            message says where, what came and what to do.
    """
    whole = read_table(path)
    if Path(path).suffix.lower() in _FOR_SPREADSHEETS:
        columns = {name: [_unquoted(value) for value in values] for name, values in whole.columns.items()}
        whole = replace(whole, columns=columns)
    _check_columns(whole)
    filled = np.array([not is_missing(value) for value in whole.columns["rewrite"]], dtype=bool)
    if not filled.any():
        raise DataError(
            f"{whole.source}: no row has a rewrite",
            got=f"{len(whole)} rows with an empty column 'rewrite'",
            hint="write the changed text in 'rewrite' and its label in 'rewrite_label', and save the sheet",
        )
    table = replace(
        whole,
        columns={
            name: [value for value, keep in zip(whole.columns[name], filled.tolist(), strict=True) if keep]
            for name in _NEEDED
        },
        lines=whole.lines[filled],
    )
    originals, rewrites = texts_of(table, "text"), texts_of(table, "rewrite")
    labels = [name or "" for name in names_of(table, "label", "label", required=True)]
    new_labels = [
        name or "" for name in names_of(table, "rewrite_label", "label of the rewrite", required=True)
    ]
    lines = [name or "" for name in names_of(table, "line", "line", required=True)]
    if label_names is None:
        named = [name for name in ("label", "nearest_label") if name in whole.columns]
        found = (name for column in named for name in names_of(whole, column, "label", required=False))
        label_names = [name for name in found if name is not None]
    _check_labels(table, labels, new_labels, frozenset(label_names))
    _check_texts(table, lines, originals, labels, rewrites)
    of_line: dict[str, list[int]] = {}
    for row, line in enumerate(lines):
        of_line.setdefault(line, []).append(row)
    grouped: list[tuple[str, str, str]] = []  # each original, followed by its rewrites
    for line, rows in of_line.items():
        grouped.append((originals[rows[0]], labels[rows[0]], line))
        grouped += [(rewrites[row], new_labels[row], line) for row in rows]
    texts, names, groups = zip(*grouped, strict=True)
    return Filled(texts, names, groups, len(table), int((~filled).sum()))


def _quoted(value: object) -> object:
    """Make a cell text for a spreadsheet, in a way that can be undone."""
    return _QUOTE + value if isinstance(value, str) and _is_marked(value) else value


def _unquoted(value: object) -> object:
    """Undo `_quoted`. What people write, with or without an apostrophe, stays as it is."""
    if isinstance(value, str) and value.startswith(_QUOTE) and _is_marked(value[1:]):
        return value[1:]
    return value


def _is_marked(text: str) -> bool:
    # Spaces first do not stop every program from reading a formula; a tab or line end is cut by some.
    return text.startswith((_QUOTE, "\t", "\r", "\n")) or text.lstrip().startswith(_FORMULA_STARTS)


def _check_columns(table: Table) -> None:
    missing = [name for name in _NEEDED if name not in table.columns]
    if not missing:
        return
    only = next(iter(table.columns))
    hint = suggest(missing[0], table.columns)
    if len(table.columns) == 1 and any(mark in only for mark in ";\t"):
        hint = "save the sheet as comma-separated values, as it came"
    raise DataError(
        f"{table.source}: there is no column '{missing[0]}', which a worklist has",
        got=", ".join(f"'{name}'" for name in table.columns),
        hint=hint,
    )


def _check_labels(
    table: Table, labels: Sequence[str], new_labels: Sequence[str], known: frozenset[str]
) -> None:
    for column, names in (("label", labels), ("rewrite_label", new_labels)):
        unknown = [row for row, name in enumerate(names) if name not in known]
        if unknown:
            name = names[unknown[0]]
            hint = suggest(name, sorted(known))
            raise fault(table, column, unknown, "a label that is not known", got=name, hint=hint)
    same = [row for row, (old, new) in enumerate(zip(labels, new_labels, strict=True)) if old == new]
    if same:
        raise fault(
            table,
            "rewrite_label",
            same,
            "the rewrite has the label of its original",
            got=new_labels[same[0]],
            hint="change the text until another label is right, or leave the row's 'rewrite' empty",
        )


def _check_texts(
    table: Table,
    lines: Sequence[str],
    originals: Sequence[str],
    labels: Sequence[str],
    rewrites: Sequence[str],
) -> None:
    unchanged = [row for row in range(len(lines)) if _folded(originals[row]) == _folded(rewrites[row])]
    if unchanged:
        raise fault(
            table,
            "rewrite",
            unchanged,
            "the rewrite is the text itself, up to white space",
            got=rewrites[unchanged[0]],
            hint="change what decides the label, or leave the row's 'rewrite' empty",
        )
    first: dict[str, tuple[str, str]] = {}
    at_odds, twice, seen = [], [], set()
    for row, line in enumerate(lines):
        original = (_folded(originals[row]), labels[row])
        if first.setdefault(line, original) != original:
            at_odds.append(row)
        key = (line, _folded(rewrites[row]))
        if key in seen:
            twice.append(row)
        seen.add(key)
    if at_odds:
        raise fault(
            table,
            "line",
            at_odds,
            "another row of the sheet has this line number and another text or label",
            got=lines[at_odds[0]],
            hint="leave the columns 'line', 'text' and 'label' as they came",
        )
    if twice:
        raise fault(
            table,
            "rewrite",
            twice,
            "this rewrite of this line is given twice",
            got=rewrites[twice[0]],
            hint="keep one of the two",
        )


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())
