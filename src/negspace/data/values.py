"""What a cell may hold: texts as they are, labels and groups as names."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from negspace.data.formats.decoding import is_broken
from negspace.data.table import Table, fault

__all__ = ["MAX_TEXT_CHARACTERS", "clean_name", "is_missing", "names_of", "texts_of"]

MAX_TEXT_CHARACTERS = 1_000_000


def is_missing(value: object) -> bool:
    """Tell None, NaN and blank text: what the formats write where nothing was given."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, float | np.floating) and bool(np.isnan(value)))


def clean_name(value: object) -> str | None:
    """Render a label or group as the name a reader would write: ``1`` for 1, 1.0 and ``" 1 "``.

    None stands for a value that is no name: a list, bytes.
    """
    plain = value.item() if isinstance(value, np.generic) else value
    if isinstance(plain, float) and plain.is_integer():
        return str(int(plain))
    if isinstance(plain, str):
        return plain.strip()
    # Collections and bytes have no one way to be written; dates and decimals have.
    if isinstance(plain, bytes | bytearray | list | tuple | dict | set):
        return None
    return str(plain)


def texts_of(table: Table, column: str) -> tuple[str, ...]:
    """Check and give the texts, exactly as they stand.

    Raises:
        DataError: A text is missing, blank, no string, too long, or holds characters that no text
            has; with the place of the first such row and the count of all.
    """
    values = tuple(table.columns[column])
    for is_bad, what, got, hint in _TEXT_FAULTS:
        rows = [row for row, value in enumerate(values) if is_bad(value)]
        if rows:
            raise fault(table, column, rows, what, got=got(values[rows[0]]), hint=hint)
    return tuple(str(value) for value in values)


def names_of(table: Table, column: str, role: str, *, required: bool) -> list[str | None]:
    """Check labels or groups and give them as names; None where one is missing and may be.

    Raises:
        DataError: A value is missing though required, or is no name (a list, bytes).
    """
    values = list(table.columns[column])
    missing = [row for row, value in enumerate(values) if is_missing(value)]
    if missing and required:
        raise fault(
            table,
            column,
            missing,
            f"the {role} is missing",
            got=values[missing[0]],
            hint=f"give every row a {role} or remove the row; for another column, --{role} COLUMN",
        )
    names = [None if is_missing(value) else clean_name(value) for value in values]
    odd = [
        row
        for row, (value, name) in enumerate(zip(values, names, strict=True))
        if (not is_missing(value) if name is None else is_broken(name))
    ]
    if odd:
        raise fault(
            table,
            column,
            odd,
            f"the {role} is no word or number",
            got=values[odd[0]],
            hint=f"give each row one {role}, a word or a number; for another column, --{role} COLUMN",
        )
    return names


_TEXT_FAULTS: Sequence[tuple[Callable[[object], bool], str, Callable[[object], str], str]] = (
    (
        is_missing,
        "the text is missing or blank",
        repr,
        "give the row a text or remove it; for another column, --text COLUMN",
    ),
    (
        lambda value: not isinstance(value, str),
        "the text is not a string",
        lambda value: f"{value!r} ({type(value).__name__})",
        "write texts as strings; for another column, --text COLUMN",
    ),
    (
        lambda value: len(str(value)) > MAX_TEXT_CHARACTERS,
        f"the text is longer than {MAX_TEXT_CHARACTERS:,} characters",
        lambda value: f"{len(str(value)):,} characters",
        "cut it to passages; in CSV, look for a quote that is not closed",
    ),
    (
        lambda value: is_broken(str(value)),
        "the text holds a NUL or a lone surrogate",
        ascii,
        "remove the character: it is no text",
    ),
)
