"""What is written is read back: every character, in every format, or an error and no file."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from negspace.data import check_writable, read_table, write_rows
from negspace.errors import DataError, StoreError

SUFFIXES = (".jsonl", ".csv", ".tsv", ".parquet")
# Any text but halves of surrogate pairs and NUL, which are refused.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
awkward = st.sampled_from(
    ['"', '""', "\r", "\n", "\r\n", "\t", ",", "=1+1", " ", "\u2028", "\x85", "\ufeff", "'", "\\"]
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("written")


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(max_examples=60, deadline=None, derandomize=True)
@given(rows=st.lists(st.tuples(texts | awkward, texts | awkward), min_size=1, max_size=5))
@example(rows=[("a\rb", '"'), ("", "")])
def test_text_comes_back_exactly(folder: Path, suffix: str, rows: list[tuple[str, str]]) -> None:
    path = folder / f"rows{suffix}"
    write_rows(path, [{"text": one, 'other, "name"': two} for one, two in rows])
    table = read_table(path)
    assert list(table.columns) == ["text", 'other, "name"']
    assert list(zip(*table.columns.values(), strict=True)) == rows


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_one_column_of_blanks(tmp_path: Path, suffix: str) -> None:
    write_rows(tmp_path / f"rows{suffix}", [{"text": ""}, {"text": "a"}, {"text": ""}])
    assert list(read_table(tmp_path / f"rows{suffix}").columns["text"]) == ["", "a", ""]


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_pandas_reads_the_same(tmp_path: Path, suffix: str) -> None:
    rows = [{"text": 'a "b"\n\tc,', "n": 3}, {"text": "=x", "n": 4}]
    write_rows(tmp_path / f"rows{suffix}", rows)
    frame = pd.read_csv(tmp_path / f"rows{suffix}", sep="," if suffix == ".csv" else "\t")
    assert frame.to_dict("records") == rows


def test_numbers_and_what_is_missing(tmp_path: Path) -> None:
    rows = [{"i": np.int64(3), "x": np.float32(0.5), "n": None}, {"i": 4, "x": float("nan"), "s": "t"}]
    write_rows(tmp_path / "rows.jsonl", rows)
    lines = (tmp_path / "rows.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"i": 3, "x": 0.5, "n": None, "s": None},
        {"i": 4, "x": None, "n": None, "s": "t"},
    ]
    write_rows(tmp_path / "rows.parquet", rows)
    frame = pd.read_parquet(tmp_path / "rows.parquet")
    assert frame["i"].tolist() == [3, 4]
    assert frame["i"].dtype == np.int64
    assert frame["s"].tolist()[1] == "t"
    write_rows(tmp_path / "rows.csv", rows)
    assert list(read_table(tmp_path / "rows.csv").columns["n"]) == ["", ""]


@pytest.mark.parametrize(
    ("name", "rows", "message"),
    [
        ("a.csv", [], "no rows"),
        ("a.txt", [{"a": 1}], "not a format that can be written"),
        ("a.json", [{"a": 1}], "not a format that can be written"),
        ("a.csv", [{"a": [1]}], "row 1: a cell holds text or a number"),
        ("a.csv", [{"a": "b"}, {"a": "c\0"}], "row 2: a NUL"),
        ("a.tsv", [{"a": "\ud800"}], "row 1: a NUL character or a lone surrogate"),
        ("a.jsonl", [{"a": "\ud800"}], "row 1: a NUL character or a lone surrogate"),
        ("a.jsonl", [{"a": {1, 2}}], "row 1: Object of type set"),
        ("a.jsonl", [{"a": [float("nan")]}], "row 1"),
        ("a.parquet", [{"a": 1}, {"a": "b"}], "column 'a': Parquet cannot hold"),
        ("a.parquet", [{"a": "\ud800"}], "column 'a': Parquet cannot hold"),
    ],
)
def test_a_failed_write_leaves_the_old_file(tmp_path: Path, name: str, rows: list, message: str) -> None:
    (tmp_path / name).write_text("old")
    with pytest.raises(DataError, match=message):
        write_rows(tmp_path / name, rows)
    assert (tmp_path / name).read_text() == "old"
    assert [item.name for item in tmp_path.iterdir()] == [name]


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write_rows(path, [{"a": "first " * 100}])
    write_rows(path, [{"a": "second"}])
    assert path.read_text() == '"a"\n"second"\n'
    assert [item.name for item in tmp_path.iterdir()] == ["a.csv"]
    umask = os.umask(0)
    os.umask(umask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask


def test_unwritable_places(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(StoreError, match="cannot be written"):
            check_writable(folder)
    with pytest.raises(StoreError, match="cannot be written"):
        write_rows(tmp_path / "nowhere" / "a.csv", [{"a": 1}])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc, which no one may write to")
def test_folders_without_permission() -> None:
    with pytest.raises(StoreError, match="cannot be written"):
        check_writable("/proc")
    with pytest.raises(StoreError, match="cannot be written"):
        check_writable("/proc/nowhere/below")


def test_check_makes_the_folder_and_leaves_it_empty(tmp_path: Path) -> None:
    check_writable(tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []
