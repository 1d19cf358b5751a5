"""Texts without labels: a column of a table, or documents of plain text."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int

from negspace.data.columns import TEXT_NAMES, find_column, role_texts
from negspace.data.formats import format_of
from negspace.data.formats.arrow import is_dataset_folder
from negspace.data.sources import check_exists, read_table
from negspace.data.table import fingerprint, read_text
from negspace.errors import DataError


@dataclass(frozen=True, eq=False)
class Corpus:
    """Texts in the order of their source."""

    texts: tuple[str, ...]
    column: str
    source: str
    lines: Int[np.ndarray, " rows"]  # line of the source on which each row starts, 1-based
    unit: str  # what ``lines`` counts: ``"line"`` or ``"row"``
    fingerprint: str  # SHA-256 (hex) of the texts

    def __len__(self) -> int:
        return len(self.texts)

    def where(self, row: int) -> str:
        """Place of a row, as messages give it: ``corpus.jsonl, line 7``."""
        return f"{self.source}, {self.unit} {self.lines[row]}"


def read_corpus(
    source: object, *, text: str | None = None, split: str | None = None, role: str = "text"
) -> Corpus:
    """Read texts without labels, from a path or an object (see `read_table`); ``role`` names the flag.

    The column is recognised by its name where None; a source of one column needs no name.

    Raises:
        DataError: The data cannot be used; the message says where, what came and what to do.
        MissingExtraError: The folder needs the library ``datasets``.
    """
    table = read_table(source, split=split)
    if text is None and len(table.columns) == 1:
        text = next(iter(table.columns))
    column = find_column(table, role, TEXT_NAMES, named=text)
    texts = role_texts(table, column, role)
    content = fingerprint(texts, [""] * len(texts))
    return Corpus(texts, column, table.source, table.lines, table.unit, content)


TEXT_SUFFIXES = frozenset({".adoc", ".markdown", ".md", ".org", ".rst", ".tex", ".text", ".txt"})
"""What a file of a folder ends in to be read as text."""

_COMPRESSED = frozenset({".bz2", ".gz", ".xz", ".zip", ".zst"})


@dataclass(frozen=True, eq=False)
class Documents:
    """Texts that are never joined: files, or rows of a data set, in the order of their source."""

    texts: tuple[str, ...]
    names: tuple[str, ...]  # how messages name each: ``input.txt``; ``train.jsonl, line 7``
    are_files: bool  # whether a place in a document is told by its line there
    fingerprint: str  # SHA-256 (hex) of the texts
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.texts)


def documents_of(texts: Sequence[str]) -> Documents:
    """Take texts at hand as documents, named by their number from 1."""
    names = tuple(f"text {number}" for number in range(1, len(texts) + 1))
    return Documents(tuple(texts), names, False, _fingerprint(texts))


def read_documents(source: object, *, text: str | None = None, split: str | None = None) -> Documents:
    """Read a corpus.

    That is a UTF-8 text file; a folder with such files, read in the order of their paths; or a data set, as
    `read_corpus` takes it, whose rows are documents.

    Raises: DataError: There is no such file, it is empty, is not UTF-8 or holds NUL bytes, or the folder has
    no text files; the message says where and what to do. MissingExtraError: The folder needs the library
    ``datasets``.
    """
    if isinstance(source, str | os.PathLike):
        path = Path(os.fspath(source)).expanduser()
        check_exists(path)
        is_text = path.is_file() and format_of(path) is None and path.suffix.lower() not in _COMPRESSED
        if is_text or (path.is_dir() and not is_dataset_folder(path)):
            try:
                return _read_files(path)
            except OSError as error:
                raise DataError(
                    f"{error.filename}: the file cannot be read",
                    got=error.strerror or str(error),
                    hint="check its permissions",
                ) from error
    corpus = read_corpus(source, text=text, split=split)
    base = Path(corpus.source).name or corpus.source
    names = tuple(f"{base}, {corpus.unit} {line}" for line in corpus.lines)
    return Documents(corpus.texts, names, False, _fingerprint(corpus.texts))


def _read_files(path: Path) -> Documents:
    """Read a text file, or all of a folder."""
    if path.is_file():
        folder, inside = path.parent, [path]
        files = inside
    else:
        folder = path
        inside = [
            file
            for file in sorted(folder.rglob("*"))
            if file.is_file() and not any(part.startswith(".") for part in file.relative_to(folder).parts)
        ]
        files = [file for file in inside if file.suffix.lower() in TEXT_SUFFIXES]
    if not files:
        data = [file for file in inside if format_of(file) is not None]
        raise DataError(
            f"{folder}: there are no text files in the folder",
            got=", ".join(file.name for file in inside[:5]) or "an empty folder",
            hint=f"name one data file: '{data[0]}'"
            if data
            else f"name a file, or give text files one of the endings {', '.join(sorted(TEXT_SUFFIXES))}",
        )
    filled = [file for file in files if file.read_bytes().strip()]
    if not filled and path.is_file():
        raise DataError(f"{path}: the corpus is empty", hint="name a file with text in it")
    if not filled:
        raise DataError(
            f"{folder}: the corpus is empty: all {len(files)} text files are", hint="name another"
        )
    notes = []
    if others := len(inside) - len(files):
        notes.append(f"{folder}: {others} of {len(inside)} files were left out: they are not text files")
    if blank := len(files) - len(filled):
        notes.append(f"{folder}: {blank} of {len(files)} text files are empty")
    texts = tuple(map(read_text, filled))
    names = tuple(file.relative_to(folder).as_posix() for file in filled)
    return Documents(texts, names, True, _fingerprint(texts), tuple(notes))


def _fingerprint(texts: Sequence[str]) -> str:
    digest = hashlib.sha256()
    for text in texts:
        data = text.encode()
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()
