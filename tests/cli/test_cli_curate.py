"""``negspace curate`` as a user runs it."""

from __future__ import annotations

import csv
import importlib
import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from negspace.cli.curate import curate_command
from negspace.curation import STRATEGIES, read_filled
from negspace.demo import tickets


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command, whether or not the group has it yet."""
    group = importlib.import_module("negspace.cli.main").cli
    monkeypatch.setitem(group.commands, "curate", curate_command)


@pytest.fixture
def pool(work: Path) -> Path:
    """``pool.csv``: 80 ordinary tickets by people, and 20 pairs that were made."""
    rng = np.random.default_rng(3)
    rows = [(tickets.ordinary(rng, tickets.LABELS[i % 2]), "people") for i in range(80)]
    rows += [(ticket, "machine") for pair in tickets.written_pairs(rng, 20) for ticket in pair]
    with (work / "pool.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("text", "label", "origin"))
        writer.writerows((ticket.text, ticket.label, origin) for ticket, origin in rows)
    return work


def test_a_trial_a_choice_and_a_folder(command: Callable[..., Any], pool: Path) -> None:
    ended = command("curate", "pool.csv", "--budget", 24, "--seeds", 2, "--worklist", 5, "--out", "out")
    assert (ended.code, ended.err) == (0, "")
    assert "24 of 120 rows" in ended.out
    assert "stratified random" in ended.out
    assert "2 seeds give no verdict" in " ".join(ended.out.split())
    assert max(map(len, ended.out.splitlines())) <= 80
    assert sorted(path.name for path in Path("out").iterdir()) == [
        "curation.json",
        "report.html",
        "rows.parquet",
        "selected.jsonl",
        "worklist.csv",
    ]
    lines = Path("out/selected.jsonl").read_text(encoding="utf-8").splitlines()
    chosen = [json.loads(line) for line in lines]
    with Path("pool.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    summary = json.loads(Path("out/curation.json").read_text(encoding="utf-8"))
    assert chosen == [rows[index] for index in summary["indices"]]  # all columns, as they came


def test_json_is_the_summary_and_nothing_else(command: Callable[..., Any], pool: Path) -> None:
    words = ["curate", "pool.csv", "--budget", 20, "--strategy", "cover", "--out", "out", "--json"]
    ended = command(*words, "--source", "origin", "--real", "people", "--real-share", "0.8")
    assert (ended.code, ended.err) == (0, "")
    printed = json.loads(ended.out)
    assert printed == json.loads(Path("out/curation.json").read_text(encoding="utf-8"))
    assert printed["trial"] is None
    assert len(printed["indices"]) == 20
    true = next(row for row in printed["composition"]["rows"] if row["what"] == "true rows")
    assert (true["pool"], true["chosen"] >= 16) == (80, True)


def test_the_worklist_goes_out_and_comes_back(command: Callable[..., Any], pool: Path) -> None:
    words = ["--budget", 10, "--strategy", "stratified", "--worklist", 4, "--out", "out"]
    assert command("curate", "pool.csv", *words).code == 0
    sheet = Path("out/worklist.csv")
    with sheet.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4
    rng = np.random.default_rng(0)
    for row in rows[:3]:
        row["rewrite"] = tickets.ordinary(rng, row["nearest_label"]).text
        row["rewrite_label"] = row["nearest_label"]
    with sheet.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    filled = read_filled(sheet)
    assert (filled.rewrites, filled.unfilled, len(filled)) == (3, 1, 6)
    lines = Path("pool.csv").read_text(encoding="utf-8").splitlines()
    for record in filled.to_records()[::2]:  # each original, found again by its line
        assert lines[int(str(record["group"])) - 1].startswith(str(record["text"]))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "--budget"),
        (["--budget", "0"], "a budget is a number of rows"),
        (["--budget", "121", "--strategy", "random"], "120"),
        (["--budget", "121"], "can be chosen"),
        (["--budget", "20", "--strategy", "covr"], "did you mean 'cover'"),
        (["--budget", "20", "--try", "el2m"], "did you mean 'el2n'"),
        (["--budget", "20", "--try", "el2n", "--balance", "even"], "el2n"),
        (["--budget", "20", "--strategy", "el2n", "--real-share", "0.5"], "el2n"),
        (["--budget", "20", "--source", "origin"], "both --source"),
        (["--budget", "20", "--source", "orign", "--real", "people"], "did you mean 'origin'"),
        (["--budget", "20", "--source", "origin", "--real", "poeple"], "did you mean 'people'"),
        (["--budget", "20", "--real-share", "0.5"], "which rows are true"),
        (["--budget", "20", "--real-share", "1.5"], "from 0 to 1"),
        (["--budget", "90", "--source", "origin", "--real", "people", "--real-share", "1"], "80 true rows"),
        (["--budget", "20", "--balance", "odd"], "--balance"),
        (["--budget", "20", "--label", "lable"], "'label'"),
        (["--budget", "20", "--group", "pairs"], "'pairs'"),
        (["--budget", "20", "--seeds", "0"], "at least one seed"),
        (["--budget", "20", "--margin", "0"], "margin"),
        (["--budget", "20", "--worklist", "500"], "can be put on a worklist"),
        (["--budget", "20", "--learner", "tfdif"], "did you mean 'tfidf'"),
    ],
)
def test_what_is_wrong_ends_in_one_error(
    command: Callable[..., Any], pool: Path, words: list[str], says: str
) -> None:
    before = sorted(path.name for path in pool.iterdir())
    ended = command("curate", "pool.csv", *words, "--out", "out")
    assert ended.code == 2
    assert says in ended.err
    assert ended.out == ""
    assert "Traceback" not in ended.err
    assert sorted(path.name for path in pool.iterdir()) == before


def test_a_mistyped_path_is_told_at_once(command: Callable[..., Any], pool: Path) -> None:
    ended = command("curate", "pol.csv", "--budget", 20)
    assert (ended.code, ended.out) == (2, "")
    assert "did you mean 'pool.csv'" in ended.err


def test_help_names_every_strategy(command: Callable[..., Any], work: Path) -> None:
    # Names are broken at their hyphens where a line ends.
    listed = "".join(command("curate", "--help").out.split()).partition("Oneof:")[2].partition(".")[0]
    assert listed.split(",") == list(STRATEGIES)


def test_defaults_are_those_of_the_function() -> None:
    from negspace.curation import curate

    of_function = {name: each.default for name, each in inspect.signature(curate).parameters.items()}
    for option in curate_command.params:
        if option.name in ("seeds", "seed", "margin", "real_share", "balance", "learner"):
            assert option.default == of_function[option.name]
