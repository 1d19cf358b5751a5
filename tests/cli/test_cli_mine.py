"""``negspace mine`` as a user runs it."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from negspace.cli.mine import mine_command


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command, whether or not the group has it yet."""
    group = importlib.import_module("negspace.cli.main").cli
    monkeypatch.setitem(group.commands, "mine", mine_command)


def test_it_writes_a_dataset_folder_and_says_what_it_kept_out(
    command: Callable[..., Any], files: Path
) -> None:
    ended = command("mine", "train.csv", "--report", "out")
    assert (ended.code, ended.err) == (0, "")
    assert "same-class hits" in ended.out
    assert "by rules alone" in ended.out
    assert sorted(p.name for p in Path("mined").iterdir()) == [
        "README.md",
        "dataset_dict.json",
        "mined.json",
        "provenance.parquet",
        "train",
    ]
    assert Path("out/report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert not list(files.glob(".*"))


def test_json_is_the_summary_and_nothing_else(command: Callable[..., Any], files: Path) -> None:
    ended = command("mine", "train.csv", "--out", "o/t.jsonl", "--json", "--negatives", "2", "--seed", "4")
    printed = json.loads(ended.out)
    assert (ended.code, ended.err) == (0, "")
    assert printed == json.loads(Path("o/t.mined.json").read_text(encoding="utf-8"))
    assert printed["schema"] == "negspace.mining/1"
    assert (printed["settings"]["negatives"], printed["settings"]["seed"]) == (2, 4)
    rows = Path("o/t.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(rows) == printed["output"]["rows"] == 240


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["trian.csv"], "did you mean 'train.csv'"),
        (["train.csv", "--label", "lable"], "'label'"),
        (["train.csv", "--source", "bm52"], "'bm25'"),
        (["train.csv", "--format", "triplets"], "'triplet'"),
        (["train.csv", "--out", "o.csv"], ".jsonl"),
        (["train.csv", "--corpus", "near.csv"], "goes with pairs"),
        (["train.csv", "--sampling", "best"], "--sampling"),
    ],
)
def test_what_is_wrong_ends_in_one_error(
    command: Callable[..., Any], files: Path, words: list[str], says: str
) -> None:
    before = sorted(path.name for path in files.iterdir())
    ended = command("mine", *words)
    assert ended.code == 2
    assert says in ended.err
    assert ended.out == ""
    assert "Traceback" not in ended.err
    assert sorted(path.name for path in files.iterdir()) == before
