"""The sheet goes out safely and comes back as it was."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from negspace.curation import SHEET_COLUMNS, RowPool, Worklist, read_filled, to_records, write_sheet
from negspace.data import read, read_table, write_rows
from negspace.errors import DataError, NegspaceError
from negspace.search import embed

HARD = (
    '=HYPERLINK("http://example.org","click")',
    "+1 for this film",
    "-5 stars",
    "@everyone",
    " \t=1+1",
    "\t=1+1",
    "\n=1+1",
    "＝1+1",
    "'quoted' from the start",
    "'=1+1",
    "''=1+1",
    'a "quote", a comma; a semicolon\nand a second line\r\nand a third\rlast',
    "ünï çødé 漢字 🎬 \u200f",
)


def pool_of(texts: tuple[str, ...]) -> tuple[Worklist, RowPool]:
    """A pool of texts and its worklist: all rows in reversed order, each other label proposed."""
    rows, none = np.arange(len(texts)), np.zeros(len(texts), dtype=bool)
    labels, said = rows % 2, np.full((len(texts), 2), 0.5)
    pool = RowPool(texts, labels, ("neg", "-pos"), embed(texts), rows, rows, said, none, none)
    order = rows[::-1].copy()
    partner = np.where(order % 2 == 0, order + 1, order - 1)
    partner[partner >= len(texts)] = -1
    distance = np.where(partner < 0, 1.0, 0.25)
    return Worklist(order, ("",) * len(texts), 1 - labels[order], partner, distance), pool


def fill(path: Path, rewrites: dict[str, tuple[str, str]]) -> None:
    """Write rewrites, by line, as a person would into the open sheet: cells as they are."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["rewrite"], row["rewrite_label"] = rewrites.get(row["line"], ("", ""))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, SHEET_COLUMNS, quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(rows)


def sheet(tmp_path: Path, *rows: tuple[str, str, str, str, str]) -> Path:
    """A sheet of (line, text, label, rewrite, rewrite_label); the other label is known from nearest_label."""
    path = tmp_path / "sheet.csv"
    names = ("line", "text", "label", "rewrite", "rewrite_label")
    write_rows(
        path,
        [{**dict(zip(names, row, strict=True)), "nearest_label": "pos", "nearest_text": "x"} for row in rows],
    )
    return path


def test_the_columns_and_their_content() -> None:
    worklist, pool = pool_of(("bad film", "good film", "alone"))
    first, second, third = to_records(worklist, pool, lines=np.array([2, 7, 9]))
    assert tuple(first) == SHEET_COLUMNS
    assert (first["line"], first["text"], first["label"]) == (9, "alone", "neg")
    assert (first["nearest_text"], first["nearest_label"], first["distance"]) == ("", "-pos", None)
    assert (second["line"], second["text"], second["label"]) == (7, "good film", "-pos")
    assert (second["nearest_text"], second["nearest_label"], second["distance"]) == ("bad film", "neg", 0.25)
    assert third["line"] == 2
    assert all(row["rewrite"] == row["rewrite_label"] == "" for row in (first, second, third))


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_no_cell_starts_like_a_formula(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"sheet{suffix}"
    write_sheet(path, *pool_of(HARD))
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file, delimiter="," if suffix == ".csv" else "\t")
        cells = [cell for row in rows for cell in row if cell]
    assert sum(cell.strip().endswith("5 stars") for cell in cells) == 2  # as text and as nearest
    assert not [cell for cell in cells if cell.lstrip()[:1] in tuple("=+-@＝＋－＠")]
    assert not [cell for cell in cells if cell[0] in "\t\r\n"]


def test_json_holds_the_texts_as_they_are(tmp_path: Path) -> None:
    write_sheet(tmp_path / "sheet.jsonl", *pool_of(HARD))
    assert read_table(tmp_path / "sheet.jsonl").columns["text"] == list(reversed(HARD))


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_hard_texts_come_back_as_they_were(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"sheet{suffix}"
    worklist, pool = pool_of(HARD)
    write_sheet(path, worklist, pool)
    table = read_table(path)
    records = [
        dict(zip(table.columns, row, strict=True)) for row in zip(*table.columns.values(), strict=True)
    ]
    for record in records:
        record["rewrite"], record["rewrite_label"] = f"not {record['text']}", record["nearest_label"]
    write_rows(path, records)
    filled = read_filled(path)
    assert filled.texts[::2] == tuple(reversed(HARD))
    assert filled.groups == tuple(str(line) for line in range(len(HARD), 0, -1) for _ in range(2))
    assert set(zip(filled.labels[::2], filled.labels[1::2], strict=True)) == {
        ("neg", "-pos"),
        ("-pos", "neg"),
    }


@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=2))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_comes_back_as_it_was(tmp_path: Path, texts: list[str]) -> None:
    texts = [f"{text}x{place}" for place, text in enumerate(texts)]  # no blank one, no two alike
    path = tmp_path / "any.csv"
    write_sheet(path, *pool_of(tuple(texts)))
    lines = range(1, len(texts) + 1)
    fill(path, {str(line): (f"rewrite {line}", "neg" if line % 2 == 0 else "-pos") for line in lines})
    filled = read_filled(path)
    assert list(filled.texts[::2]) == texts[::-1]


