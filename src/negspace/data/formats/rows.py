"""Rows as Python dicts: what JSON files hold, and lists in memory."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from negspace.data.table import Table, numbered
from negspace.errors import DataError

__all__ = ["columns_of", "json_value", "read"]


def read(records: Sequence[object], source: str = "list") -> Table:
    """Take a list of dicts as a table.

    Raises:
        DataError: An item is no mapping with names for keys.
    """
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


def json_value(text: str) -> object:
    """Decode JSON, refusing what Python's decoder would quietly drop: a key given twice.

    Raises:
        json.JSONDecodeError: The text is not JSON.
        ValueError: A key occurs twice in one object.
        RecursionError: The text is nested too deeply.
    """
    return DECODER.decode(text)


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    record = dict(pairs)
    if len(record) < len(pairs):
        keys = [key for key, _ in pairs]
        doubled = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key '{doubled}' occurs more than once in one object")
    return record


DECODER = json.JSONDecoder(object_pairs_hook=_object)
