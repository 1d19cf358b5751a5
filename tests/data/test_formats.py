"""Every format gives the same rows, and each row knows its line."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from negspace.data import read, read_table, write_rows
from negspace.errors import DataError, MissingExtraError

ROWS = [
    {"text": "plain", "label": "no"},
    {"text": 'said "so",\nand\tleft', "label": "yes"},
    {"text": "=1+1 žluťoučký \U0001f63a", "label": "no"},
]
TEXTS = tuple(row["text"] for row in ROWS)


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        (f"{kind}_{part}.tsv", n)
        for kind in ("orig", "new")
        for part, n in (("train", 1707), ("dev", 245), ("test", 488))
    ]
    + [("paired_train.tsv", 3414), ("paired_dev.tsv", 490), ("paired_test.tsv", 976)],
)
def test_real_tsv_files_are_read_as_pandas_reads_them(cad: Path, name: str, rows: int) -> None:
    frame = pd.read_csv(cad / name, sep="\t", dtype=str, keep_default_na=False)
    data = read(cad / name)
    names = np.array(data.examples.label_names)
    assert len(data) == len(frame) == rows
    assert data.examples.texts == tuple(frame["Text"])
    assert names[data.examples.labels].tolist() == frame["Sentiment"].tolist()
    assert (data.columns.text, data.columns.label) == ("Text", "Sentiment")


def test_real_lines_are_those_of_the_file(cad: Path) -> None:
    data = read(cad / "orig_test.tsv")
    physical = (cad / "orig_test.tsv").read_text(encoding="utf-8").split("\n")
    for row in (0, 100, 487):
        line = physical[data.examples.lines[row] - 1]
        assert next(csv.reader([line], delimiter="\t"))[1] == data.examples.texts[row]


@pytest.mark.parametrize("suffix", [".jsonl", ".ndjson", ".csv", ".tsv", ".parquet", ".JSONL"])
def test_files_of_each_suffix(tmp_path: Path, suffix: str) -> None:
    write_rows(tmp_path / f"rows{suffix}", ROWS)
    data = read(tmp_path / f"rows{suffix}")
    assert data.examples.texts == TEXTS
    assert data.examples.label_names == ("no", "yes")
    assert data.examples.labels.tolist() == [0, 1, 0]


def test_json_array_knows_the_line_of_each_object(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text('[\n {"text": "a",\n  "n": 1}, {"text": "b"},\n\n {"text": "c"}\n]\n')
    table = read_table(path)
    assert list(table.columns["text"]) == ["a", "b", "c"]
    assert table.lines.tolist() == [2, 3, 5]
    path.write_text(json.dumps(ROWS, indent=2))
    assert read(path).examples.texts == TEXTS


def test_line_of_a_row_counts_line_ends_within_quotes(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(b'text,label\r\n"one\r\ntwo\nthree",a\r\n\r\nfour,b\r\n"five",a\r\n')
    table = read_table(path)
    assert table.columns["text"] == ("one\r\ntwo\nthree", "four", "five")
    assert table.lines.tolist() == [2, 6, 7]


def test_csv_of_an_old_mac(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(b"text,label\rone,a\rtwo,b\r")
    table = read_table(path)
    assert table.columns["text"] == ("one", "two")
    assert table.lines.tolist() == [2, 3]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_utf8_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rows{suffix}"
    write_rows(path, ROWS)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read(path).examples.texts == TEXTS


def test_jsonl_splits_at_newlines_only(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "a\u2028b", "label": 0}\r\n\n{"text": "c\x85d", "label": 1}', encoding="utf-8")
    data = read(path)
    assert data.examples.texts == ("a\u2028b", "c\x85d")
    assert data.examples.lines.tolist() == [1, 3]


def test_wide_csv_cells_leave_the_limit_of_the_process_alone(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(f"text,label\n{'x' * 200_000},a\nshort,b\n")
    before = csv.field_size_limit(1000)
    try:
        assert len(read(path).examples.texts[0]) == 200_000
        assert csv.field_size_limit() == 1000
    finally:
        csv.field_size_limit(before)


def test_objects_in_memory() -> None:
    frame = pd.DataFrame(ROWS, index=[7, 7, 9])
    sources = [
        ROWS,
        tuple(ROWS),
        frame,
        frame.astype({"label": "category"}),
        pl.DataFrame(ROWS),
        pa.Table.from_pylist(ROWS),
        pa.RecordBatch.from_pylist(ROWS),
    ]
    for source in sources:
        data = read(source)
        assert data.examples.texts == TEXTS
        assert data.examples.labels.tolist() == [0, 1, 0]
        assert data.examples.lines.tolist() == [1, 2, 3]
        assert data.where(1) == f"{type(source).__name__}, row 2"


def test_columns_of_embeddings_stay_in_arrow() -> None:
    table = pa.table({"text": ["a", "b"], "label": [0, 1], "vector": [[0.5] * 4] * 2})
    column = read_table(table).columns["vector"]
    assert not isinstance(column, list)
    assert column[1] == [0.5] * 4
    assert read(table).examples.texts == ("a", "b")


class TestHuggingFace:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        datasets = pytest.importorskip("datasets")
        datasets.disable_progress_bars()
        label = datasets.ClassLabel(names=["neg", "pos"])
        features = datasets.Features(text=datasets.Value("string"), label=label)
        train = datasets.Dataset.from_dict({"text": ["a", "b", "c"], "label": [1, 0, 1]}, features=features)
        datasets.DatasetDict(train=train, test=train.select([2, 1])).save_to_disk(tmp_path / "both")
        train.save_to_disk(tmp_path / "one")
        train.to_parquet(tmp_path / "train.parquet")
        return tmp_path

    def test_class_labels_become_names(self, folder: Path) -> None:
        for source in (folder / "both", folder / "one", str(folder / "one"), folder / "train.parquet"):
            data = read(source)
            assert data.examples.texts == ("a", "b", "c")
            assert [data.examples.label_names[i] for i in data.examples.labels] == ["pos", "neg", "pos"]

    def test_split_is_chosen(self, folder: Path) -> None:
        assert read(folder / "both", split="test").examples.texts == ("c", "b")
        with pytest.raises(DataError, match="did you mean 'test'"):
            read(folder / "both", split="tset")
        with pytest.raises(DataError, match="no splits"):
            read(folder / "one", split="test")

    def test_in_memory_selection_is_respected(self, folder: Path) -> None:
        import datasets

        both = datasets.load_from_disk(str(folder / "both"))
        assert read(both["train"].select([2, 1])).examples.texts == ("c", "b")
        assert read(both, split="test").examples.texts == ("c", "b")

    def test_label_not_given(self) -> None:
        datasets = pytest.importorskip("datasets")
        label = datasets.ClassLabel(names=["neg", "pos"])
        features = datasets.Features(text=datasets.Value("string"), label=label)
        data = datasets.Dataset.from_dict({"text": ["a", "b"], "label": [-1, 0]}, features=features)
        with pytest.raises(DataError, match="row 1, column 'label': the label is missing"):
            read(data)

    def test_without_the_library(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(__import__("sys").modules, "datasets", None)
        with pytest.raises(MissingExtraError, match=r"negspace\[hf\]"):
            read(folder / "one")

    def test_damaged_folder(self, folder: Path) -> None:
        (folder / "one" / "dataset_info.json").write_text("{")
        with pytest.raises(DataError, match="cannot be read"):
            read(folder / "one")


def test_parquet_under_a_folder_named_like_a_partition(tmp_path: Path) -> None:
    folder = tmp_path / "label=3"
    folder.mkdir()
    pq.write_table(pa.Table.from_pylist(ROWS), folder / "rows.parquet")
    assert read(folder / "rows.parquet").examples.label_names == ("no", "yes")
