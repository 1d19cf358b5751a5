"""Input that cannot be used: exit code 2, one message (where, what came, what to do), nothing written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from negspace.models import lstm

GOOD = b"text,label\nthe film is good,pos\nthe film is bad,neg\na fine day,pos\nan awful night,neg\n"
PAIRS = b"text,label,pair\na good film,pos,1\na bad film,neg,1\na nice day,pos,2\nan ugly day,neg,2\n"
OBJECT = b'{"text": "fine", "label": "pos"}\n'

CASES: Mapping[str, tuple[dict[str, bytes], Sequence[str], Sequence[str]]] = {
    # what is wrong: (files, words of the command, what the message must say)
    "missing file": ({"train.csv": GOOD}, ["trian.csv"], ["trian.csv", "no such file", "'train.csv'"]),
    "missing folder": ({}, ["no/train.csv"], ["no/train.csv", "no such folder"]),
    "missing test file": ({"a.csv": GOOD}, ["a.csv", "--test", "b.csv"], ["b.csv", "no such file"]),
    "empty file": ({"a.csv": b""}, ["a.csv"], ["a.csv", "hint:"]),
    "empty jsonl": ({"a.jsonl": b""}, ["a.jsonl"], ["a.jsonl", "the file is empty"]),
    "only a header": ({"a.csv": b"text,label\n"}, ["a.csv"], ["a.csv", "no rows", "'text', 'label'"]),
    "wrong column": (
        {"a.csv": GOOD},
        ["a.csv", "--label", "lable"],
        ["a.csv", "'lable'", "--label", "did you mean 'label'"],
    ),
    "wrong text column": ({"a.csv": GOOD}, ["a.csv", "--text", "txt"], ["'txt'", "did you mean 'text'"]),
    "wrong group column": ({"a.csv": PAIRS}, ["a.csv", "--group", "pairs"], ["did you mean 'pair'"]),
    "unknown columns": ({"a.csv": b"x,z\n1,2\n"}, ["a.csv"], ["a.csv", "'x', 'z'", "--text COL"]),
    "single label": (
        {"a.csv": b"text,label\nfine,pos\nnice,pos\n"},
        ["a.csv"],
        ["a.csv", "column 'label'", "all 2 rows have the same label", "pos"],
    ),
    "unseen label": (
        {"a.csv": GOOD, "t.csv": b"text,label\nfine,pos\nbad,negg\n"},
        ["a.csv", "--test", "t.csv"],
        ["t.csv, line 3", "column 'label'", "negg", "did you mean 'neg'"],
    ),
    "unseen label in near misses": (
        {"a.csv": GOOD, "t.csv": b"text,label\nfine,mixed\n"},
        ["a.csv", "--near-miss", "t.csv"],
        ["t.csv, line 2", "column 'label'", "mixed"],
    ),
    "missing text": (
        {"a.csv": b"text,label\nfine,pos\n,neg\n"},
        ["a.csv"],
        ["a.csv, line 3", "column 'text'", "missing or blank"],
    ),
    "text is a number": (
        {"a.jsonl": OBJECT + b'{"text": 5, "label": "neg"}\n'},
        ["a.jsonl"],
        ["a.jsonl, line 2", "column 'text'", "not a string", "5 (int)"],
    ),
    "text is null": (
        {"a.jsonl": OBJECT + b'{"text": null, "label": "neg"}\n'},
        ["a.jsonl"],
        ["a.jsonl, line 2", "column 'text'", "None"],
    ),
    "missing label": (
        {"a.csv": b"text,label\nfine,pos\nbad,\n"},
        ["a.csv"],
        ["a.csv, line 3", "column 'label'", "the label is missing"],
    ),
    "malformed jsonl": (
        {"a.jsonl": OBJECT + b'{"text": "bad", "label": \n'},
        ["a.jsonl"],
        ["a.jsonl, line 2", "not JSON"],
    ),
    "jsonl line is no object": ({"a.jsonl": OBJECT + b"[1, 2]\n"}, ["a.jsonl"], ["a.jsonl, line 2"]),
    "ragged row": (
        {"a.csv": b"text,label\nfine,pos\nbad, really,neg\n"},
        ["a.csv"],
        ["a.csv, line 3", "3 instead of 2"],
    ),
    "mixed encodings": (
        {"a.csv": "text,label\ncafé,pos\n".encode() + b"caf\xe9,neg\n"},
        ["a.csv"],
        ["a.csv, line 3", "0xE9", "UTF-8", "iconv"],
    ),
    "utf-16": ({"a.csv": GOOD.decode().encode("utf-16")}, ["a.csv"], ["a.csv", "UTF-16"]),
    "nul": ({"a.csv": b"text,label\nfine\0,pos\nbad,neg\n"}, ["a.csv"], ["a.csv, line 2", "NUL"]),
    "binary named csv": ({"a.csv": bytes(range(256)) * 20}, ["a.csv"], ["a.csv"]),
    "10 MB cell": (
        {"a.csv": b"text,label\nfine,pos\n" + b"word " * 2_000_000 + b",neg\n"},
        ["a.csv"],
        ["a.csv, line 3", "column 'text'", "longer than 1,000,000", "10,000,000 characters"],
    ),
    "truncated parquet": ({"a.parquet": b"PAR1 and no more"}, ["a.parquet"], ["a.parquet"]),
    "unknown suffix": ({"a.xlsx": b"PK"}, ["a.xlsx"], ["a.xlsx", ".xlsx", ".csv"]),
    "a folder": ({"d/a.csv": GOOD}, ["d"], ["d: a directory", "a.csv"]),
    "group on both sides": (
        {"a.csv": PAIRS, "t.csv": b"text,label,pair\nan old film,pos,2\na new film,neg,9\n"},
        ["a.csv", "--test", "t.csv", "--group", "pair"],
        ["group '2' is on both sides", "a.csv", "t.csv", "line 4", "line 2"],
    ),
    "two rows, no test": (
        {"a.csv": b"text,label\na good film,pos\nan awful night,neg\n"},
        ["a.csv"],
        ["a.csv", "too few rows", "--test"],
    ),
    "one text for all": (
        {"a.csv": b"text,label\n" + b"the same,pos\nthe same,neg\n" * 10},
        ["a.csv"],
        ["a.csv", "20 rows", "--test"],
    ),
    "unknown learner": (
        {"a.csv": GOOD},
        ["a.csv", "--learner", "tfdif"],
        ["'tfdif'", "did you mean 'tfidf'"],
    ),
    "scores without a colon": ({"a.csv": GOOD}, ["a.csv", "--learner", "scores"], ["scores:FILE"]),
    "scores of nothing": ({"a.csv": GOOD}, ["a.csv", "--learner", "scores:"], ["scores:FILE"]),
    "scores without test": (
        {"a.csv": GOOD, "p.csv": b"p\npos\n"},
        ["a.csv", "--learner", "scores:p.csv"],
        ["scores:p.csv", "--test"],
    ),
    "scores file missing": (
        {"a.csv": GOOD, "t.csv": GOOD},
        ["a.csv", "--test", "t.csv", "--learner", "scores:p.csv"],
        ["p.csv", "no such file"],
    ),
    "too few scores": (
        {"a.csv": GOOD, "t.csv": GOOD, "p.csv": b"p\npos\n"},
        ["a.csv", "--test", "t.csv", "--learner", "scores:p.csv"],
        ["p.csv", "4 held-out rows", "1 rows"],
    ),
    "a score that is none": (
        {"a.csv": GOOD, "t.csv": GOOD, "p.csv": b"p\npos\nnge\npos\npos\n"},
        ["a.csv", "--test", "t.csv", "--learner", "scores:p.csv"],
        ["p.csv, line 3", "column 'p'", "nge", "did you mean 'neg'"],
    ),
    "no seeds": ({"a.csv": GOOD}, ["a.csv", "--seeds", "0"], ["seed", "0", "--seeds 20"]),
    "negative seeds": ({"a.csv": GOOD}, ["a.csv", "--seeds", "-4"], ["-4", "--seeds 20"]),
    "negative seed": ({"a.csv": GOOD}, ["a.csv", "--seed", "-1"], ["-1", "--seed 0"]),
    "huge seed": ({"a.csv": GOOD}, ["a.csv", "--seed", str(2**64)], [str(2**64), "--seed 0"]),
    "margin above 1": ({"a.csv": GOOD}, ["a.csv", "--margin", "5"], ["5.0", "0 to 1", "--margin"]),
    "negative margin": ({"a.csv": GOOD}, ["a.csv", "--margin", "-0.1"], ["-0.1", "0 to 1", "--margin"]),
    "margin that is no number": ({"a.csv": GOOD}, ["a.csv", "--margin", "nan"], ["nan", "0 to 1"]),
}


@pytest.mark.parametrize(("given", "words", "said"), CASES.values(), ids=CASES.keys())
def test_bad_input_is_told_and_leaves_no_trace(
    command: Callable[..., Any],
    work: Path,
    given: Mapping[str, bytes],
    words: Sequence[str],
    said: Sequence[str],
) -> None:
    for name, content in given.items():
        (work / name).parent.mkdir(exist_ok=True)
        (work / name).write_bytes(content)
    before = _tree(work)
    ended = command("audit", *words, "--out", "out/sub", "--json")
    assert ended.code == 2
    assert ended.out == ""
    assert ended.err.startswith("error: ")
    assert "Traceback" not in ended.err
    # One message: a line each for what is wrong, what came and what to do.
    lines = ended.err.splitlines()
    assert [line[:7] for line in lines[1:]] in (["  got: ", "  hint:"], ["  hint:"])
    assert max(map(len, lines)) < 500
    for part in said:
        assert part in ended.err
    assert _tree(work) == before


@pytest.mark.parametrize("out", ["train.csv", "train.csv/sub", "/proc/negspace-out"])
def test_unwritable_out_is_told_before_the_work(command: Callable[..., Any], files: Path, out: str) -> None:
    before = _tree(files)
    ended = command("audit", "train.csv", "--out", out)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("error: ")
    assert "cannot be written" in ended.err
    assert "hint:" in ended.err
    assert _tree(files) == before
    assert not (files.parent / "runs.sqlite").exists()  # nothing was fitted


def test_an_earlier_audit_outlives_a_failed_one(command: Callable[..., Any], files: Path) -> None:
    assert command("audit", "train.csv", "--seeds", 2, "--out", "out").code == 0
    before = {path: path.read_bytes() for path in Path("out").iterdir()}
    (files / "bad.csv").write_bytes(b"text,label\nfine,pos\n")
    assert command("audit", "bad.csv", "--out", "out").code == 2
    assert {path: path.read_bytes() for path in Path("out").iterdir()} == before


@pytest.mark.parametrize(
    "words",
    [["--seeds", "three"], ["--sedes", "3"], ["--workers", "0"], ["--margin", "x"]],
    ids=["seeds", "option", "workers", "margin"],
)
def test_bad_options_are_named(command: Callable[..., Any], files: Path, words: Sequence[str]) -> None:
    ended = command("audit", "train.csv", *words)
    assert (ended.code, ended.out) == (2, "")
    assert words[0] in ended.err


def test_a_mistyped_command_is_guessed(command: Callable[..., Any], work: Path) -> None:
    assert command().code == 2
    ended = command("adit", "train.csv")
    assert (ended.code, ended.out) == (2, "")
    assert "'audit'" in ended.err


def test_missing_torch_is_told_before_the_data_are_read(
    command: Callable[..., Any], work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lstm, "find_spec", lambda _name: None)  # as for a package that is not installed
    (work / "empty.csv").touch()  # which would be told of, were it read
    ended = command("audit", "empty.csv", "--learner", "lstm")
    assert (ended.code, ended.out) == (2, "")
    assert "lstm" in ended.err
    assert "pip install 'negspace[torch]'" in ended.err


@pytest.mark.parametrize(
    ("words", "content"),
    [
        (["demo", "--seed", "-1"], None),
        (["demo", "--seeds", "0"], None),
        (["demo", "--out", "taken"], b"a file"),
    ],
    ids=["seed", "seeds", "out"],
)
def test_demo_refuses_before_it_writes(
    command: Callable[..., Any], work: Path, words: Sequence[str], content: bytes | None
) -> None:
    if content is not None:
        (work / "taken").write_bytes(content)
    before = _tree(work)
    ended = command(*words)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("error: ")
    assert _tree(work) == before


def test_the_installed_command_does_the_same(work: Path) -> None:
    """Once as a process of its own: exit code and streams are what a shell sees."""
    (work / "bad.jsonl").write_bytes(OBJECT + b"{oops\n")
    ended = subprocess.run(
        [sys.executable, "-m", "negspace", "audit", "bad.jsonl", "--json", "--out", "out"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "ascii"},
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("error: bad.jsonl, line 2")
    assert "Traceback" not in ended.stderr
    assert _tree(work) == {"bad.jsonl"}


def test_duplicates_across_files_are_counted(command: Callable[..., Any], work: Path) -> None:
    rows = [f"word{i} thing{i % 7},{'pos' if i % 2 else 'neg'}\n".encode() for i in range(40)]
    (work / "a.csv").write_bytes(b"text,label\n" + b"".join(rows[:30]))
    (work / "t.csv").write_bytes(b"text,label\n" + b"".join(rows[27:]))  # the last three of a.csv again
    ended = command("audit", "a.csv", "--test", "t.csv", "--seeds", 2)
    assert ended.code == 0
    shown = " ".join(ended.out.split())
    assert "Warning" in shown
    assert "3 of 13 rows of t.csv have the text of a row of a.csv" in shown
    told = json.loads(command("audit", "a.csv", "--test", "t.csv", "--seeds", 2, "--json").out)["warnings"]
    assert any(warning.startswith("3 of 13 rows of t.csv") for warning in told)


def test_near_misses_that_are_test_rows_are_counted(command: Callable[..., Any], files: Path) -> None:
    words = ["audit", "train.csv", "--test", "test.csv", "--near-miss", "test.csv", "--seeds", 2, "--json"]
    told = json.loads(command(*words).out)["warnings"]
    assert any("40 of 40" in warning for warning in told)


def _tree(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}
