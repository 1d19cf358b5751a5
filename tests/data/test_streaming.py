"""Rows written as they come: the same bytes in whatever portions, and read back as they were."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from negspace.data import card_header, code_span, open_folder, open_rows, read_table
from negspace.errors import DataError

SCHEMA = pa.schema([("text", pa.string()), ("n", pa.int64()), ("many", pa.list_(pa.string()))])
ROWS = [{"text": f"t\u2028 {i} é", "n": i if i % 3 else None, "many": ["x"] * (i % 4)} for i in range(25_000)]


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_portions_change_no_byte(tmp_path: Path, suffix: str) -> None:
    contents = []
    for portion in (1, 999, 25_000):
        path = tmp_path / f"{portion}{suffix}"
        with open_rows(path, SCHEMA) as sink:
            for start in range(0, len(ROWS), portion):
                sink.write(ROWS[start : start + portion])
        assert sink.rows == len(ROWS)
        contents.append(path.read_bytes())
    assert contents[0] == contents[1] == contents[2]
    table = read_table(tmp_path / f"1{suffix}")
    assert [
        dict(zip(table.columns, row, strict=True)) for row in zip(*table.columns.values(), strict=True)
    ] == ROWS


def test_an_unknown_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"\.jsonl"), open_rows(tmp_path / "o.jsonnl", SCHEMA):
        pass


def test_a_folder_is_what_save_to_disk_would_write(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets", reason="reads the folder back")
    rows = ROWS[:300]
    with open_folder(tmp_path / "made", SCHEMA, fingerprint="0123456789abcdef" * 4) as sink:
        sink.write(rows)
    datasets.DatasetDict({"train": datasets.Dataset.from_list(rows)}).save_to_disk(tmp_path / "theirs")
    ours, theirs = (datasets.load_from_disk(str(tmp_path / name)) for name in ("made", "theirs"))
    assert list(ours["train"]) == list(theirs["train"]) == rows
    assert ours["train"].features == theirs["train"].features
    listed = [
        sorted(str(p.relative_to(tmp_path / name)) for p in (tmp_path / name).rglob("*.*"))
        for name in ("made", "theirs")
    ]
    assert listed[0] == listed[1]
    table = read_table(tmp_path / "made")
    assert list(table.columns["text"]) == [row["text"] for row in rows]


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.text(max_size=20))
def test_no_value_breaks_the_header_of_a_card(value: str) -> None:
    yaml = pytest.importorskip("yaml", reason="reads the header")
    header = card_header(rows=5, tags=("a",), more={"pretty_name": value})
    assert header.startswith("---\n")
    assert header.endswith("\n---\n")
    read = yaml.safe_load(header.removeprefix("---\n").removesuffix("---\n"))
    # JSON writes what is no Unicode character as an escape, which YAML keeps as it is.
    if json.dumps(value).isascii() and "\\ud" not in json.dumps(value):
        assert read["pretty_name"] == value
    assert set(read) == {"tags", "size_categories", "configs", "pretty_name"}


@pytest.mark.parametrize(
    ("rows", "size"),
    [(1, "n<1K"), (999, "n<1K"), (1000, "1K<n<10K"), (99_999, "10K<n<100K"), (10**6, "1M<n<10M")],
)
def test_sizes_have_the_names_of_the_hub(rows: int, size: str) -> None:
    assert json.dumps(size) in card_header(rows=rows, tags=())


@pytest.mark.parametrize(
    ("text", "span"), [("a b", "`a b`"), ("a`b", "`` a`b ``"), ("a\n\n# b", "`a # b`"), ("a|b", "`a\\|b`")]
)
def test_words_of_the_user_are_code(text: str, span: str) -> None:
    assert code_span(text) == span
