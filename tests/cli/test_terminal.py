"""What a user sees: plain where nobody looks, whole in a narrow window, and never styled by the data."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

WORDS = ["audit", "train.csv", "--test", "test.csv", "--near-miss", "near.csv", "--seeds", 10]


def test_a_pipe_gets_no_escape_codes(command: Callable[..., Any], files: Path) -> None:
    ended = command(*WORDS, "--out", "out")
    assert (ended.code, ended.err) == (0, "")
    assert "\x1b" not in ended.out
    assert "\r" not in ended.out
    assert "Supported" in ended.out
    assert ended.out.rstrip().endswith("out/report.html")


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_no_number_is_cut(
    command: Callable[..., Any], files: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    ended = command(*WORDS)
    assert max(len(line.rstrip()) for line in ended.out.splitlines()) <= width
    if width >= 80:
        assert "100.0 %" in ended.out
        assert "…" not in ended.out


@pytest.mark.parametrize("name", ["[bold]x[bold] []", "[red", "a b\nc", "ünï 😀", "\x1b[31mred", "caf\udce9"])
def test_file_names_are_taken_as_they_are(command: Callable[..., Any], files: Path, name: str) -> None:
    (files / "train.csv").rename(f"{name}.csv")
    ended = command("audit", f"{name}.csv", *WORDS[2:-1], 2, "--out", f"{name} out")
    assert ended.code == 0
    assert len(list(Path(f"{name} out").iterdir())) == 3
    missing = command("audit", f"no {name}.csv")
    assert missing.code == 2
    assert "Traceback" not in missing.err


def test_labels_are_taken_as_they_are(command: Callable[..., Any], work: Path) -> None:
    rows = "".join(f"w{i} [/red] [bold]{i},[/{'ab'[i % 2]}]\n" for i in range(40))
    (work / "a.csv").write_text(f"text,label\n{rows}", "utf-8")
    ended = command("audit", "a.csv", "--seeds", 2, "--out", "out")
    assert (ended.code, ended.err) == (0, "")


def test_the_version_is_printed(command: Callable[..., Any]) -> None:
    from negspace import __version__

    assert command("--version").out.split()[-1] == __version__


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_told_of_without_a_traceback(files: Path) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "negspace", *map(str, WORDS), "--json"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert ended.returncode == 2
    assert "No space left" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_reader_that_goes_away_ends_it_quietly(files: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(
        [sys.executable, "-m", "negspace", *map(str, WORDS), "--json"],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (1, "")
