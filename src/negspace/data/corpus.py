"""A plain corpus: texts, and nothing said about them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from negspace.data.columns import TEXT_NAMES
from negspace.data.finding import find_column, role_texts
from negspace.data.fingerprints import fingerprint
from negspace.data.sources import read_table
from negspace.data.table import Table

__all__ = ["Corpus", "corpus_of", "read_corpus"]


@dataclass(frozen=True, eq=False)
class Corpus:
    """Texts in the order of their source.

    Attributes:
        texts: One a row.
        column: The column that was taken.
        source: Where the rows came from, for messages.
        lines: Line of the source on which each row starts, 1-based.
        unit: What ``lines`` counts: ``"line"`` or ``"row"``.
        fingerprint: SHA-256 (hex) of the texts.
    """

    texts: tuple[str, ...]
    column: str
    source: str
    lines: Int[np.ndarray, " rows"]
    unit: str
    fingerprint: str

    def __len__(self) -> int:
        return len(self.texts)

    def where(self, row: int) -> str:
        """Place of a row, as messages give it: ``corpus.jsonl, line 7``."""
        return f"{self.source}, {self.unit} {self.lines[row]}"


def read_corpus(
    source: object, *, text: str | None = None, split: str | None = None, role: str = "text"
) -> Corpus:
    """Read texts without labels.

    Args:
        source: A path or an object; see `read_table`.
        text: Column of texts; recognised by its name where None. A source of one column needs no name.
        split: Which split of a Hugging Face ``DatasetDict``; ``train`` where None.
        role: The flag that names the column, for messages.

    Raises:
        DataError: The data cannot be used; the message says where, what came and what to do.
        MissingExtraError: The folder needs the library ``datasets``.
    """
    return corpus_of(read_table(source, split=split), text=text, role=role)


def corpus_of(table: Table, *, text: str | None = None, role: str = "text") -> Corpus:
    """Take a table that has been read as a corpus; see `read_corpus`."""
    if text is None and len(table.columns) == 1:
        text = next(iter(table.columns))
    column = find_column(table, role, TEXT_NAMES, named=text)
    texts = role_texts(table, column, role)
    content = fingerprint(texts, [""] * len(texts))
    return Corpus(texts, column, table.source, table.lines, table.unit, content)
