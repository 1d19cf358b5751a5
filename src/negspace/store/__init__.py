"""Finished work, addressed by the content of what computed it: runs, and parts of work on many rows."""

from __future__ import annotations

from negspace.store.part_store import PartStore, locked
from negspace.store.run_store import (
    RunStore,
    StoredResult,
    content_hash,
    default_store_path,
    package_hash,
    source_hash,
)

__all__ = [
    "PartStore", "RunStore", "StoredResult", "content_hash", "default_store_path", "locked", "package_hash",
    "source_hash",
]  # fmt: skip
