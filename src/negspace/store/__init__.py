"""The run store and its like: finished work, addressed by the content of what computed it."""

from __future__ import annotations

from negspace.store.keys import content_hash, package_hash, source_hash
from negspace.store.lock import locked
from negspace.store.part_store import PartStore
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
