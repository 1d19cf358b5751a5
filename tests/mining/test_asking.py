"""What cannot be mined is refused with what to do, before anything slow is done for it."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from negspace.errors import DataError, MissingExtraError, NegspaceError, PlanError, StoreError
from negspace.mining import check_whole, mine

Files = tuple[Callable[..., Path], Callable[..., list[dict[str, Any]]]]

LABELLED = [{"text": f"row {i} {'red' if i % 2 else 'blue'}", "label": "ab"[i % 2]} for i in range(8)]
PAIRS = [{"anchor": f"a {i}", "positive": f"p {i}"} for i in range(5)]
CORPUS = [{"text": f"[{i}]"} for i in range(5)]


@pytest.mark.parametrize(
    ("rows", "settings", "kind", "says"),
    [
        (LABELLED, {"label": "lable"}, DataError, ["no column 'lable'", "--label", "'label'"]),
        (PAIRS, {"anchor": "ancor"}, DataError, ["no column 'ancor'", "--anchor", "'anchor'"]),
        (PAIRS, {"anchor": "anchor", "positive": "anchor"}, DataError, ["one column cannot be two things"]),
        (LABELLED, {"sources": "neighbors"}, PlanError, ["'neighbors'", "'neighbours'"]),
        (LABELLED, {"sources": "bm25,bm25"}, PlanError, ["each source once"]),
        (LABELLED, {"format": "triplets"}, PlanError, ["'triplets'", "'triplet'"]),
        (LABELLED, {"embedder": "tfdif"}, PlanError, ["'tfdif'", "'tfidf'"]),
        (LABELLED, {"negatives": 0}, PlanError, ["at least 1"]),
        (LABELLED, {"range_max": 2}, PlanError, ["range_max", "0 to 2"]),
        (LABELLED, {"relative_margin": -0.1}, PlanError, ["relative_margin"]),
        (LABELLED, {"near_duplicate": 1.5}, PlanError, ["--near-duplicate"]),
        (LABELLED, {"sampling": "tpo"}, PlanError, ["'top'"]),
        (LABELLED, {"pair_with": "nearby"}, PlanError, ["'nearest'"]),
        (LABELLED, {"seed": -1}, PlanError, ["seed"]),
        (LABELLED, {"corpus": "r.jsonl"}, PlanError, ["goes with pairs"]),
        (LABELLED, {"sources": "edits"}, PlanError, ["needs a verifier"]),
        (LABELLED, {"verifier": "json"}, PlanError, ["--source edits"]),
        (
            LABELLED,
            {"sources": "edits,bm25", "verifier": "json", "format": "groups"},
            PlanError,
            ["not by both"],
        ),
        (LABELLED, {"part": 0}, PlanError, ["part is a whole number from 1"]),
        (LABELLED, {"part": -1}, PlanError, ["part is a whole number from 1"]),
        (LABELLED, {"out": "r.csv.gz"}, DataError, [".csv.gz", "not a format"]),
        (LABELLED, {"out": ".jsonl"}, DataError, ["without a name"]),
        (LABELLED, {"out": "."}, StoreError, ["holds what is read"]),
        (
            LABELLED,
            {"sources": "edits,bm25", "verifier": "json", "format": "minimal-pair"},
            PlanError,
            ["mine twice"],
        ),
        (
            CORPUS,
            {"sources": "neighbours,edits", "verifier": "json", "format": "preference"},
            PlanError,
            ["mine twice"],
        ),
        (PAIRS, {"sources": "model"}, PlanError, ["labelled texts"]),
        (PAIRS, {"format": "groups"}, PlanError, ["need labels"]),
        (CORPUS, {"sources": "edits", "verifier": "jsno"}, PlanError, ["'jsno'", "'json'"]),
        (LABELLED, {"max_score": -2.0}, DataError, ["no anchor has a negative left", "--range-max"]),
    ],
)
def test_a_wrong_setting_is_refused(
    work: Path,
    jsonl: Files,
    rows: list[Any],
    settings: dict[str, Any],
    kind: type[NegspaceError],
    says: list[str],
) -> None:
    jsonl[0](work / "r.jsonl", rows)
    with pytest.raises(kind) as caught:
        mine("r.jsonl", **{"out": "o.jsonl", **settings})
    for part in says:
        assert part in str(caught.value)
    assert [path.name for path in work.iterdir()] == ["r.jsonl"]


@pytest.mark.parametrize("value", [1.5, True, "1", None, -1, 8])
def test_what_is_no_whole_number_in_bounds_is_refused(value: object) -> None:
    with pytest.raises(PlanError, match="seed is a whole number from 0 to 7"):
        check_whole("seed", value, least=0, most=7)
    check_whole("seed", 7, least=0, most=7)


def test_an_empty_file_is_an_error(work: Path) -> None:
    Path("r.jsonl").write_text("")
    with pytest.raises(DataError, match="empty"):
        mine("r.jsonl")


@pytest.mark.parametrize(("rows", "needed"), [(LABELLED, 8), (PAIRS, 10)])
def test_a_matrix_of_another_length_is_an_error(
    work: Path, jsonl: Files, rows: list[dict[str, Any]], needed: int
) -> None:
    jsonl[0](work / "r.jsonl", rows)
    np.save("v.npy", np.ones((7, 3)))
    with pytest.raises(DataError, match=f"7 vectors for {needed} texts"):
        mine("r.jsonl", embedder="matrix:v.npy")


def test_the_order_of_the_vectors_of_pairs_is_said(work: Path, jsonl: Files) -> None:
    order = "distinct anchors in order of first appearance, then of the distinct positives"
    jsonl[0](work / "r.jsonl", PAIRS)
    np.save("v.npy", np.eye(5))  # one a row of the file
    with pytest.raises(DataError, match=order):
        mine("r.jsonl", embedder="matrix:v.npy")
    np.save("v.npy", np.ones((10, 2)) + np.eye(10)[:, :2])
    warnings = mine("r.jsonl", out="o.jsonl", embedder="matrix:v.npy", near_duplicate=None).to_dict()[
        "warnings"
    ]
    assert any(order in warning for warning in warnings)


def test_a_missing_package_is_named(work: Path, jsonl: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "bm25s":
            raise ImportError(name)
        return real(name, *rest)

    jsonl[0](work / "r.jsonl", LABELLED)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"negspace\[mine\]"):
        mine("r.jsonl", sources="bm25")


@pytest.mark.parametrize(
    ("rows", "flags", "kind", "columns"),
    [
        (LABELLED, {}, "classification", {"text": "text", "label": "label"}),
        (PAIRS, {}, "pairs", {"anchor": "anchor", "positive": "positive"}),
        (CORPUS, {}, "corpus", {"text": "text"}),
        ([{"q": f"a {i}", "d": f"b {i}"} for i in range(4)], {"anchor": "q", "positive": "d"}, "pairs",
         {"anchor": "q", "positive": "d"}),
        ([{"question": f"a {i}", "answer": f"b {i}"} for i in range(4)], {}, "pairs",
         {"anchor": "question", "positive": "answer"}),
        ([{"question": f"a {i}", "label": "xy"[i % 2]} for i in range(4)], {}, "classification",
         {"text": "question", "label": "label"}),
        ([{**row, "label": "xy"[i % 2]} for i, row in enumerate(PAIRS)], {"label": "label"}, "pairs",
         {"anchor": "anchor", "positive": "positive", "label": "label"}),
    ],
)  # fmt: skip
def test_the_kind_of_data_is_told_by_its_columns(
    work: Path, jsonl: Files, rows: list[Any], flags: dict[str, str], kind: str, columns: dict[str, str]
) -> None:
    jsonl[0](work / "r.jsonl", rows)
    data = mine("r.jsonl", out="o.jsonl", negatives=1, **flags).to_dict()["data"]
    assert (data["kind"], data["columns"]) == (kind, columns)


def test_classes_of_pairs_are_no_negatives_of_each_other(work: Path, jsonl: Files) -> None:
    rows = [{"anchor": f"a {i}", "positive": f"p {i}", "topic": "xyz"[i % 3]} for i in range(9)]
    jsonl[0](work / "r.jsonl", rows)
    found = mine("r.jsonl", out="o.jsonl", label="topic", negatives=9).to_dict()
    for row in jsonl[1](Path("o.jsonl")):
        assert int(row["anchor"][2]) % 3 != int(row["negative"][2]) % 3
    assert found["control"]["same_class"][0]["before"] is not None


_opened: list[str] = []
sys.addaudithook(lambda event, given: _opened.append(str(given[0])) if event == "open" else None)


@pytest.mark.parametrize("rows", [LABELLED, PAIRS, CORPUS])
def test_data_are_read_once(work: Path, jsonl: Files, rows: list[Any]) -> None:
    jsonl[0](work / "r.jsonl", rows)
    _opened.clear()
    mine("r.jsonl", out="o.jsonl", near_duplicate=None, pair_with="random", min_score=-1.0, negatives=1)
    assert sum(Path(path).name == "r.jsonl" for path in _opened) == 1
