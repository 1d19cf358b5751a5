"""Pairs and plain corpora: which column is what, several positives, and errors that say where."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from negspace.data import looks_like_pairs, read_corpus, read_pairs, read_table
from negspace.errors import DataError


def file(folder: Path, rows: list[dict[str, Any]], name: str = "r.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_an_anchor_in_several_rows_has_several_positives(tmp_path: Path) -> None:
    rows = [("a", "p"), ("b", "q"), ("a", "r"), ("a", "p"), ("c", "q")]
    pairs = read_pairs(file(tmp_path, [{"anchor": a, "positive": p} for a, p in rows]))
    assert pairs.anchors == ("a", "b", "c")
    assert pairs.positives == ("p", "q", "r")
    named = [(pairs.anchors[a], pairs.positives[p]) for a, p in pairs.links]
    assert named == [("a", "p"), ("a", "r"), ("b", "q"), ("c", "q")]
    assert pairs.lines.tolist() == [1, 2, 5]
    assert pairs.where(2).endswith("line 5")
    assert pairs.labels is None


@pytest.mark.parametrize(
    ("names", "flags"),
    [
        (("anchor", "positive"), {}),
        (("Query", "Document"), {}),
        (("question", "answer"), {}),
        (("sentence1", "sentence2"), {}),
        (("links", "rechts"), {"anchor": "links", "positive": "rechts"}),
        (("anchor", "reply"), {"positive": "reply"}),
    ],
)
def test_columns_are_recognised_or_named(
    tmp_path: Path, names: tuple[str, str], flags: dict[str, str]
) -> None:
    pairs = read_pairs(file(tmp_path, [{names[0]: "a", names[1]: "p", "id": 1}]), **flags)
    assert (pairs.columns.anchor, pairs.columns.positive) == names
    assert (pairs.anchors, pairs.positives) == (("a",), ("p",))


@pytest.mark.parametrize(
    ("rows", "flags", "says"),
    [
        ([{"anchor": "a", "positive": " "}], {}, ["line 1, column 'positive'", "--positive COLUMN"]),
        (
            [{"anchor": "a", "positive": "p"}, {"anchor": 3, "positive": "p"}],
            {},
            ["line 2", "--anchor COLUMN"],
        ),
        ([{"anchor": "a", "other": "p"}], {}, ["no column is known to hold the positive", "'other'"]),
        ([{"query": "a", "question": "b", "answer": "c"}], {}, ["several columns may hold the anchor"]),
        ([{"anchor": "a", "positive": "p"}], {"label": "topic"}, ["no column 'topic'", "--label"]),
        (
            [{"anchor": "a", "positive": f"p{i}", "y": str(i)} for i in range(2)],
            {"label": "y"},
            ["line 2, column 'y'", "the same anchor stands on line 1 with the class '0'", "got:  1"],
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(
    tmp_path: Path, rows: list[dict[str, Any]], flags: dict[str, str], says: list[str]
) -> None:
    with pytest.raises(DataError) as caught:
        read_pairs(file(tmp_path, rows), **flags)
    for part in says:
        assert part in str(caught.value)


def test_labelled_pairs_are_not_taken_for_positives(tmp_path: Path) -> None:
    rows = [{"query": "a", "document": "p", "label": 0}]
    with pytest.raises(DataError, match="both kinds of columns"):
        looks_like_pairs(read_table(file(tmp_path, rows)))
    assert looks_like_pairs(read_table(file(tmp_path, [{"query": "a", "document": "p"}])))
    assert not looks_like_pairs(read_table(file(tmp_path, [{"query": "a", "label": "y"}])))


def test_the_fingerprint_is_of_the_rows_not_the_file(tmp_path: Path) -> None:
    rows = [{"anchor": "a", "positive": "p"}, {"anchor": "b", "positive": "q"}]
    one = read_pairs(file(tmp_path, rows)).fingerprint
    (tmp_path / "r.csv").write_text("positive,anchor\np,a\nq,b\n")
    assert read_pairs(tmp_path / "r.csv").fingerprint == one
    assert read_pairs(file(tmp_path, rows[::-1])).fingerprint != one
    assert len(one) == len(hashlib.sha256().hexdigest())


def test_a_corpus_is_a_column_of_texts(tmp_path: Path) -> None:
    corpus = read_corpus(file(tmp_path, [{"id": 1, "text": "one"}, {"id": 2, "text": "two"}]))
    assert (corpus.texts, corpus.column) == (("one", "two"), "text")
    assert np.array_equal(corpus.lines, [1, 2])
    assert corpus.where(1).endswith("line 2")
    # One column needs no name; of several it must be known or given.
    assert read_corpus(file(tmp_path, [{"satz": "eins"}])).texts == ("eins",)
    with pytest.raises(DataError, match="no column is known to hold the text"):
        read_corpus(file(tmp_path, [{"satz": "eins", "id": "x"}]))
    with pytest.raises(DataError, match="--text"):
        read_corpus(file(tmp_path, [{"text": "eins"}]), text="txt")
