"""The identity of a data set: its rows, not its file."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

__all__ = ["fingerprint"]

_VERSION = b"negspace-rows-1"


def fingerprint(
    texts: Sequence[str], labels: Sequence[str], groups: Sequence[str | None] | None = None
) -> str:
    """Hash rows in their order: SHA-256, as 64 hexadecimal digits.

    Each field is preceded by its length in bytes, so that no two different sets of rows are
    encoded alike; labels and groups go in by name, so that the file format has no say.

    Args:
        texts: Text of each row.
        labels: Name of each row's label.
        groups: Name of each row's group, None for a row without one; or None for no groups.
    """
    columns: list[Sequence[str | None]] = [texts, labels] if groups is None else [texts, labels, groups]
    digest = hashlib.sha256(_VERSION + bytes([len(columns)]) + len(texts).to_bytes(8, "little"))
    for row in zip(*columns, strict=True):
        digest.update(b"".join(_field(value) for value in row))
    return digest.hexdigest()


def _field(value: str | None) -> bytes:
    if value is None:
        return b"-"
    data = value.encode("utf-8")
    return b"+" + len(data).to_bytes(8, "little") + data
