"""Shared by all tests: array shapes and types are checked at every call, the run store is private."""

from __future__ import annotations

from pathlib import Path

import pytest
from jaxtyping import install_import_hook

install_import_hook("negspace", "beartype.beartype")

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(autouse=True)
def _private_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or leaves runs in the user's store."""
    monkeypatch.setenv("NEGSPACE_STORE", str(tmp_path / "runs.sqlite"))


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
