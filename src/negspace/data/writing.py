"""Writing rows: whole files or none, row by row where they are many, and Hugging Face dataset folders."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from negspace.data.formats import format_of, known_suffixes
from negspace.data.formats.arrow import DEFAULT_SPLIT
from negspace.data.table import columns_of
from negspace.errors import DataError, StoreError, did_you_mean


def write_rows(path: str | Path, records: Iterable[Mapping[str, object]]) -> None:
    """Write rows to a JSONL, CSV, TSV or Parquet file, by its suffix; an old file is replaced at once.

    Text comes back from every format exactly as it was. Numbers come back from CSV and TSV as text,
    and None as an empty cell. Columns are those of all records; one that a record lacks is None there.

    Args:
        path: The file; its folder must exist.
        records: Rows, as column name to value.

    Raises:
        DataError: There is nothing to write, the suffix is unknown, or a value does not fit.
        StoreError: The folder cannot be written to.
    """
    target = Path(path)
    form = format_of(target)
    write = None if form is None else form.write
    if write is None:
        raise DataError(
            f"{target}: not a format that can be written",
            got=target.suffix or "no suffix",
            hint=did_you_mean(target.suffix, known_suffixes(written=True)),
        )
    columns = columns_of(list(records))
    if not columns:
        raise DataError(f"{target}: there are no rows to write", hint="give at least one row")
    _replace(target, lambda whole: write(whole, columns))


def write_text(path: str | Path, text: str) -> None:
    """Write a text file in UTF-8; an old file is replaced at once.

    Raises:
        StoreError: The folder cannot be written to.
    """
    _replace(Path(path), lambda whole: whole.write_text(text, encoding="utf-8"))


def check_writable(folder: str | Path) -> None:
    """Make sure of an output folder before work begins: create it if need be, and write to it once.

    Raises:
        StoreError: The folder cannot be created or written to.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise _unwritable(Path(folder), error) from error


def _replace(target: Path, write: Callable[[Path], object]) -> None:
    """Have a file written beside its place, then move it there whole."""
    try:
        # In the same folder, for a rename is atomic only within a file system.
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as folder:
            whole = Path(folder) / target.name
            write(whole)
            whole.replace(target)
    except OSError as error:
        raise _unwritable(target, error) from error


def _unwritable(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"{path}: cannot be written",
        got=error.strerror or str(error),
        hint="choose a folder that you may write to, with room on its disk",
    )


Row: TypeAlias = Mapping[str, object]

_CHUNK = 10_000


class RowSink:
    """Takes rows and writes them in chunks of one size."""

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
    """Open a new file for rows of a schema; the suffix decides its format.

    It is ``.jsonl``, ``.parquet``, or ``.arrow`` (an Arrow stream, as ``datasets`` keeps its tables).

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


def _open_binary(
    path: Path, schema: pa.Schema, stack: ExitStack, writer: Callable[..., Any]
) -> Callable[[list[Row]], None]:
    file = stack.enter_context(path.open("xb"))  # pyarrow itself takes no name that is not UTF-8
    opened = stack.enter_context(writer(file, schema))
    return lambda rows: opened.write(pa.RecordBatch.from_pylist(rows, schema=schema))


_OPENERS: Mapping[str, Callable[[Path, pa.Schema, ExitStack], Callable[[list[Row]], None]]] = {
    ".jsonl": _open_jsonl,
    ".parquet": partial(_open_binary, writer=pq.ParquetWriter),
    ".arrow": partial(_open_binary, writer=pa.ipc.new_stream),
}
STREAMED = (".jsonl", ".parquet")
"""Suffixes of files that a user may ask rows to be streamed to."""


CARD = "README.md"
_DATA = "data-00000-of-00001.arrow"


@contextmanager
def open_folder(folder: Path, schema: pa.Schema, *, fingerprint: str) -> Iterator[RowSink]:
    """Open a new dataset folder for the rows of its one split, ``train``.

    ``datasets`` keys its cache by ``fingerprint``, the hash (hex) of the rows.

    Raises:
        FileExistsError: The folder exists.
    """
    split = folder / DEFAULT_SPLIT
    folder.mkdir()
    split.mkdir()
    schema = with_features(schema)
    with open_rows(split / _DATA, schema) as sink:
        yield sink
    features = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
    state: dict[str, object] = {
        "_data_files": [{"filename": _DATA}],
        "_fingerprint": fingerprint[:16],
        "_format_columns": None,
        "_format_kwargs": {},
        "_format_type": None,
        "_output_all_columns": False,
        "_split": DEFAULT_SPLIT,
    }
    info = {"citation": "", "description": "", "features": features, "homepage": "", "license": ""}
    _write_json(split / "state.json", state)
    _write_json(split / "dataset_info.json", info)
    _write_json(folder / "dataset_dict.json", {"splits": [DEFAULT_SPLIT]})


def card_header(*, rows: int, tags: tuple[str, ...], more: Mapping[str, object] | None = None) -> str:
    """The YAML header of a dataset card, with the data files of `open_folder`.

    Values are written as JSON, which YAML 1.2 holds: no value can end the header or add a key.
    """
    sizes = ("n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M", "100M<n<1B")
    header: dict[str, object] = {
        "tags": list(tags),
        "size_categories": [sizes[min(max(len(str(rows)) - 3, 0), len(sizes) - 1)]],  # the Hub's names
        "configs": [
            {
                "config_name": "default",
                "data_files": [{"split": DEFAULT_SPLIT, "path": f"{DEFAULT_SPLIT}/*.arrow"}],
            }
        ],
        **(more or {}),
    }
    return "---\n" + "".join(f"{key}: {json.dumps(value)}\n" for key, value in header.items()) + "---\n"


def code_span(text: str) -> str:
    """Text of the user's as Markdown code on one line, so that nothing in it is markup."""
    line = " ".join(text.split())
    longest = max((len(run) for run in re.findall(r"`+", line)), default=0)
    fence = "`" * (longest + 1)
    # A bar would end a table's cell even inside code.
    line = line.replace("|", "\\|")
    return f"{fence} {line} {fence}" if longest else f"`{line}`"


def _write_json(path: Path, content: Mapping[str, object]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
