"""Shared by all tests: array shapes and types are checked at every call, the run store is private."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jaxtyping import install_import_hook

install_import_hook("negspace", "beartype.beartype")

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(autouse=True)
def _private_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or leaves runs in the user's store."""
    monkeypatch.setenv("NEGSPACE_STORE", str(tmp_path / "runs.sqlite"))


@pytest.fixture(autouse=True)
def _no_database_stays_open(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A database is closed where it was opened. Python 3.13 warns of one only when it is collected."""
    opened: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def recorded(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        opened.append(connect(*args, **kwargs))
        return opened[-1]

    monkeypatch.setattr(sqlite3, "connect", recorded)
    yield
    for connection in opened:
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            connection.execute("SELECT 1")


@pytest.fixture(scope="session")
def eventually() -> Callable[[Callable[[], bool]], None]:
    """Wait until a condition holds: on a busy machine for long, on an idle one only as long as it takes."""

    def wait(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 600
        while not condition():
            assert time.monotonic() < deadline, "not in ten minutes"
            time.sleep(0.05)

    return wait


@pytest.fixture(scope="session")
def cad() -> Path:
    """Folder of the human-rewritten film reviews; skips where it is absent."""
    return _folder("cad-sentiment")


@pytest.fixture(scope="session")
def clinc() -> Path:
    """Folder of the 150 intents; skips where it is absent."""
    return _folder("clinc150")


def _folder(name: str) -> Path:
    folder = DATA / name
    if not folder.is_dir():
        pytest.skip(f"needs the data set '{name}', which is not part of the project")
    return folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start the longest module first: a module stays on one worker, and the last one would run alone."""
    items.sort(key=lambda item: "test_docs_examples" not in item.nodeid)
