"""CSV and TSV: cells between separators, quoted with double quotes (RFC 4180)."""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np

from negspace.data.formats import FORMATS, Format
from negspace.data.table import Table, check_names, check_writable_text, first_line, read_text, several
from negspace.errors import DataError

_FIELD_LIMIT = threading.Lock()


def _read(path: Path, separator: str) -> Table:
    """Read delimited text; every row must have a cell for each column, blank lines hold no row."""
    rows = _rows(path, read_text(path), separator)
    _, header = next(rows)
    check_names(str(path), header)
    lines: list[int] = []
    cells: list[list[str]] = []
    ragged: list[tuple[int, int]] = []
    for line, row in rows:
        if len(row) == len(header):
            lines.append(line)
            cells.append(row)
        else:
            ragged.append((line, len(row)))
    if ragged:
        line, count = ragged[0]
        names = ", ".join(f"'{name}'" for name in header)
        mark = "tab" if separator == "\t" else "comma"
        others = several("line", [number for number, _ in ragged[1:]], "a wrong number")
        raise DataError(
            f"{path}, line {line}: the row has too {'many' if count > len(header) else 'few'} cells: "
            f"{count} instead of {len(header)}{others}",
            got=f"{count} cells for the columns {names}",
            hint=f'quote a cell that holds a {mark} ("like this"), and give every column a cell, '
            "even an empty one",
        )
    columns = zip(*cells, strict=True) if cells else [() for _ in header]
    return Table(str(path), dict(zip(header, columns, strict=True)), np.array(lines, dtype=np.int64))


def _rows(path: Path, text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Give each row with the physical line it starts on.

    The reader is strict: a lenient one joins the rows after a stray quote into one cell, and so
    drops them silently.
    """
    # A lone carriage return ends lines only where nothing else does (files of old Macs).
    end = "\n" if "\n" in text else "\r"
    reader = csv.reader(io.StringIO(text, newline=end), delimiter=separator, strict=True)
    while True:
        start = reader.line_num + 1
        try:
            # Lifted a row at a time: no other code runs while the limit of the process is raised.
            with _unlimited_cells(len(text)):
                row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(
                f"{path}, line {start}: the row that starts here is not well quoted: {error}",
                got=text.split(end)[start - 1],
                hint="put a cell that holds a quote, a separator or a line end between double quotes, "
                'and double the quotes within: "she said ""no"""',
            ) from error
        if row:
            yield start, row


@contextmanager
def _unlimited_cells(characters: int) -> Iterator[None]:
    """Lift csv's limit on cells, which is global to the process, and put it back."""
    with _FIELD_LIMIT:
        before = csv.field_size_limit(characters + 1)
        try:
            yield
        finally:
            csv.field_size_limit(before)


def _write(path: Path, columns: Mapping[str, Sequence[object]], separator: str) -> None:
    with path.open("x", encoding="utf-8", newline="") as file:
        # All text is quoted: csv's minimal quoting leaves a carriage return bare (Python 3.11).
        writer = csv.writer(file, delimiter=separator, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
        writer.writerow([check_writable_text(name, "the header") for name in columns])
        for number, row in enumerate(zip(*columns.values(), strict=True), 1):
            writer.writerow([_cell(value, f"row {number}") for value in row])


def _cell(value: object, place: str) -> str | int | float | None:
    plain = value.item() if isinstance(value, np.generic) else value
    if isinstance(plain, str):
        return check_writable_text(plain, place)
    if plain is None or isinstance(plain, int | float):
        return plain
    raise DataError(
        f"{place}: a cell holds text or a number", got=plain, hint="write JSONL or Parquet, which hold lists"
    )


def _column_names(path: Path, separator: str) -> list[str]:
    return next(csv.reader([first_line(path)], delimiter=separator), [])


for _name, _separator in (("csv", ","), ("tsv", "\t")):
    FORMATS.add(
        _name,
        Format(
            (f".{_name}",),
            read=partial(_read, separator=_separator),
            write=partial(_write, separator=_separator),
            column_names=partial(_column_names, separator=_separator),
        ),
        summary=f"{'Comma' if _name == 'csv' else 'Tab'}-separated cells; the first line names the columns.",
    )
