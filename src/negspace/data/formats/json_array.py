"""A JSON file that holds one array of objects."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np

from negspace.data.formats.decoding import read_text
from negspace.data.formats.rows import DECODER, columns_of
from negspace.data.table import Table
from negspace.errors import DataError

__all__ = ["read"]

_SPACE = re.compile(r"[ \t\r\n]*")
_EXPECTED = 'a JSON file must hold one array of objects: [{"text": …, "label": …}, …]'


def read(path: Path) -> Table:
    """Read an array of objects, with the line each of them starts on.

    Raises:
        DataError: The file is not JSON, or not an array of objects.
    """
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
        value, end = DECODER.raw_decode(text, at)
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
        value, end = DECODER.raw_decode(text, _skip(text, 0))
    except (ValueError, RecursionError):
        return _malformed(path, text, _skip(text, 0), "Expecting '['")
    if isinstance(value, dict) and _skip(text, end) < len(text):
        hint = f"it looks like JSON Lines: rename it to {path.with_suffix('.jsonl')}"
    else:
        hint = f"{_EXPECTED}; docs/datasets.md shows how to convert"
    keys = (
        f"an object with the keys {', '.join(map(repr, value))}" if isinstance(value, dict) else repr(value)
    )
    return DataError(f"{path}: the file holds no array", got=keys, hint=hint)
