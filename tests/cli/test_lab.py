"""``negspace lab`` as a user runs it."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("numba")

SMALL = ["lab", "run", "zigzag", "--no-controls", "--seeds", "6", "--json"]


def test_claims_are_listed_before_and_after_they_are_run(command: Callable[..., Any], work: Path) -> None:
    listed = command("lab", "list")
    assert listed.code == 0
    assert [line.split()[0] for line in listed.out.splitlines()[::2]] == [
        "invariant",
        "collapse",
        "zigzag",
        "pivot",
        "structure",
        "depth",
        "predictors",
    ]
    assert listed.out.count("not run") == 7
    command("lab", "run", "zigzag", "--no-controls", "--seeds", "1")
    assert command("lab", "list").out.count("not run") == 7  # no result: not the registered seeds
    command("lab", "run", "zigzag", "--no-controls")
    rows = {row["name"]: row["status"] for row in json.loads(command("lab", "list", "--json").out)}
    assert rows["invariant"] == "not run"
    assert rows["zigzag"].startswith("2 supported, 0 refuted, 0 inconclusive (")
    assert rows["zigzag"].endswith(", without controls)")

    report = command("lab", "report", "--out", "pages")
    assert report.out.strip() == "pages/index.html"
    assert {path.name for path in (work / "pages").iterdir()} == {"index.html", "zigzag.html", "zigzag.json"}


def test_a_claim_is_shown(command: Callable[..., Any]) -> None:
    shown = command("lab", "show", "pivot")
    assert shown.code == 0
    for words in ("The wrong difference is noise", "anchor delta", "published +0.110", "would refute"):
        assert words in shown.out
    plan = json.loads(command("lab", "show", "pivot", "--json").out)
    assert plan["parts"][0]["plan"]["seeds"] == list(range(10))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "invarient"], "did you mean 'invariant'"),
        (["show", "pivto"], "did you mean 'pivot'"),
        (["run"], "--all"),
        (["run", "pivot", "--all"], "--all"),
        (["run", "pivot", "--seeds", "0"], "0 is not in the range"),
        (["run", "pivot", "--device", "tpu"], "'tpu' is not one of"),
        (["report"], "no claim has been run yet"),
    ],
)
def test_what_cannot_be_run_is_told(
    command: Callable[..., Any], work: Path, words: list[str], message: str
) -> None:
    ended = command("lab", *words)
    assert ended.code == 2
    assert message in ended.err
    assert ended.out == ""
    assert not list(work.iterdir())


def test_a_smoke_run_prints_tables_and_writes_pages(command: Callable[..., Any], work: Path) -> None:
    ended = command("lab", "run", "zigzag", "pivot", "--no-controls", "--smoke", "--out", "lab")
    assert ended.code == 0
    assert sorted(path.name for path in (work / "lab").iterdir()) == [
        "pivot.html",
        "pivot.json",
        "zigzag.html",
        "zigzag.json",
    ]
    assert "moke" in ended.out
    assert command("lab", "report").code == 2  # a smoke run is no result


def test_json_has_what_a_reader_needs_of_each_hypothesis(command: Callable[..., Any], work: Path) -> None:
    (claim,) = json.loads(command("lab", "run", "zigzag", "--no-controls", "--seeds", "2", "--json").out)
    (part,) = claim["parts"]
    best = part["hypotheses"][0]
    assert [arm["name"] for arm in best["arms"]] == [
        "neighbour delta, best checkpoint",
        "embedding 16, best checkpoint",
    ]
    for arm in best["arms"]:
        assert len(arm["per_seed"]) == 2
        assert arm["mean"] == pytest.approx(sum(arm["per_seed"]) / 2)
    assert best["delta"] == pytest.approx(best["arms"][0]["mean"] - best["arms"][1]["mean"])
    assert best["published"] == {"delta": 0.4}
    assert best["verdict"] == "inconclusive"
    assert {"measure", "test", "ci", "margin", "reason"} <= best.keys()


@pytest.mark.slow
def test_a_killed_run_resumes_to_the_same_numbers(
    command: Callable[..., Any],
    stopped: Callable[..., Any],
    finished: Callable[[Path], int],
    work: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = tmp_path / "killed.sqlite"
    ended, kept = stopped([*SMALL, "--workers", "1"], signal.SIGKILL, store, after=3)
    assert ended.out == ""
    assert 3 <= kept < 24
    monkeypatch.setenv("NEGSPACE_STORE", str(store))
    resumed = command(*SMALL)
    assert finished(store) == 24
    monkeypatch.setenv("NEGSPACE_STORE", str(tmp_path / "whole.sqlite"))
    assert command(*SMALL).out == resumed.out
    assert command(*SMALL, "--workers", "1").out == resumed.out
