"""Content addresses, and a SQLite file of finished runs.

One row a run, written as soon as the run is done: a killed study finds its finished seeds again,
a repeated one is instant. Write-ahead logging lets several processes share the file. Payloads are
plain NumPy archives, never pickles.
"""

from __future__ import annotations

import hashlib
import inspect
import io
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from platformdirs import user_cache_path

from negspace.errors import StoreError
from negspace.records import Json, Run

_PACKAGE = Path(__file__).parents[1]
_LAYOUT = 3
_SECONDS_TO_WAIT = 30.0

_CREATE_RUNS = """
CREATE TABLE IF NOT EXISTS runs (
    key TEXT PRIMARY KEY,
    arm TEXT NOT NULL,
    seed INTEGER NOT NULL,
    finished TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
    quantities TEXT NOT NULL,
    item_values BLOB NOT NULL,
    diverged_at INTEGER
) STRICT
"""

_ADD_QUANTITIES = "ALTER TABLE runs ADD COLUMN quantities TEXT NOT NULL DEFAULT 'label confidence truth'"

_CREATE_RESULTS = """
CREATE TABLE IF NOT EXISTS results (
    name TEXT NOT NULL,
    plan TEXT NOT NULL,
    finished TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
    summary TEXT NOT NULL,
    PRIMARY KEY (name, plan)
) STRICT
"""

_CREATE_LOOKS = """
CREATE TABLE IF NOT EXISTS looks (
    look INTEGER PRIMARY KEY,
    question TEXT NOT NULL,
    asked TEXT NOT NULL,
    at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
    UNIQUE (question, asked)
) STRICT
"""


def content_hash(content: Json) -> str:
    """Hash JSON content (SHA-256, hex), independent of the order of keys; NaN and infinities are no JSON."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def source_hash(part: object) -> str:
    """Hash the code that a part runs: all modules of the package folder its class stands in.

    A changed learner thus computes anew instead of handing out what its older self had found. For a class
    typed into a notebook its source alone is hashed; where there is none, its qualified name.
    """
    kind = type(part)
    try:
        file = Path(inspect.getfile(kind))
        if file.is_file() and (file.parent / "__init__.py").is_file():
            return _folder_hash(file.parent)
        return content_hash(inspect.getsource(kind))
    except (TypeError, OSError):
        return content_hash(f"{kind.__module__}.{kind.__qualname__}")


@cache
def _folder_hash(folder: Path) -> str:
    return _hash_files(folder, folder.glob("*.py"))


@cache
def package_hash(package: Path = _PACKAGE) -> str:
    """Hash all modules of this package: finished parts of other code are of no use."""
    return _hash_files(package, package.rglob("*.py"))


def _hash_files(folder: Path, files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(f"{file.relative_to(folder).as_posix()}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def default_store_path() -> Path:
    """Where runs are kept: ``$NEGSPACE_STORE``, else ``runs.sqlite`` in the user's cache folder."""
    chosen = os.environ.get("NEGSPACE_STORE")
    return Path(chosen) if chosen else user_cache_path("negspace") / "runs.sqlite"


@dataclass(frozen=True)
class StoredResult:
    """What a named study found when it was run last."""

    plan: str
    finished: str  # when, as ``YYYY-MM-DD HH:MM:SS`` in UTC
    summary: Mapping[str, Json]


