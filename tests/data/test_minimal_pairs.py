"""Minimal pairs: which column is what, what a file's name stands for, and errors that say where."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from negspace.data import looks_like_minimal_pairs, read_minimal_pairs, write_rows
from negspace.errors import DataError

ROWS = [
    {"sentence_good": "She runs.", "sentence_bad": "She run.", "UID": "agreement", "pairID": "0"},
    {"sentence_good": "No cat ever sat.", "sentence_bad": "A cat ever sat.", "UID": "npi", "pairID": "1"},
    {"sentence_good": "He sits.", "sentence_bad": "He sit.", "UID": "agreement", "pairID": "2"},
]


def file(folder: Path, rows: list[dict[str, Any]], name: str = "pairs.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["p.jsonl", "p.csv", "p.tsv", "p.parquet"])
def test_every_format_gives_the_same_pairs(tmp_path: Path, name: str) -> None:
    write_rows(tmp_path / name, ROWS)
    assert looks_like_minimal_pairs(tmp_path / name)
    pairs = read_minimal_pairs(tmp_path / name)
    assert pairs.good == tuple(row["sentence_good"] for row in ROWS)
    assert pairs.bad == tuple(row["sentence_bad"] for row in ROWS)
    assert pairs.paradigms == ("agreement", "npi")
    assert pairs.paradigm.tolist() == [0, 1, 0]
    assert pairs.fingerprint == read_minimal_pairs(ROWS).fingerprint
    assert pairs.columns == {"good": "sentence_good", "bad": "sentence_bad", "paradigm": "UID"}


def test_a_folder_holds_a_paradigm_a_file(tmp_path: Path) -> None:
    bare = [{k: row[k] for k in ("sentence_good", "sentence_bad")} for row in ROWS]
    file(tmp_path, bare[:1], "b.jsonl")
    write_rows(tmp_path / "a.csv", bare[1:])
    (tmp_path / "README.md").write_text("about them")
    assert looks_like_minimal_pairs(tmp_path)
    pairs = read_minimal_pairs(tmp_path)
    assert pairs.paradigms == ("a", "b")
    assert pairs.paradigm.tolist() == [0, 0, 1]
    assert [pairs.where(i) for i in range(3)] == [
        f"{tmp_path / 'a.csv'}, line 2",
        f"{tmp_path / 'a.csv'}, line 3",
        f"{tmp_path / 'b.jsonl'}, line 1",
    ]
    assert pairs.source == str(tmp_path)


def test_columns_may_be_named() -> None:
    rows = [{"yes": "a b", "no": "b a", "kind": 7}]
    assert not looks_like_minimal_pairs(rows)
    pairs = read_minimal_pairs(rows, good="yes", bad="no", paradigm="kind")
    assert (pairs.good, pairs.bad, pairs.paradigms) == (("a b",), ("b a",), ("7",))


def test_objects_are_recognised_by_their_columns(tmp_path: Path) -> None:
    assert looks_like_minimal_pairs(ROWS)
    assert looks_like_minimal_pairs(pa.Table.from_pylist(ROWS))
    assert looks_like_minimal_pairs([{"Sentence_Good": "a", "sentence_bda": "b"}])
    for other in ([{"text": "a", "label": "b"}], [], None, 5, tmp_path, tmp_path / "none.csv"):
        assert not looks_like_minimal_pairs(other)
    (tmp_path / "broken.jsonl").write_text('{"sentence_good": ')
    assert not looks_like_minimal_pairs(tmp_path / "broken.jsonl")


def test_equal_sentences_are_left_out_and_named(tmp_path: Path) -> None:
    same = {**ROWS[0], "sentence_bad": ROWS[0]["sentence_good"]}
    path = file(tmp_path, [ROWS[0], same, ROWS[1], same])
    pairs = read_minimal_pairs(path)
    assert pairs.good == (ROWS[0]["sentence_good"], ROWS[1]["sentence_good"])
    assert pairs.lines.tolist() == [1, 3]
    assert pairs.paradigm.tolist() == [0, 1]
    assert len(pairs.notes) == 1
    assert "2 pairs" in pairs.notes[0]
    assert f"{path}, line 2, {path}, line 4" in pairs.notes[0]


def test_some_pairs_keep_all_that_belongs_to_them() -> None:
    pairs = read_minimal_pairs(ROWS)
    some = pairs.take(np.array([2, 1]))
    assert some.good == (ROWS[2]["sentence_good"], ROWS[1]["sentence_good"])
    assert [some.paradigms[i] for i in some.paradigm] == ["agreement", "npi"]
    assert some.where(0) == pairs.where(2)
    assert some.fingerprint == read_minimal_pairs([ROWS[2], ROWS[1]]).fingerprint != pairs.fingerprint


@pytest.mark.parametrize(
    ("rows", "flags", "said"),
    [
        (
            [{"sentence_good": "a", "sentence_bda": "b"}],
            {},
            ["bad sentences", "did you mean 'sentence_bda'", "--bad"],
        ),
        ([{"sentence_good": "a", "other": "b"}], {}, ["bad sentences", "hint: name it with --bad"]),
        ([{"sentence_bad": "a", "other": "b"}], {}, ["good sentences", "hint: name it with --good"]),
        ([{"x": "a", "y": "b"}], {}, ["good sentences", "'x', 'y'", "--good"]),
        ([{"good": "a", "good_sentence": "b", "bad": "c"}], {}, ["several columns", "--good"]),
        (ROWS, {"bad": "sentence_bat"}, ["'sentence_bat'", "--bad", "did you mean 'sentence_bad'"]),
        (ROWS, {"bad": "sentence_good"}, ["one column", "--good and --bad"]),
        (ROWS, {"paradigm": "uid"}, ["'uid'", "--paradigm", "did you mean 'UID'"]),
        (
            [{**ROWS[0], "sentence_bad": 5}],
            {},
            ["row 1", "'sentence_bad'", "not a string", "5 (int)", "--bad"],
        ),
        ([ROWS[0], {**ROWS[0], "sentence_good": " "}], {}, ["row 2", "'sentence_good'", "blank"]),
        ([{**ROWS[0], "UID": None}], {}, ["row 1", "the paradigm is missing"]),
        ([{**ROWS[0], "sentence_bad": "She runs."}], {}, ["row 1", "the same", "all pairs", "She runs."]),
        ([], {}, ["no rows"]),
    ],
)
def test_what_cannot_be_used_is_said(rows: list[Any], flags: dict[str, str], said: list[str]) -> None:
    with pytest.raises(DataError) as caught:
        read_minimal_pairs(rows, **flags)
    for words in said:
        assert words in str(caught.value)


def test_a_folder_without_pairs_and_an_empty_file_are_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no files of pairs[\s\S]*an empty folder"):
        read_minimal_pairs(tmp_path)
    (tmp_path / "a.jsonl").write_text("")
    with pytest.raises(DataError, match=r"a\.jsonl: the file is empty"):
        read_minimal_pairs(tmp_path)
