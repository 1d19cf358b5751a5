"""Vectors that were computed once, in a SQLite file.

A vector is found by what decides it: the embedder's description, weights hashed, and the text. A model
that was moved keeps its vectors; one that was changed in its place loses them.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32
from platformdirs import user_cache_path

from negspace.embedders.embedder import Embedder, EmbeddingProgress
from negspace.errors import StoreError
from negspace.records import Json

_LAYOUT = 1
_SECONDS_TO_WAIT = 30.0
_ASKED = 500  # keys of one query; SQLite takes at least 999
_SLICE = 512  # texts embedded between two writes: what a killed process loses at most

_CREATE = """
CREATE TABLE IF NOT EXISTS vectors (
    key BLOB PRIMARY KEY,
    vector BLOB NOT NULL,
    checksum INTEGER NOT NULL
) STRICT
"""


def default_cache_path() -> Path:
    """Where vectors are kept: ``embeddings.sqlite`` beside the run store.

    That is the folder of ``$NEGSPACE_STORE``, else the user's cache folder.
    """
    store = os.environ.get("NEGSPACE_STORE")
    folder = Path(store).parent if store else user_cache_path("negspace")
    return folder / "embeddings.sqlite"


class EmbeddingCache:
    """Vectors by embedder and text, in a file that several processes may use at once.

    The first vector kept of a key stays. The file, `default_cache_path` where None, is made when first used,
    opened for each call and closed after it; one that is damaged or no cache of vectors is a `StoreError`.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self.path = default_cache_path() if path is None else Path(path)

    def get(self, embedder: Embedder, texts: Sequence[str]) -> dict[str, Float32[np.ndarray, " dims"]]:
        """Find the vectors of those texts that have one."""
        keys = _keys(embedder, texts)
        asked = list(keys)
        found = {}
        with self._open("read") as connection:
            for start in range(0, len(asked), _ASKED):
                some = asked[start : start + _ASKED]
                marks = ", ".join("?" * len(some))
                rows = connection.execute(
                    f"SELECT key, vector, checksum FROM vectors WHERE key IN ({marks})",  # noqa: S608
                    some,
                )
                for key, vector, checksum in rows:
                    if zlib.crc32(vector) != checksum or len(vector) % 4:
                        raise self._failed("read", "a vector was changed after it was written")
                    found[keys[key]] = np.frombuffer(vector, dtype="<f4").astype(np.float32)
        return found

    def put(
        self, embedder: Embedder, texts: Sequence[str], vectors: Float32[np.ndarray, "texts dims"]
    ) -> None:
        """Keep the vectors of texts, unless the texts have one already."""
        row = {text: row for row, text in enumerate(texts)}
        contents = [
            (key, vectors[row[text]].astype("<f4").tobytes()) for key, text in _keys(embedder, texts).items()
        ]
        with self._open("written") as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO vectors (key, vector, checksum) VALUES (?, ?, ?)",
                [(key, content, zlib.crc32(content)) for key, content in contents],
            )

    @contextmanager
    def _open(self, verb: str) -> Iterator[sqlite3.Connection]:
        """A connection in one transaction, its errors told as ours."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.path, timeout=_SECONDS_TO_WAIT)) as connection:
                self._lay_out(connection)
                with connection:
                    yield connection
        except (OSError, sqlite3.Error) as error:
            raise self._failed(verb, str(error)) from error

    def _lay_out(self, connection: sqlite3.Connection) -> None:
        # In this order: who finds the table of a process that lays the file out now finds its number, too.
        found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        tables = {name for (name,) in found}
        layout = connection.execute("PRAGMA user_version").fetchone()[0]
        if tables and (layout == 0 or "vectors" not in tables):
            raise StoreError(
                f"{self.path}: a database, but no cache of vectors",
                got=f"the tables {', '.join(sorted(tables))}",
                hint="move it elsewhere, or give the cache another file",
            )
        if layout > _LAYOUT:
            raise StoreError(
                f"{self.path}: the cache has layout {layout}; this negspace reads up to {_LAYOUT}",
                hint="upgrade negspace, or remove the file: its vectors are computed again",
            )
        if not tables:
            # One transaction: of two processes that open a new file, one lays it out and one finds it so.
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute(_CREATE)
                connection.execute(f"PRAGMA user_version = {_LAYOUT}")

    def _failed(self, verb: str, got: str) -> StoreError:
        return StoreError(
            f"{self.path}: the cache of vectors cannot be {verb}",
            got=got,
            hint="free the file, or remove it: its vectors are computed again",
        )


@dataclass(frozen=True)
class _Cached:
    """An embedder that embeds what its cache does not hold."""

    embedder: Embedder
    cache: EmbeddingCache

    frozen = True

    @property
    def name(self) -> str:
        return self.embedder.name

    def describe(self) -> Mapping[str, Json]:
        return self.embedder.describe()

    def embed(
        self, texts: Sequence[str], *, progress: EmbeddingProgress | None = None
    ) -> Float32[np.ndarray, "texts dims"]:
        known = self.cache.get(self.embedder, texts)
        missing = [text for text in dict.fromkeys(texts) if text not in known]
        if not texts:
            return self.embedder.embed(texts)
        # Texts of one length share a batch, so a slice of like lengths fills its batches.
        missing.sort(key=len)
        for start in range(0, len(missing), _SLICE):
            some = missing[start : start + _SLICE]
            self.cache.put(self.embedder, some, self.embedder.embed(some))
            # As they were kept: another process may have been first.
            known |= self.cache.get(self.embedder, some)
            if progress is not None:
                progress("embedding texts", start + len(some), len(missing))
        return np.stack([known[text] for text in texts])


def cached(embedder: Embedder, cache: EmbeddingCache) -> Embedder:
    """Embed with a cache: every text once, with the same vector ever after.

    An embedder that is not frozen is handed back as it is: its vectors are of one call only.
    """
    return _Cached(embedder, cache) if embedder.frozen else embedder


def _keys(embedder: Embedder, texts: Sequence[str]) -> dict[bytes, str]:
    settings = json.dumps(embedder.describe(), sort_keys=True, separators=(",", ":"), allow_nan=False)
    of_embedder = hashlib.sha256(settings.encode())
    keys = {}
    for text in texts:
        key = of_embedder.copy()
        # The settings end in a brace that no text can undo: they are one JSON object.
        key.update(text.encode("utf-8", "surrogatepass"))
        keys[key.digest()] = text
    return keys
