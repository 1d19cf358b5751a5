"""JSON Lines: one object a line."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from negspace.data.formats.decoding import check_writable_text, read_text
from negspace.data.formats.rows import columns_of, json_value
from negspace.data.table import Table
from negspace.errors import DataError

__all__ = ["read", "write"]


def read(path: Path) -> Table:
    """Read JSON Lines; blank lines hold no row.

    Raises:
        DataError: A line is not JSON, or is not an object.
    """
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
        value = json_value(line)
    except json.JSONDecodeError as error:
        at = error.pos
        raise DataError(
            f"{place}, column {at + 1}: not JSON: {error.msg}",
            got=f"…{line[max(0, at - 30) : at + 30]}…" if len(line) > 60 else line,
            hint="write one JSON object a line, such as "
            + json.dumps({"text": "a sentence", "label": "a name"}),
        ) from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{place}: {error}", got=line, hint="correct the line") from error
    if not isinstance(value, dict):
        raise DataError(
            f"{place}: the line is JSON, but not an object",
            got=line,
            hint="write one object a line, such as " + json.dumps({"text": "a sentence", "label": "a name"}),
        )
    return value


def write(path: Path, columns: Mapping[str, Sequence[object]]) -> None:
    """Write one object a line; a number that is not finite becomes null, which JSON has instead.

    Raises:
        DataError: A value has no JSON form.
    """
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
