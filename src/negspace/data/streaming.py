"""Rows written as they come, to files that `datasets` loads: JSON Lines, Parquet, Arrow.

The bytes depend on the rows and their order alone: rows are gathered into chunks of one size, however
many a caller hands over at once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from negspace.errors import DataError, did_you_mean

__all__ = ["STREAMED", "RowSink", "open_rows", "with_features"]

Row: TypeAlias = Mapping[str, object]

_CHUNK = 10_000


class RowSink:
    """Takes rows and writes them in chunks of one size.

    Attributes:
        rows: Number of rows taken.
    """

    def __init__(self, flush: Callable[[list[Row]], None]) -> None:
        self.rows = 0
        self._flush = flush
        self._held: list[Row] = []

    def write(self, rows: Iterable[Row]) -> None:
        """Take rows; each has all columns."""
        for row in rows:
            self._held.append(row)
            self.rows += 1
            if len(self._held) == _CHUNK:
                self._flush(self._held)
                self._held = []

    def finish(self) -> None:
        """Write what is still held."""
        if self._held:
            self._flush(self._held)
            self._held = []


@contextmanager
def open_rows(path: Path, schema: pa.Schema) -> Iterator[RowSink]:
    """Open a new file for rows; the suffix decides its format.

    Args:
        path: Must not exist. ``.jsonl``, ``.parquet``, or ``.arrow`` (an Arrow stream, as ``datasets``
            keeps its tables).
        schema: Names and types of the columns.

    Raises:
        DataError: The suffix is unknown.
        FileExistsError: The file exists.
    """
    opener = _OPENERS.get(path.suffix.lower())
    if opener is None:
        raise DataError(
            f"{path}: not a format that rows are streamed to",
            got=path.suffix or "no suffix",
            hint=did_you_mean(path.suffix, STREAMED),
        )
    with ExitStack() as stack:
        sink = RowSink(opener(path, schema, stack))
        yield sink
        sink.finish()


def with_features(schema: pa.Schema) -> pa.Schema:
    """The schema with the metadata from which ``datasets`` takes the types of its columns.

    Raises:
        NotImplementedError: A type other than text, numbers, truth values and lists of them.
    """
    info = {"info": {"features": {field.name: _feature(field.type) for field in schema}}}
    return schema.with_metadata({"huggingface": json.dumps(info)})


def _feature(kind: pa.DataType) -> dict[str, object]:
    if pa.types.is_list(kind):
        return {"feature": _feature(kind.value_type), "_type": "List"}
    names = {pa.string(): "string", pa.int64(): "int64", pa.float64(): "float64", pa.bool_(): "bool"}
    if kind not in names:
        raise NotImplementedError(f"no feature for {kind}")
    return {"dtype": names[kind], "_type": "Value"}


def _open_jsonl(path: Path, schema: pa.Schema, stack: ExitStack) -> Callable[[list[Row]], None]:
    file = stack.enter_context(path.open("x", encoding="utf-8", newline="\n"))
    names = schema.names

    def flush(rows: list[Row]) -> None:
        for row in rows:
            line = json.dumps({name: row[name] for name in names}, ensure_ascii=False, allow_nan=False)
            file.write(line + "\n")

    return flush


def _open_parquet(path: Path, schema: pa.Schema, stack: ExitStack) -> Callable[[list[Row]], None]:
    file = stack.enter_context(path.open("xb"))  # pyarrow itself takes no name that is not UTF-8
    writer = stack.enter_context(pq.ParquetWriter(file, schema))

    def flush(rows: list[Row]) -> None:
        writer.write_table(pa.Table.from_pylist(rows, schema=schema))

    return flush


def _open_arrow(path: Path, schema: pa.Schema, stack: ExitStack) -> Callable[[list[Row]], None]:
    file = stack.enter_context(path.open("xb"))
    writer = stack.enter_context(pa.ipc.new_stream(file, schema))

    def flush(rows: list[Row]) -> None:
        writer.write_batch(pa.RecordBatch.from_pylist(rows, schema=schema))

    return flush


_OPENERS: Mapping[str, Callable[[Path, pa.Schema, ExitStack], Callable[[list[Row]], None]]] = {
    ".jsonl": _open_jsonl,
    ".parquet": _open_parquet,
    ".arrow": _open_arrow,
}
STREAMED = (".jsonl", ".parquet")
"""Suffixes of files that a user may ask rows to be streamed to."""
