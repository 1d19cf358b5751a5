"""From whatever the user has to a Table: paths by suffix, objects by what they can do."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from negspace.data.formats import format_of, known_suffixes
from negspace.data.formats.arrow import (
    from_dataset,
    from_stream,
    is_dataset,
    is_dataset_folder,
    read_dataset_folder,
)
from negspace.data.table import Table, suggest, table_of
from negspace.errors import DataError


def read_table(source: object, *, split: str | None = None) -> Table:
    """Read any table, whatever its columns mean.

    Args:
        source: A path to a file of a known format or to a Hugging Face dataset folder; or a pandas or polars
            frame, an Arrow table, a ``datasets.Dataset``, or a list of dicts.
        split: Which split of a Hugging Face ``DatasetDict``; ``train`` where none is named.

    Raises:
        DataError: There is no such file, it cannot be read, or it has no rows.
        MissingExtraError: The folder needs the library ``datasets``.
    """
    if isinstance(source, Table):  # read already
        table = source
    elif isinstance(source, str | os.PathLike):
        table = _read_path(Path(os.fspath(source)).expanduser(), split)
    elif is_dataset(source):
        table = from_dataset(source, type(source).__name__, split)
    else:
        _no_split(type(source).__name__, split)
        if hasattr(source, "__arrow_c_stream__") or hasattr(source, "__arrow_c_array__"):
            table = from_stream(source)
        elif isinstance(source, Sequence) and not isinstance(source, bytes):
            table = table_of(source, type(source).__name__)
        else:
            raise DataError(
                "the data are of a type that cannot be read",
                got=type(source).__name__,
                hint="give a path, a pandas or polars frame, an Arrow table, a datasets.Dataset or a list of "
                "dicts",
            )
    if not table.columns or not len(table):
        columns = ", ".join(f"'{name}'" for name in table.columns)
        raise DataError(
            f"{table.source}: there are no rows",
            got=f"only the columns {columns}" if columns else "no columns and no rows",
            hint="give data with at least one row",
        )
    return table


def _read_path(path: Path, split: str | None) -> Table:
    try:
        if path.is_dir():
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
        check_exists(path)
        _no_split(str(path), split)
        if (form := format_of(path)) is not None:
            return form.read(path)
    except OSError as error:
        raise DataError(
            f"{path}: the file cannot be read", got=error.strerror or str(error), hint="check its permissions"
        ) from error
    known = ", ".join(known_suffixes())
    if path.suffix.lower() in {".gz", ".bz2", ".xz", ".zst", ".zip"}:
        hint = "decompress it first"
    elif path.suffix:
        hint = f"{suggest(path.suffix, known_suffixes())} Convert it, or rename it to what it holds: {known}"
    else:
        hint = f"give the file the suffix of what it holds: {known}"
    raise DataError(f"{path}: a format that is not known", got=path.suffix or "no suffix", hint=hint)


def _no_split(source: str, split: str | None) -> None:
    if split is not None:
        raise DataError(
            f"{source}: only a Hugging Face dataset has splits", got=split, hint="leave split= out"
        )


def check_exists(path: Path) -> None:
    """Refuse a path that leads nowhere, naming the nearest there is, before anything slow is done for it."""
    if path.exists():
        return
    if not path.parent.is_dir():
        raise DataError(f"{path}: there is no such folder as {path.parent}", hint="correct the path")
    names = _readable(path.parent)
    hint = suggest(path.name, names) if names else "correct the path: the folder holds no data files"
    raise DataError(f"{path}: there is no such file", hint=hint)


def _readable(folder: Path) -> list[str]:
    return sorted(item.name for item in folder.iterdir() if format_of(item) is not None)
