"""The run store: finished runs, addressed by the content of what computed them."""

from __future__ import annotations

from negspace.runs.keys import content_hash, source_hash
from negspace.runs.store import RunStore, StoredResult, default_store_path

__all__ = ["RunStore", "StoredResult", "content_hash", "default_store_path", "source_hash"]
