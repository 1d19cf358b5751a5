"""Finished work, addressed by the content of what computed it: runs, and parts of work on many rows."""

from __future__ import annotations

from negspace.store.hashes import content_hash, package_hash, source_hash
from negspace.store.part_store import PartStore, locked
from negspace.store.run_store import RunStore, StoredResult, default_store_path

__all__ = [
    "PartStore",
    "RunStore",
    "StoredResult",
    "content_hash",
    "default_store_path",
    "locked",
    "package_hash",
    "source_hash",
]
