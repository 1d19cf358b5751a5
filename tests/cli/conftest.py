"""The command as a user runs it, and small files to run it on."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
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
