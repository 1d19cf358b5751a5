"""Bad input ends in one error that says where, what came and what to do; nothing is dropped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from negspace.data import MAX_TEXT_CHARACTERS, read, read_table
from negspace.errors import DataError

GOOD = b'{"text": "good", "label": "a"}\n'


def refused(tmp_path: Path, name: str, content: bytes | str, **flags: object) -> str:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DataError) as caught:
        read(path, **flags)
    message = str(caught.value)
    assert str(path) in message
    assert "  hint: " in message
    return message.replace(f"{tmp_path}/", "")


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.csv", "", ["a.csv: the file is empty"]),
        ("a.jsonl", "\n \n", ["a.jsonl: the file is empty"]),
        ("a.json", "[]", ["a.json: there are no rows"]),
        ("a.csv", "text,label\n", ["a.csv: there are no rows", "'text', 'label'"]),
        ("a.csv", "text,label,text\na,b,c\n", ["the column name 'text' occurs more than once"]),
        # Texts
        ("a.csv", "text,label\na,x\n ,x\nb,y\n", ["a.csv, line 3, column 'text': the text is missing"]),
        ("a.csv", 'text,label\n"a\nb",x\n"",x\nb,y\n', ["a.csv, line 4, column 'text'"]),
        ("a.jsonl", GOOD + b'{"text": null, "label": 1}', ["a.jsonl, line 2, column 'text'", "got:  None"]),
        ("a.jsonl", GOOD + b'{"label": 1}', ["a.jsonl, line 2, column 'text'", "missing"]),
        (
            "a.jsonl",
            GOOD + b'{"text": 7, "label": 1}',
            ["line 2, column 'text': the text is not a string", "7 (int)"],
        ),
        ("a.jsonl", GOOD + b'{"text": ["a"], "label": 1}', ["line 2", "not a string", "['a'] (list)"]),
        ("a.jsonl", GOOD + b'{"text": "\\u0000", "label": 1}', ["line 2, column 'text'", "NUL"]),
        ("a.jsonl", GOOD + b'{"text": "\\ud800", "label": 1}', ["line 2, column 'text'", "surrogate"]),
        # Labels
        ("a.csv", "text,label\na,x\nb,\n", ["a.csv, line 3, column 'label': the label is missing"]),
        ("a.jsonl", GOOD + b'{"text": "b", "label": NaN}', ["line 2, column 'label': the label is missing"]),
        (
            "a.jsonl",
            GOOD + b'{"text": "b", "label": ["x"]}',
            ["line 2, column 'label'", "no word or number", "['x']"],
        ),
        # JSON
        (
            "a.jsonl",
            GOOD + b'{"text": "b" "label": 1}\n',
            ["a.jsonl, line 2, column 14: not JSON", '"text": "b"'],
        ),
        (
            "a.jsonl",
            GOOD + b'["b", 1]\n',
            ["a.jsonl, line 2: the line is JSON, but not an object", '["b", 1]'],
        ),
        ("a.jsonl", GOOD + b'{"text": "b", "text": "c"}', ["line 2: the key 'text' occurs more than once"]),
        ("a.jsonl", GOOD + b"[" * 100_000, ["a.jsonl, line 2"]),
        ("a.json", '[{"text": "a",\n "label" 1}]', ["a.json, line 2, column 10: not JSON"]),
        (
            "a.json",
            '[\n{"text": "a", "label": 1},\n3]',
            ["a.json, line 3: an element of the array is not an object"],
        ),
        ("a.json", '[{"text": "a"}\n', ["a.json, line 2, column 1: not JSON"]),
        ("a.json", '[{"text": "a"},\n]', ["a.json, line 2, column 1: not JSON: a comma"]),
        ("a.json", '[{"text": "a"}]\n x', ["a.json, line 2, column 2: not JSON: Extra data"]),
        (
            "a.json",
            '{"train": [["a", "b"]]}',
            ["holds no array", "the keys 'train'", "reference/formats.md"],
        ),
        ("a.json", GOOD + GOOD, ["holds no array", "looks like JSON Lines", "a.jsonl"]),
        ("a.json", "nonsense", ["a.json, line 1, column 1: not JSON"]),
        # Cells
        (
            "a.csv",
            "text,label\na,x\nb,c,y\nd,y\n",
            ["a.csv, line 3: the row has too many cells: 3 instead of 2"],
        ),
        ("a.tsv", 'text\tlabel\n"a\n"\tx\nb\n', ["a.tsv, line 4: the row has too few cells: 1 instead of 2"]),
        ("a.csv", "text,label\na,b,x\nb\n", ["line 2", "a wrong number on line 3"]),
        ("a.tsv", 'text\tlabel\nfine\tx\n"Wow" he said\ty\nfine\tx\n', ["a.tsv, line 3", "not well quoted"]),
        ("a.csv", 'text,label\nfine,x\n"never closed,y\nfine,x\n', ["a.csv, line 3", "not well quoted"]),
        # Encodings
        (
            "a.csv",
            b"text,label\na,x\ncaf\xe9,y\n",
            ["a.csv, line 3: byte 0xE9 at byte offset 18", "iconv -f"],
        ),
        ("a.csv", b"\xef\xbb\xbftext,label\na,x\ncaf\xe9,y\n", ["line 3: byte 0xE9 at byte offset 21"]),
        ("a.csv", "text,label\na,x\n".encode("utf-16"), ["UTF-16", "iconv -f UTF-16 -t UTF-8"]),
        ("a.csv", "text,label\na,x\n".encode("utf-16-le"), ["line 1: a NUL byte", "UTF-16LE"]),
        ("a.jsonl", GOOD + b'{"text": "a\0b", "label": 1}', ["a.jsonl, line 2: a NUL byte"]),
        # Kinds of files
        ("a.parquet", b"text,label\n", ["a.parquet: not a Parquet file"]),
        ("a.parquet", b"", ["a.parquet: not a Parquet file"]),
        (
            "a.txt",
            "text\n",
            ["a format that is not known", "got:  .txt", ".csv, .json, .jsonl, .ndjson, .parquet"],
        ),
        ("a.jsnl", "x", ["did you mean '.jsonl'"]),
        ("a.csv.gz", "x", ["got:  .gz", "decompress"]),
        ("README", "x", ["got:  no suffix"]),
    ],
)
def test_message(tmp_path: Path, name: str, content: bytes | str, expected: list[str]) -> None:
    message = refused(tmp_path, name, content)
    for part in expected:
        assert part in message


def test_all_offending_rows_are_counted(tmp_path: Path) -> None:
    content = "text,label\n" + "a,x\n" + ",x\n" * 16 + "b,y\n"
    assert "line 3, column 'text'" in refused(tmp_path, "a.csv", content)
    assert "; the same on lines 4, 5, 6 and 12 more" in refused(tmp_path, "a.csv", content)


def test_mixed_encodings_count_the_lines(tmp_path: Path) -> None:
    lines = [b"text,label", b"caf\xc3\xa9,x", b"caf\xe9,x", b"fine,y", b"\xff\xe9,y", b"na\xefve,y"]
    message = refused(tmp_path, "a.csv", b"\n".join(lines))
    assert "line 3: byte 0xE9" in message
    assert "the same on lines 5, 6" in message


def test_ten_megabytes_in_a_cell(tmp_path: Path) -> None:
    message = refused(tmp_path, "a.csv", f'text,label\na,x\n"{"word " * 2_000_000}",y\n')
    assert "line 3, column 'text': the text is longer than 1,000,000 characters" in message
    assert "got:  10,000,000 characters" in message
    at_limit = [{"text": "x" * MAX_TEXT_CHARACTERS, "label": i} for i in range(2)]
    assert len(read(at_limit)) == 2


def test_missing_paths(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("text,label\na,b\n")
    (tmp_path / "notes.md").write_text("")
    with pytest.raises(DataError, match=r"no such file(.|\n)*did you mean 'train.csv'"):
        read(tmp_path / "trian.csv")
    with pytest.raises(DataError, match="no such folder"):
        read(tmp_path / "nowhere" / "train.csv")
    with pytest.raises(DataError, match=r"not a Hugging Face dataset folder(.|\n)*train\.csv"):
        read(tmp_path)


@pytest.mark.parametrize("source", [7, None, b"text", {"text": ["a"]}, iter([])])
def test_objects_of_no_known_kind(source: object) -> None:
    with pytest.raises(DataError, match="type that cannot be read"):
        read(source)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ([], "there are no rows"),
        ([{"text": "a", "label": 1}, "b"], "list, row 2: not a dict"),
        ([{"text": "a", 1: 2}], "list, row 1: not a dict"),
        (pd.DataFrame({"text": ["a", 3], "label": [0, 1]}), "column text"),
        (pd.DataFrame([["a", 1, 2]], columns=["text", "label", "label"]), "label"),
        (pd.DataFrame({"text": ["a", None], "label": [0, 1]}), "row 2, column 'text': the text is missing"),
        (
            pd.DataFrame({"text": ["a", "b"], "label": [0, np.nan]}),
            "row 2, column 'label': the label is missing",
        ),
        (pa.table([["a"], ["b"]], names=["text", "text"]), "'text' occurs more than once"),
        (pa.table({"text": ["a"], "label": [b"x"]}), "row 1, column 'label': the label is no word"),
        (pd.DataFrame({"text": [], "label": []}), "there are no rows"),
    ],
)
def test_objects_with_bad_content(source: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(source)


def test_files_have_no_splits(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\na,b\n")
    with pytest.raises(DataError, match="only a Hugging Face dataset has splits"):
        read_table(tmp_path / "a.csv", split="test")
