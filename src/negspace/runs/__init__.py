"""The run store and its like: finished work, addressed by the content of what computed it."""

from __future__ import annotations

from negspace.runs.keys import content_hash, package_hash, source_hash
from negspace.runs.lock import locked
from negspace.runs.parts import PartStore
from negspace.runs.store import RunStore, StoredResult, default_store_path

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
