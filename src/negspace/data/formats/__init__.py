"""File formats, one module each: a format registers how its files are read and written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from negspace.registry import Registry

if TYPE_CHECKING:
    from negspace.data.table import Table

__all__ = ["FORMATS", "Format", "format_of", "known_suffixes"]


@dataclass(frozen=True)
class Format:
    """How files of one kind are read and written.

    Attributes:
        suffixes: Suffixes of its files, with the dot, in lower case.
        read: Reads a file. Raises `DataError` with file, line and column if it cannot.
        write: Writes columns of equal length to a path that does not exist yet; None for a format that is
            only read. Raises `DataError` for a value that the format cannot hold.
        column_names: Names of a file's columns without reading its rows; None if that takes a whole read.
    """

    suffixes: tuple[str, ...]
    read: Callable[[Path], Table]
    write: Callable[[Path, Mapping[str, Sequence[object]]], None] | None = None
    column_names: Callable[[Path], Sequence[str]] | None = None


FORMATS: Registry[Format] = Registry("format", group="negspace.formats", package="negspace.data.formats")
"""Formats by name; what is registered is a `Format`."""


def format_of(path: Path) -> Format | None:
    """The format of a file by its suffix; None if no format has it."""
    return _by_suffix().get(path.suffix.lower())


def known_suffixes(*, written: bool = False) -> tuple[str, ...]:
    """All suffixes of files that can be read (or written), for messages."""
    return tuple(suffix for suffix, form in _by_suffix().items() if not written or form.write is not None)


def _by_suffix() -> dict[str, Format]:
    return {suffix: entry.target for entry in FORMATS.entries.values() for suffix in entry.target.suffixes}
