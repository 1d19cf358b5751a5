"""Writing rows: whole files or none."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from negspace.data.formats import FORMATS
from negspace.data.formats.rows import columns_of
from negspace.errors import DataError, StoreError, did_you_mean

__all__ = ["check_writable", "write_rows", "write_text"]


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
    writers = {suffix: form.write for suffix, form in FORMATS.items() if form.write is not None}
    write = writers.get(target.suffix.lower())
    if write is None:
        raise DataError(
            f"{target}: not a format that can be written",
            got=target.suffix or "no suffix",
            hint=did_you_mean(target.suffix, writers),
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
