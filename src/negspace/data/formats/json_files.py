"""JSON: one object a line (JSON Lines), or one array of objects."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from negspace.data.formats import FORMATS, Format
from negspace.data.table import Table, check_writable_text, columns_of, first_line, read_text
from negspace.errors import DataError

_SPACE = re.compile(r"[ \t\r\n]*")
_LINE = "write one object a line, such as " + json.dumps({"text": "a sentence", "label": "a name"})
_EXPECTED = 'a JSON file must hold one array of objects: [{"text": …, "label": …}, …]'


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Refuse what Python's decoder would quietly drop: a key given twice."""
    record = dict(pairs)
    if len(record) < len(pairs):
        keys = [key for key, _ in pairs]
        doubled = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key '{doubled}' occurs more than once in one object")
    return record


_DECODER = json.JSONDecoder(object_pairs_hook=_object)


def _read_lines(path: Path) -> Table:
    """Read JSON Lines; blank lines hold no row."""
    records: list[dict[str, object]] = []
    lines: list[int] = []
    # Not splitlines(): JSON strings may hold U+2028 and the other line ends it knows.
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if line.strip():
            records.append(_record(path, number, line))
            lines.append(number)
    return Table(str(path), columns_of(records), np.array(lines, dtype=np.int64))


def _record(path: Path, number: int, line: str) -> dict[str, object]:
    place = f"{path}, line {number}"
    try:
        value = _DECODER.decode(line)
    except json.JSONDecodeError as error:
        at = error.pos
        raise DataError(
            f"{place}, column {at + 1}: not JSON: {error.msg}",
            got=f"…{line[max(0, at - 30) : at + 30]}…" if len(line) > 60 else line,
            hint=_LINE.replace("one", "one JSON", 1),
        ) from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{place}: {error}", got=line, hint="correct the line") from error
    if not isinstance(value, dict):
        raise DataError(f"{place}: the line is JSON, but not an object", got=line, hint=_LINE)
    return value


def _write_lines(path: Path, columns: Mapping[str, Sequence[object]]) -> None:
    """Write one object a line; a number that is not finite becomes null, which JSON has instead."""
    with path.open("x", encoding="utf-8", newline="\n") as file:
        for number, row in enumerate(zip(*columns.values(), strict=True), 1):
            values = dict(zip(columns, map(_finite, row), strict=True))
            try:
                line = json.dumps(values, ensure_ascii=False, allow_nan=False)
            except (TypeError, ValueError) as error:
                raise DataError(
                    f"row {number}: {error}", got=values, hint="write text, numbers or lists of them"
                ) from error
            file.write(check_writable_text(line, f"row {number}") + "\n")


def _finite(value: object) -> object:
    plain = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(plain, float) and not math.isfinite(plain) else plain


def _names_in_lines(path: Path) -> list[str]:
    first = first_line(path)
    found = json.loads(first) if first else {}
    return list(found) if isinstance(found, dict) else []


def _read_array(path: Path) -> Table:
    """Read an array of objects, with the line each of them starts on."""
    text = read_text(path)
    records: list[dict[str, object]] = []
    lines: list[int] = []
    line, counted, at = 1, 0, _skip(text, 0)
    if text[at] != "[":
        raise _not_an_array(path, text)
    at = _skip(text, at + 1)
    while text[at : at + 1] != "]":
        line, counted = line + text.count("\n", counted, at), at
        value, at = _element(path, text, at, line)
        records.append(value)
        lines.append(line)
        at = _skip(text, at)
        if text[at : at + 1] != ",":
            break
        at = _skip(text, at + 1)
        if text[at : at + 1] == "]":
            raise _malformed(path, text, at, "a comma before the end of the array")
    if text[at : at + 1] != "]":
        raise _malformed(path, text, at, "Expecting ',' delimiter or ']'")
    end = _skip(text, at + 1)
    if end < len(text):
        raise _malformed(path, text, end, "Extra data after the array")
    return Table(str(path), columns_of(records), np.array(lines, dtype=np.int64))


def _element(path: Path, text: str, at: int, line: int) -> tuple[dict[str, object], int]:
    """Decode one element of the array; the standard decoder of a whole array forgets positions."""
    try:
        value, end = _DECODER.raw_decode(text, at)
    except json.JSONDecodeError as error:
        raise _malformed(path, text, error.pos, error.msg) from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}, line {line}: {error}", hint="correct the object") from error
    if not isinstance(value, dict):
        raise DataError(
            f"{path}, line {line}: an element of the array is not an object", got=text[at:end], hint=_EXPECTED
        )
    return value, end


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return at if match is None else match.end()


def _malformed(path: Path, text: str, at: int, why: str) -> DataError:
    line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    return DataError(
        f"{path}, line {line}, column {column}: not JSON: {why}",
        got=text[max(0, at - 30) : at + 30],
        hint=_EXPECTED,
    )


def _not_an_array(path: Path, text: str) -> DataError:
    try:
        value, end = _DECODER.raw_decode(text, _skip(text, 0))
    except (ValueError, RecursionError):
        return _malformed(path, text, _skip(text, 0), "Expecting '['")
    if isinstance(value, dict) and _skip(text, end) < len(text):
        hint = f"it looks like JSON Lines: rename it to {path.with_suffix('.jsonl')}"
    else:
        hint = f"{_EXPECTED}; docs/reference/formats.md shows how to convert"
    keys = (
        f"an object with the keys {', '.join(map(repr, value))}" if isinstance(value, dict) else repr(value)
    )
    return DataError(f"{path}: the file holds no array", got=keys, hint=hint)


FORMATS.add(
    "jsonl",
    Format((".jsonl", ".ndjson"), _read_lines, _write_lines, _names_in_lines),
    summary="JSON Lines: one object a line.",
)
FORMATS.add("json", Format((".json",), _read_array), summary="One array of objects.")