def test_what_people_write_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    write_sheet(path, *pool_of(("bad film", "good film")))
    written = {"1": ("-1 for a good film", "-pos"), "2": ("'good' it was not", "neg")}
    fill(path, written)
    assert read_filled(path).texts == ("good film", "'good' it was not", "bad film", "-1 for a good film")


def test_unfilled_rows_are_counted(tmp_path: Path) -> None:
    path = sheet(
        tmp_path,
        ("3", "bad", "neg", "good", "pos"),
        ("5", "dull", "neg", "  ", "pos"),
        ("8", "weak", "neg", "", ""),
    )
    filled = read_filled(path)
    assert (filled.rewrites, filled.unfilled, len(filled)) == (1, 2, 2)
    assert filled.to_records() == [
        {"text": "bad", "label": "neg", "group": "3"},
        {"text": "good", "label": "pos", "group": "3"},
    ]


def test_groups_are_read_as_near_miss_groups(tmp_path: Path) -> None:
    path = sheet(tmp_path, ("3", "bad", "neg", "good", "pos"), ("5", "dull", "neg", "fine", "pos"))
    write_rows(tmp_path / "rewritten.csv", read_filled(path).to_records())
    examples = read(tmp_path / "rewritten.csv", group="group").examples
    assert examples.groups is not None
    assert examples.groups.tolist() == [0, 0, 1, 1]
    assert [examples.label_names[label] for label in examples.labels] == ["neg", "pos"] * 2


def test_two_rewrites_of_a_row_share_its_group(tmp_path: Path) -> None:
    path = sheet(tmp_path, ("3", "bad", "neg", "good", "pos"), ("3", "bad", "neg", "great", "pos"))
    filled = read_filled(path)
    assert filled.texts == ("bad", "good", "great")
    assert filled.groups == ("3", "3", "3")
    assert filled.rewrites == 2


FAULTS = {
    "no label": (("4", "dull", "neg", "fine", ""), "rewrite_label", "label of the rewrite is missing"),
    "unknown label": (("4", "dull", "neg", "fine", "pso"), "rewrite_label", "not known"),
    "same label": (("4", "dull", "neg", "fine", "neg"), "rewrite_label", "label of its original"),
    "same text": (("4", "so dull", "neg", "so  dull ", "pos"), "rewrite", "the text itself"),
    "no line": (("", "dull", "neg", "fine", "pos"), "line", "line is missing"),
    "two texts": (("3", "dull", "neg", "fine", "pos"), "line", "another text"),
    "twice": (("3", "bad", "neg", "good", "pos"), "rewrite", "given twice"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_fault_is_told_with_its_place(tmp_path: Path, case: str) -> None:
    row, column, what = FAULTS[case]
    path = sheet(tmp_path, ("3", "bad", "neg", "good", "pos"), row)
    with pytest.raises(DataError, match=what) as caught:
        read_filled(path)
    assert f"{path}, line 3, column '{column}'" in str(caught.value)
    assert caught.value.hint


def test_a_mistyped_label_gets_a_suggestion(tmp_path: Path) -> None:
    path = sheet(tmp_path, ("3", "bad", "neg", "good", "psoitive"))
    with pytest.raises(DataError, match="did you mean 'positive'"):
        read_filled(path, label_names=("neg", "positive"))


def test_labels_that_the_sheet_lacks_can_be_given(tmp_path: Path) -> None:
    path = sheet(tmp_path, ("3", "bad", "neg", "so so", "mixed"))
    assert read_filled(path, label_names=("mixed", "neg", "pos")).labels == ("neg", "mixed")
    with pytest.raises(DataError, match="not known"):
        read_filled(path)


def test_an_empty_sheet_and_one_of_other_cells_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no row has a rewrite"):
        read_filled(sheet(tmp_path, ("3", "bad", "neg", "", "")))
    other = tmp_path / "other.csv"
    other.write_text("line;text;label;rewrite;rewrite_label\n3;bad;neg;good;pos\n", encoding="utf-8")
    with pytest.raises(NegspaceError, match="comma-separated"):
        read_filled(other)
    write_rows(tmp_path / "plain.csv", [{"text": "bad", "label": "neg"}])
    with pytest.raises(NegspaceError, match="no column 'line'"):
        read_filled(tmp_path / "plain.csv")
