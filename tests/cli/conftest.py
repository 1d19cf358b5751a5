"""The command as a user runs it, and small files to run it on."""

from __future__ import annotations

import csv
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from negspace.cli import main
from negspace.demo import tickets


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def command(capfd: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Run ``negspace`` with these words, all that it and its libraries print captured."""

    def run(*words: object) -> Ended:
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        printed = capfd.readouterr()
        assert isinstance(ended.value.code, int)
        return Ended(ended.value.code, printed.out, printed.err)

    return run


# Runs the command, and stands still once so many runs are kept in its store.
STAND_STILL = """
import sys, time
from negspace.cli import main
from negspace.store import RunStore

put, left = RunStore.put, int(sys.argv.pop(1))

def put_and_wait(*args):
    global left
    put(*args)
    left -= 1
    while left == 0:
        time.sleep(1)

RunStore.put = put_and_wait
main(sys.argv[1:])
"""


@pytest.fixture
def finished() -> Callable[[Path], int]:
    """Count the runs kept in a store, as another process sees them."""

    def count(store: Path) -> int:
        if not store.exists():
            return 0
        with closing(sqlite3.connect(store, timeout=600)) as connection:
            try:
                return int(connection.execute("SELECT count(*) FROM runs").fetchone()[0])
            except sqlite3.OperationalError:  # not laid out yet
                return 0

    return count


@pytest.fixture
def stopped(
    finished: Callable[[Path], int], eventually: Callable[[Callable[[], bool]], None]
) -> Callable[..., tuple[Ended, int]]:
    """Run ``negspace`` in a process, send it a signal once so many runs are kept, and count those."""

    def run(words: Sequence[object], how: signal.Signals, store: Path, *, after: int) -> tuple[Ended, int]:
        new = after - finished(store)
        with subprocess.Popen(
            [sys.executable, "-c", STAND_STILL, str(new), *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "NEGSPACE_STORE": str(store)},
        ) as process:
            try:
                eventually(lambda: finished(store) >= after or process.poll() is not None)
                process.send_signal(how)
                out, err = process.communicate(timeout=600)
            finally:
                process.kill()
        return Ended(process.returncode, out, err), finished(store)

    return run


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that the command runs in; the run store lies beside it."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def files(work: Path) -> Path:
    """``train.csv`` and ``test.csv``, whose tickets' mood gives the label away, and ``near.csv``, pairs."""
    rng = np.random.default_rng(3)

    def rows(count: int) -> list[tuple[str, str]]:
        drawn = (tickets.ordinary(rng, tickets.LABELS[i % 2]) for i in range(count))
        return [(ticket.text, ticket.label) for ticket in drawn]

    pairs = tickets.written_pairs(rng, 20)
    _write(work / "train.csv", rows(120))
    _write(work / "test.csv", rows(40))
    _write(work / "near.csv", [(ticket.text, ticket.label) for pair in pairs for ticket in pair])
    return work


def _write(path: Path, rows: Sequence[tuple[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *rows])
