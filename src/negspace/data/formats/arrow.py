"""Parquet files; and the Arrow tables that data frames and Hugging Face datasets are read through, too."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from negspace.data.formats import FORMATS, Format
from negspace.data.table import Table, check_names, numbered
from negspace.errors import DataError, MissingExtraError, did_you_mean

DEFAULT_SPLIT = "train"


class ArrowColumn(Sequence[object]):
    """A column whose values become Python objects when asked for.

    A table may hold an embedding a row beside its text; turning those into Python floats would
    take gigabytes that nobody asked for.
    """

    def __init__(self, values: pa.ChunkedArray) -> None:
        self._values = values

    def __len__(self) -> int:
        return len(self._values)

    @overload
    def __getitem__(self, index: int) -> object: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[object]: ...
    def __getitem__(self, index: int | slice) -> object:
        if isinstance(index, slice):
            return self._values.to_pylist()[index]
        return self._values[index].as_py()

    def __iter__(self) -> Iterator[object]:
        return iter(self._values.to_pylist())


def from_stream(source: object) -> Table:
    """Read an object with the Arrow PyCapsule interface: a pandas or polars frame, an Arrow table."""
    name = type(source).__name__
    try:
        table = pa.table(source)
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise DataError(
            f"{name}: the columns cannot be read: {'; '.join(map(str, error.args))}",
            hint="give each column one name and one type, and texts as strings",
        ) from error
    return from_arrow(table, name)


def from_arrow(table: pa.Table, source: str) -> Table:
    """Take an Arrow table as a table; codes of a Hugging Face ClassLabel become their names."""
    check_names(source, table.column_names)
    names = _class_names(table.schema)
    columns: dict[str, Sequence[object]] = {}
    for name in table.column_names:
        values = table.column(name)
        columns[name] = (
            _named(values.to_pylist(), names[name], source, name) if name in names else ArrowColumn(values)
        )
    return Table(source, columns, numbered(table.num_rows), unit="row")


def _class_names(schema: pa.Schema) -> dict[str, list[str]]:
    """Read the label names that ``datasets`` keeps in the metadata of its tables and Parquet files."""
    metadata = (schema.metadata or {}).get(b"huggingface")
    if metadata is None:
        return {}
    features = json.loads(metadata).get("info", {}).get("features") or {}
    return {
        name: feature["names"]
        for name, feature in features.items()
        if isinstance(feature, dict) and feature.get("_type") == "ClassLabel" and feature.get("names")
    }


def _named(codes: Sequence[object], names: Sequence[str], source: str, column: str) -> list[str | None]:
    """Look the codes up; datasets writes -1 for a label that is not given."""
    named: list[str | None] = []
    for row, code in enumerate(codes, 1):
        if code is None or code == -1:
            named.append(None)
        elif isinstance(code, int) and 0 <= code < len(names):
            named.append(names[code])
        else:
            raise DataError(
                f"{source}, row {row}, column '{column}': no such label code",
                got=code,
                hint=f"use codes 0 to {len(names) - 1}, or -1 for a label that is not given",
            )
    return named


def is_dataset_folder(path: Path) -> bool:
    """Tell whether a directory was written by ``save_to_disk``."""
    return any((path / name).is_file() for name in ("dataset_dict.json", "state.json"))


def is_dataset(source: object) -> bool:
    """Tell a ``datasets.Dataset`` or ``DatasetDict`` without importing that library."""
    if isinstance(source, Mapping):
        return bool(source) and all(is_dataset(part) for part in source.values())
    return hasattr(source, "features") and hasattr(source, "with_format") and hasattr(source, "__len__")


def read_dataset_folder(path: Path, split: str | None = None) -> Table:
    """Read a folder of ``save_to_disk``: a Dataset, or one split of a DatasetDict."""
    try:
        import datasets
    except ImportError as error:
        raise MissingExtraError("reading a Hugging Face dataset folder", "hf") from error
    try:
        loaded = datasets.load_from_disk(str(path))
    except (OSError, ValueError, KeyError) as error:
        raise DataError(
            f"{path}: the Hugging Face dataset folder cannot be read",
            got=str(error),
            hint="write it again with Dataset.save_to_disk",
        ) from error
    return from_dataset(loaded, str(path), split)


def from_dataset(dataset: Any, source: str, split: str | None = None) -> Table:
    """Read a ``datasets.Dataset``, or the split of a ``DatasetDict`` (``train`` where none is named)."""
    if isinstance(dataset, Mapping):
        asked = split or DEFAULT_SPLIT
        if asked not in dataset:
            raise DataError(
                f"{source}: there is no split '{asked}'",
                got=", ".join(f"'{name}'" for name in dataset),
                hint=f"{did_you_mean(asked, dataset)} (in Python: split='NAME')",
            )
        return from_dataset(dataset[asked], f"{source}[{asked}]")
    if split is not None:
        raise DataError(f"{source}: the data set has no splits", got=split, hint="leave split= out")
    # with_format, not .data: the latter ignores select() and shuffle().
    return from_arrow(dataset.with_format("arrow")[:], source)


def _read(path: Path) -> Table:
    """Read a Parquet file; a `DataError` if it is empty, damaged, or something else under this suffix."""
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
    """Write a Parquet file; column types follow from the values, which must be of one type a column."""
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
