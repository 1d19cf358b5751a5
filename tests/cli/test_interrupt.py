"""A run that is interrupted or killed: finished fits are kept, and the next run goes on from them."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from negspace import audit

SEEDS = 12
WORDS = ["train.csv", "--test", "test.csv", "--near-miss", "near.csv", "--seeds", SEEDS]


def test_an_interrupted_and_then_killed_run_resumes(
    command: Callable[..., Any], stopped: Callable[..., Any], files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = files.parent / "interrupted.sqlite"
    words = ["audit", *WORDS, "--out", "out", "--workers", "1"]
    ended, interrupted = stopped(words, signal.SIGINT, store, after=3)
    assert (ended.code, ended.out) == (130, "")
    assert "interrupted" in ended.err
    assert "Traceback" not in ended.err
    assert 3 <= interrupted < SEEDS
    assert not Path("out").exists()

    ended, killed = stopped(words, signal.SIGKILL, store, after=interrupted + 3)
    assert (ended.code, ended.out) == (-signal.SIGKILL, "")
    assert interrupted < killed < SEEDS
    assert not list(Path("out").iterdir())  # nothing half-written

    whole = _audit_json(command, "whole")
    monkeypatch.setenv("NEGSPACE_STORE", str(store))
    assert audit("train.csv", test="test.csv", near_miss="near.csv", seeds=SEEDS).resumed == killed
    assert _audit_json(command, "resumed") == whole


def _audit_json(command: Callable[..., Any], out: str) -> bytes:
    assert command("audit", *WORDS, "--out", out).code == 0
    return Path(out, "audit.json").read_bytes()
