"""One file a format. To add one: write its file, and name its suffixes in ``FORMATS``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from negspace.data.formats import delimited, json_array, jsonl, parquet
from negspace.data.table import Table

__all__ = ["FORMATS", "Format"]

Columns: TypeAlias = Mapping[str, Sequence[object]]


@dataclass(frozen=True)
class Format:
    """How a file of one suffix is read and written.

    Attributes:
        read: Reads a file; raises DataError with file, line and column where it cannot.
        write: Writes columns of equal length to a path that does not exist yet, or None for a
            format that is only read. Raises DataError for a value the format cannot hold.
    """

    read: Callable[[Path], Table]
    write: Callable[[Path, Columns], None] | None = None


FORMATS: Mapping[str, Format] = {
    ".jsonl": Format(jsonl.read, jsonl.write),
    ".ndjson": Format(jsonl.read, jsonl.write),
    ".json": Format(json_array.read),
    ".csv": Format(delimited.read_csv, delimited.write_csv),
    ".tsv": Format(delimited.read_tsv, delimited.write_tsv),
    ".parquet": Format(parquet.read, parquet.write),
}
