"""Nothing of the user's is replaced: neither what is read nor what stands where the result goes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from negspace.errors import StoreError
from negspace.mining import mine, output_place

Files = tuple[Callable[..., Path], Callable[..., list[dict[str, Any]]]]

PAIRS = [{"anchor": f"a {i} red", "positive": f"p {i} red"} for i in range(6)]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def data(work: Path, jsonl: Files) -> Path:
    """Pairs and a corpus, each in a folder of its own."""
    for name in ("data", "docs"):
        (work / name).mkdir()
    jsonl[0](work / "docs" / "docs.jsonl", [{"text": f"d {i} red"} for i in range(4)])
    return jsonl[0](work / "data" / "pairs.jsonl", PAIRS)


@pytest.mark.parametrize(
    "out",
    [
        "data/pairs.jsonl",
        "docs/docs.jsonl",
        "docs/../docs/docs.jsonl",
        "hard.jsonl",
        "soft.jsonl",
        "data",
        "docs",
        ".",
        "linked",
    ],
)
def test_what_is_read_is_not_replaced(work: Path, data: Path, out: str) -> None:
    os.link(data, "hard.jsonl")
    Path("soft.jsonl").symlink_to(data)
    Path("linked").symlink_to(work / "docs", target_is_directory=True)
    before = contents(work)
    with pytest.raises(StoreError, match="would be replaced"):
        mine(data, corpus="docs/docs.jsonl", out=out, negatives=1)
    assert contents(work) == before


def test_a_side_file_does_not_replace_what_is_read(work: Path, jsonl: Files) -> None:
    jsonl[0](work / "o.provenance.jsonl", PAIRS)
    before = contents(work)
    with pytest.raises(StoreError, match="is read, and would be replaced"):
        mine("o.provenance.jsonl", out="o.jsonl", negatives=1)
    assert contents(work) == before


@pytest.mark.parametrize("name", ["o.jsonl", "o.provenance.jsonl", "o.mined.json"])
@pytest.mark.parametrize("summary", [None, "{}", "[1]", '{"schema": "other/1"}', "no JSON"])
def test_a_file_of_no_earlier_run_is_not_replaced(
    work: Path, data: Path, name: str, summary: str | None
) -> None:
    if summary is not None:
        Path("o.mined.json").write_text(summary)
    Path(name).write_text("years of work")
    before = contents(work)
    with pytest.raises(StoreError, match="is there already") as caught:
        mine(data, out="o.jsonl", negatives=1)
    assert "--out" in str(caught.value)
    assert contents(work) == before


def test_an_earlier_file_is_replaced_and_one_beside_it_is_not(work: Path, data: Path) -> None:
    for out in ("o.jsonl", "o.parquet", "o.jsonl", "o.parquet"):
        mine(data, out=out, negatives=1)
    mine(data, out="p.parquet", negatives=1)
    Path("p.jsonl").write_text("years of work")  # p.mined.json speaks for p.parquet
    with pytest.raises(StoreError, match="is there already"):
        mine(data, out="p.jsonl", negatives=1)
    assert Path("p.jsonl").read_text() == "years of work"


@pytest.mark.parametrize("name", ["notes.txt", ".git", "train/more.arrow", "mined.json"])
def test_an_earlier_folder_with_something_else_in_it_is_not_replaced(
    work: Path, data: Path, name: str
) -> None:
    mine(data, out="made", negatives=1).save("made")
    mine(data, out="made", negatives=1)  # the report is known
    Path("made", name).write_text(json.dumps({"schema": "other/1"}))
    before = contents(work)
    with pytest.raises(StoreError, match="the folder holds something else"):
        mine(data, out="made", negatives=1)
    assert contents(work) == before


def test_what_comes_to_stand_there_while_mining_is_not_replaced(work: Path, data: Path) -> None:
    def write(stage: str, _done: int, _total: int) -> None:
        if stage == "mining":
            Path("o.jsonl").write_text("years of work")

    with pytest.raises(StoreError, match="is there already"):
        mine(data, out="o.jsonl", negatives=1, progress=write)
    assert Path("o.jsonl").read_text() == "years of work"


def test_a_work_folder_with_something_else_in_it_is_not_removed(work: Path, data: Path) -> None:
    Path(".o.jsonl.mining").mkdir()
    Path(".o.jsonl.mining/thesis").mkdir()
    Path(".o.jsonl.mining/thesis/a.txt").write_text("years of work")
    with pytest.raises(StoreError, match="unfinished work"):
        mine(data, out="o.jsonl", negatives=1)
    assert Path(".o.jsonl.mining/thesis/a.txt").read_text() == "years of work"


def test_this_folder_has_a_name(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("inner").mkdir()
    monkeypatch.chdir("inner")
    assert output_place(".").path == work / "inner"
