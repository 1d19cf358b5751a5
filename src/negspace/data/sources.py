"""From whatever the user has to a Table: paths by suffix, objects by what they can do."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from negspace.data.arrow import (
    from_dataset,
    from_stream,
    is_dataset,
    is_dataset_folder,
    read_dataset_folder,
)
from negspace.data.formats import format_of, known_suffixes
from negspace.data.table import Table, suggest, table_of
from negspace.errors import DataError


def read_table(source: object, *, split: str | None = None) -> Table:
    """Read any table, whatever its columns mean.

    Args:
        source: A path to a ``.jsonl``, ``.ndjson``, ``.json``, ``.csv``, ``.tsv`` or ``.parquet``
            file or to a Hugging Face dataset folder; or a pandas or polars frame, an Arrow table,
            a ``datasets.Dataset``, or a list of dicts.
        split: Which split of a Hugging Face ``DatasetDict``; ``train`` where none is named.

    Raises:
        DataError: There is no such file, it cannot be read, or it has no rows.
        MissingExtraError: The folder needs the library ``datasets``.
    """
    table = _dispatch(source, split)
    if not table.columns or not len(table):
        columns = ", ".join(f"'{name}'" for name in table.columns)
        raise DataError(
            f"{table.source}: there are no rows",
            got=f"only the columns {columns}" if columns else "no columns and no rows",
            hint="give data with at least one row",
        )
    return table


def _dispatch(source: object, split: str | None) -> Table:
    if isinstance(source, Table):  # read already
        return source
    if isinstance(source, str | os.PathLike):
        return _read_path(Path(os.fspath(source)).expanduser(), split)
    if is_dataset(source):
        return from_dataset(source, type(source).__name__, split)
    _no_split(type(source).__name__, split)
    if hasattr(source, "__arrow_c_stream__") or hasattr(source, "__arrow_c_array__"):
        return from_stream(source)
    if isinstance(source, Sequence) and not isinstance(source, bytes):
        return table_of(source, type(source).__name__)
    raise DataError(
        "the data are of a type that cannot be read",
        got=type(source).__name__,
        hint="give a path, a pandas or polars frame, an Arrow table, a datasets.Dataset or a list of dicts",
    )


def _read_path(path: Path, split: str | None) -> Table:
    try:
        if path.is_dir():
            return _read_folder(path, split)
        check_exists(path)
        _no_split(str(path), split)
        form = format_of(path)
        if form is None:
            raise _unknown_suffix(path)
        return form.read(path)
    except OSError as error:
        raise DataError(
            f"{path}: the file cannot be read", got=error.strerror or str(error), hint="check its permissions"
        ) from error


def _read_folder(path: Path, split: str | None) -> Table:
    if is_dataset_folder(path):
        return read_dataset_folder(path, split)
    inside = _readable(path)
    raise DataError(
        f"{path}: a directory, but not a Hugging Face dataset folder",
        got=", ".join(sorted(item.name for item in path.iterdir())) or "an empty directory",
        hint="name one of its files: " + ", ".join(f"'{path / name}'" for name in inside)
        if inside
        else "name a file, or a folder written by Dataset.save_to_disk",
    )


def _no_split(source: str, split: str | None) -> None:
    if split is not None:
        raise DataError(
            f"{source}: only a Hugging Face dataset has splits", got=split, hint="leave split= out"
        )


def check_exists(path: Path) -> None:
    """Refuse a path that leads nowhere, before anything slow is done for it.

    Raises:
        DataError: There is no such file or folder; names the nearest there is.
    """
    if path.exists():
        return
    if not path.parent.is_dir():
        raise DataError(f"{path}: there is no such folder as {path.parent}", hint="correct the path")
    names = _readable(path.parent)
    hint = suggest(path.name, names) if names else "correct the path: the folder holds no data files"
    raise DataError(f"{path}: there is no such file", hint=hint)


def _unknown_suffix(path: Path) -> DataError:
    known = ", ".join(known_suffixes())
    if path.suffix.lower() in {".gz", ".bz2", ".xz", ".zst", ".zip"}:
        hint = "decompress it first"
    elif path.suffix:
        hint = f"{suggest(path.suffix, known_suffixes())} Convert it, or rename it to what it holds: {known}"
    else:
        hint = f"give the file the suffix of what it holds: {known}"
    return DataError(f"{path}: a format that is not known", got=path.suffix or "no suffix", hint=hint)


def _readable(folder: Path) -> list[str]:
    return sorted(item.name for item in folder.iterdir() if format_of(item) is not None)
