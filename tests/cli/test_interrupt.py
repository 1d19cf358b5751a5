"""A run that is interrupted or killed: finished fits are kept, and the next run goes on from them."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from negspace import audit

SEEDS = 60
WORDS = ["train.csv", "--test", "test.csv", "--near-miss", "near.csv", "--seeds", SEEDS]


def test_an_interrupted_and_then_killed_run_resumes(
    command: Callable[..., Any], files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = files.parent / "interrupted.sqlite"
    code, err, interrupted = _stop(signal.SIGINT, store, after=3)
    assert code == 130
    assert "interrupted" in err
    assert "Traceback" not in err
    assert 3 <= interrupted < SEEDS
    assert not Path("out").exists()

    code, _, killed = _stop(signal.SIGKILL, store, after=interrupted + 3)
    assert code == -signal.SIGKILL
    assert interrupted < killed < SEEDS
    assert not list(Path("out").iterdir())  # nothing half-written

    whole = _audit_json(command, "whole")
    monkeypatch.setenv("NEGSPACE_STORE", str(store))
    assert audit("train.csv", test="test.csv", near_miss="near.csv", seeds=SEEDS).resumed == killed
    assert _audit_json(command, "resumed") == whole


def _stop(how: signal.Signals, store: Path, *, after: int) -> tuple[int, str, int]:
    """Start the command, stop it once so many fits are kept; its exit code, its words, and the fits kept."""
    process = subprocess.Popen(
        [sys.executable, "-m", "negspace", "audit", *map(str, WORDS), "--out", "out", "--workers", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "NEGSPACE_STORE": str(store)},
    )
    deadline = time.monotonic() + 100
    while _finished(store) < after and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(how)
    out, err = process.communicate(timeout=60)
    assert out == ""
    return process.returncode, err, _finished(store)


def _audit_json(command: Callable[..., Any], out: str) -> bytes:
    assert command("audit", *WORDS, "--out", out).code == 0
    return Path(out, "audit.json").read_bytes()


def _finished(store: Path) -> int:
    """Rows of the run store, as another process sees them."""
    if not store.exists():
        return 0
    connection = sqlite3.connect(store, timeout=30)
    try:
        found: int = connection.execute("SELECT count(*) FROM runs").fetchone()[0]
    except sqlite3.OperationalError:  # not laid out yet
        return 0
    finally:
        connection.close()
    return found