class RunStore:
    """Finished runs, by key.

    Args:
        path: The file, made if need be. None keeps runs in memory, for this object only.

    Raises:
        StoreError: If the file cannot be opened, is no run store, or has the layout of a newer negspace.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self._path = path
        try:
            if path is not None:
                Path(path).parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path or ":memory:", timeout=_SECONDS_TO_WAIT)
        except (OSError, sqlite3.Error) as error:
            raise self._failed("opened", error) from error
        try:
            # One transaction: of two processes that open a new file, one lays it out and one finds it so.
            with self._transaction("opened"):
                self._connection.execute("BEGIN IMMEDIATE")
                self._lay_out()
            with self._transaction("opened"):
                self._connection.execute("PRAGMA journal_mode = WAL")
                # A run lost to a power cut is computed again; a half-written one cannot be read either way.
                self._connection.execute("PRAGMA synchronous = NORMAL")
        except StoreError:
            self.close()
            raise

    def _lay_out(self) -> None:
        layout = self._connection.execute("PRAGMA user_version").fetchone()[0]
        tables = {
            name
            for (name,) in self._connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        }
        if tables and (layout == 0 or "runs" not in tables):
            raise StoreError(
                f"{self._path}: a database, but not a run store",
                got=f"the tables {', '.join(sorted(tables))}",
                hint="name another file in NEGSPACE_STORE",
            )
        if layout > _LAYOUT:
            raise StoreError(
                f"{self._path}: the run store has layout {layout}; this negspace reads up to {_LAYOUT}",
                hint="upgrade negspace, or name another file in NEGSPACE_STORE",
            )
        if layout == 1:
            self._connection.execute("ALTER TABLE runs ADD COLUMN diverged_at INTEGER")
        if layout in {1, 2}:
            self._connection.execute("ALTER TABLE runs RENAME COLUMN predictions TO item_values")
            self._connection.execute(_ADD_QUANTITIES)
        self._connection.execute(_CREATE_RUNS)
        self._connection.execute(_CREATE_RESULTS)
        self._connection.execute(_CREATE_LOOKS)
        self._connection.execute(f"PRAGMA user_version = {_LAYOUT}")

    def get(self, key: str) -> Run | None:
        """Find a finished run by its content address; marked as resumed."""
        with self._transaction("read"):
            found = self._connection.execute(
                "SELECT arm, seed, quantities, item_values, diverged_at FROM runs WHERE key = ?", (key,)
            ).fetchone()
        if found is None:
            return None
        arm, seed, quantities, payload, diverged_at = found
        try:
            with np.load(io.BytesIO(payload), allow_pickle=False) as arrays:
                values = {name: arrays[name] for name in quantities.split()}
        except Exception as error:  # a damaged archive fails in a dozen ways, and all mean the same
            raise self._failed("read", error) from error
        return Run(arm, seed, values, resumed=True, diverged_at=diverged_at)

    def put(self, key: str, run: Run) -> None:
        """Keep a finished run, at once and for good; one that has the same key is replaced."""
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **run.values)  # type: ignore[arg-type]  # or one would be called allow_pickle
        row = (key, run.arm, run.seed, " ".join(run.values), buffer.getvalue(), run.diverged_at)
        with self._transaction("written"):
            self._connection.execute(
                "INSERT OR REPLACE INTO runs (key, arm, seed, quantities, item_values, diverged_at)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                row,
            )

    def put_result(self, name: str, plan: str, summary: Json) -> None:
        """Keep what a study with a name of its own found; a result of the same plan is replaced."""
        row = (name, plan, json.dumps(summary, allow_nan=False))
        with self._transaction("written"):
            self._connection.execute(
                "INSERT OR REPLACE INTO results (name, plan, summary) VALUES (?, ?, ?)", row
            )

    def latest_results(self) -> dict[str, StoredResult]:
        """The result that each name got last."""
        with self._transaction("read"):
            found = self._connection.execute(
                "SELECT name, plan, finished, summary FROM results ORDER BY finished, rowid"
            ).fetchall()
        try:
            return {name: StoredResult(plan, when, json.loads(text)) for name, plan, when, text in found}
        except ValueError as error:
            raise self._failed("read", error) from error

    def look(self, question: Mapping[str, Json], asked: Mapping[str, Json]) -> int:
        """Log that a question is asked in one way; which look at the question this is.

        Asking in the same way again is the same look.

        Args:
            question: What is asked of which test rows.
            asked: The margin, the seeds, the settings: what may be changed until the answer pleases.

        Returns:
            1 for the first way in which the question was asked, 2 for the second, and so on.

        Raises:
            StoreError: If the store cannot be written.
        """
        row = tuple(json.dumps(part, sort_keys=True, allow_nan=False) for part in (question, asked))
        with self._transaction("written"):
            self._connection.execute("INSERT OR IGNORE INTO looks (question, asked) VALUES (?, ?)", row)
            ((count,),) = self._connection.execute(
                "SELECT count(*) FROM looks WHERE question = ?1"
                " AND look <= (SELECT look FROM looks WHERE question = ?1 AND asked = ?2)",
                row,
            ).fetchall()
        return int(count)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> RunStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _transaction(self, verb: str) -> Iterator[None]:
        try:
            with self._connection:
                yield
        except sqlite3.Error as error:
            raise self._failed(verb, error) from error

    def _failed(self, verb: str, error: Exception) -> StoreError:
        return StoreError(
            f"{self._path}: the run store cannot be {verb}",
            got=str(error),
            hint="free or remove the file, or name another in NEGSPACE_STORE",
        )
