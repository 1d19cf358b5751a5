"""The one form that every source is read into: named columns, checked values, text in UTF-8."""

from __future__ import annotations

import codecs
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int

from negspace.errors import DataError, did_you_mean

_SHOWN = 3


@dataclass(frozen=True, eq=False)
class Table:
    """Named columns of Python values, and where each row came from."""

    source: str
    columns: Mapping[str, Sequence[object]]  # values of each column, one a row; a missing value is None
    # For each row, the physical line of the file on which it starts, or its number where a source has no
    # lines. 1-based.
    lines: Int[np.ndarray, " rows"]
    unit: str = "line"  # what ``lines`` counts: ``"line"`` or ``"row"``

    def __len__(self) -> int:
        return len(self.lines)

    def where(self, row: int) -> str:
        """Place of a row, as messages give it: ``train.csv, line 7``."""
        return f"{self.source}, {self.unit} {self.lines[row]}"


def numbered(rows: int) -> Int[np.ndarray, " rows"]:
    """Row numbers from 1, for a source without lines."""
    return np.arange(1, rows + 1, dtype=np.int64)


def check_names(source: str, names: Sequence[str]) -> None:
    """Refuse columns that cannot be told apart."""
    doubled = [name for name, count in Counter(names).items() if count > 1]
    if doubled:
        raise DataError(
            f"{source}: the column name '{doubled[0]}' occurs more than once",
            got=", ".join(f"'{name}'" for name in names),
            hint="rename the columns so that each name occurs once",
        )


def suggest(asked: str, known: Iterable[str], shown: int = 8) -> str:
    """Name the words near to a mistyped one, else the first of those there are."""
    names = list(known)
    near = did_you_mean(asked, names)
    if near.endswith("?") or len(names) <= shown:
        return near if near.endswith("?") else f"{near}."
    return f"there is {', '.join(repr(name) for name in names[:shown])} and {len(names) - shown} more."


def fault(
    table: Table, column: str, rows: Sequence[int], what: str, *, got: object = None, hint: str
) -> DataError:
    """Make the error for rows that share a fault: the first with its place, the rest counted."""
    others = [int(table.lines[row]) for row in rows[1:]]
    place = f"{table.where(rows[0])}, column '{column}'"
    return DataError(f"{place}: {what}{several(table.unit, others)}", got=got, hint=hint)


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
    """Check and give the texts as they stand; a `DataError` names the first bad row and counts all."""
    values = tuple(table.columns[column])
    for is_bad, what, got, hint in _TEXT_FAULTS:
        rows = [row for row, value in enumerate(values) if is_bad(value)]
        if rows:
            raise fault(table, column, rows, what, got=got(values[rows[0]]), hint=hint)
    return tuple(str(value) for value in values)


def names_of(table: Table, column: str, role: str, *, required: bool) -> list[str | None]:
    """Check labels or groups and give them as names; None where one is missing and may be."""
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


_VERSION = b"negspace-rows-1"


def fingerprint(
    texts: Sequence[str], labels: Sequence[str], groups: Sequence[str | None] | None = None
) -> str:
    """Hash rows in their order: SHA-256, as 64 hexadecimal digits.

    Each field is preceded by its length in bytes, so that no two different sets of rows are
    encoded alike; labels and groups go in by name, so that the file format has no say.
    """
    columns: list[Sequence[str | None]] = [texts, labels] if groups is None else [texts, labels, groups]
    digest = hashlib.sha256(_VERSION + bytes([len(columns)]) + len(texts).to_bytes(8, "little"))
    for row in zip(*columns, strict=True):
        digest.update(b"".join(_field(value) for value in row))
    return digest.hexdigest()


def _field(value: str | None) -> bytes:
    if value is None:
        return b"-"
    data = value.encode("utf-8")
    return b"+" + len(data).to_bytes(8, "little") + data


def table_of(records: Sequence[object], source: str = "list") -> Table:
    """Take a list of dicts as a table."""
    rows: list[Mapping[str, object]] = []
    for number, record in enumerate(records, 1):
        if not isinstance(record, Mapping) or not all(isinstance(key, str) for key in record):
            raise DataError(
                f"{source}, row {number}: not a dict of column name to value",
                got=record,
                hint="give a list of dicts such as {'text': 'a sentence', 'label': 'a name'}",
            )
        rows.append(record)
    return Table(source, columns_of(rows), numbered(len(rows)), unit="row")


def columns_of(records: Sequence[Mapping[str, object]]) -> dict[str, list[object]]:
    """Turn rows into columns, in order of first appearance; a key a row lacks is missing there."""
    names = {name: None for record in records for name in record}
    return {name: [record.get(name) for record in records] for name in names}


def read_text(path: Path) -> str:
    """Read a whole UTF-8 file, with or without a byte order mark; line ends are kept as they are.

    Raises:
        DataError: The file is empty, UTF-16, not UTF-8 throughout, or holds NUL bytes.
    """
    raw = path.read_bytes()
    data = raw.removeprefix(codecs.BOM_UTF8)
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise DataError(
            f"{path}: the file is UTF-16, not UTF-8 (it starts with a UTF-16 byte order mark)",
            hint=_convert("UTF-16", path),
        )
    if b"\0" in data:
        lines = [n for n, line in enumerate(data.split(b"\n"), 1) if b"\0" in line]
        raise DataError(
            f"{path}, line {lines[0]}: a NUL byte in a text file{several('line', lines[1:])}",
            hint=f"if it is UTF-16: {_convert('UTF-16LE', path)}; else remove the bytes "
            f"(tr -d '\\000' < {path} > {_converted(path)})",
        )
    if not data.strip():
        raise DataError(f"{path}: the file is empty", hint="give a file with at least one row")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        at, offset = error.start, error.start + len(raw) - len(data)
        first = data.count(b"\n", 0, at) + 1
        split = enumerate(data.split(b"\n"), 1)
        others = [n for n, line in split if n > first and line.decode(errors="ignore").encode() != line]
        raise DataError(
            f"{path}, line {first}: byte 0x{data[at]:02X} at byte offset {offset} is not UTF-8"
            f"{several('line', others)}",
            got=ascii(data[max(0, at - 20) : at + 20])[1:],
            hint=f"{_convert('WINDOWS-1252', path)} (or the encoding it is in); where only some lines are, "
            "convert those alone",
        ) from error


def first_line(path: Path) -> str:
    """The first line that is not blank; empty if there is none."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return next((line for line in file if line.strip()), "")


def check_writable_text(value: str, place: str) -> str:
    """Give the text back if every reader can read it again."""
    if is_broken(value):
        raise DataError(
            f"{place}: a NUL character or a lone surrogate cannot be written as text",
            got=ascii(value),
            hint="remove the character, or write Parquet (which holds NUL)",
        )
    return value


def is_broken(text: str) -> bool:
    """Tell NUL and halves of surrogate pairs (JSON can escape them), which no text file can hold."""
    if "\0" in text:
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def _convert(encoding: str, path: Path) -> str:
    return f"iconv -f {encoding} -t UTF-8 {path} > {_converted(path)}"


def _converted(path: Path) -> Path:
    return path.with_name(f"{path.stem}.utf8{path.suffix}")


def several(unit: str, others: Sequence[int], what: str = "the same") -> str:
    """Tell of further offending lines: ``; the same on lines 4, 9, 11 and 12 more``."""
    if not others:
        return ""
    listed = ", ".join(str(line) for line in others[:_SHOWN])
    more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
    return f"; {what} on {unit}{'s' if len(others) > 1 else ''} {listed}{more}"
