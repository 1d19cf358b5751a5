"""Parquet files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from negspace.data.arrow import from_arrow
from negspace.data.formats import FORMATS, Format
from negspace.data.table import Table
from negspace.errors import DataError


def _read(path: Path) -> Table:
    """Read a Parquet file.

    Raises:
        DataError: The file is empty, damaged, or something else under this suffix.
    """
    try:
        # ParquetFile, for read_table would take folders named key=value as columns.
        with path.open("rb") as opened, pq.ParquetFile(opened) as file:
            table = file.read()
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # a matter of the file system, not of the content
        raise DataError(
            f"{path}: not a Parquet file, or a damaged one",
            got=str(error),
            hint="write the file again, or give it the suffix of what it holds",
        ) from error
    return from_arrow(table, str(path))


def _write(path: Path, columns: Mapping[str, Sequence[object]]) -> None:
    """Write a Parquet file; column types follow from the values.

    Raises:
        DataError: A column holds values of different types, or text that is not Unicode.
    """
    arrays = {}
    for name, values in columns.items():
        plain = [value.item() if isinstance(value, np.generic) else value for value in values]
        try:
            arrays[name] = pa.array(plain)
        except (pa.ArrowException, ValueError, TypeError) as error:
            raise DataError(
                f"column '{name}': Parquet cannot hold its values: {error}",
                hint="give the column values of one type",
            ) from error
    with path.open("wb") as file:  # pyarrow itself takes no name that is not UTF-8
        pq.write_table(pa.table(arrays), file)


def _column_names(path: Path) -> list[str]:
    return [str(name) for name in pq.read_schema(path).names]


FORMATS.add(
    "parquet", Format((".parquet",), _read, _write, _column_names), summary="Columns with types, compressed."
)
