"""``--json``: the audit and nothing else on standard output, with the keys that other programs rely on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ESTIMATES = ("easy", "near_miss", "gap", "pair_consistency")


def check_schema(audit: dict[str, Any]) -> None:
    """The keys and types an audit promises, written down here and nowhere else."""
    assert audit["schema"] == "negspace.audit/1"
    _typed(audit, version=str, plan_hash=str, curve=list, roles=dict, verdict=dict, data=dict, learner=dict)
    assert len(audit["plan_hash"]) == 64
    data = audit["data"]
    _typed(data, path=str, fingerprint=str, rows=int, labels=dict, groups=int)
    assert len(data["fingerprint"]) == 64
    assert sum(data["labels"].values()) == data["rows"]
    _typed(audit["learner"], name=str)
    seeds = audit["seeds"]
    assert all(isinstance(seed, int) for seed in seeds)
    for name in ESTIMATES:
        _check_estimate(audit[name], len(seeds), lowest=-1 if name == "gap" else 0)
    if audit["near_miss"] is not None:
        assert audit["near_miss"]["source"] in ("given", "group", "mined")
    for band in audit["curve"]:
        _typed(band, low=float, high=float, n=int, mean=float, ci=list)
        assert 0 <= band["low"] <= band["high"] <= 1
        _check_interval(band["ci"], band["mean"], lowest=0)
    verdict = audit["verdict"]
    assert verdict["outcome"] in ("supported", "refuted", "inconclusive")
    _typed(verdict, reason=str, next=str, margin=float)
    assert verdict["mde"] is None or verdict["mde"] > 0
    assert set(audit["roles"]) == {"boundary", "redundant", "suspect", "plain"}
    assert sum(audit["roles"].values()) == data["rows"]
    assert all(isinstance(warning, str) for warning in audit["warnings"])


def _typed(record: dict[str, Any], **types: type) -> None:
    for key, kind in types.items():
        assert type(record[key]) is kind, key


def _check_estimate(estimate: dict[str, Any] | None, seeds: int, *, lowest: float) -> None:
    if estimate is None:
        return
    _typed(estimate, mean=float, ci=list, per_seed=list, n=int)
    assert len(estimate["per_seed"]) == seeds
    assert estimate["mean"] == pytest.approx(sum(estimate["per_seed"]) / seeds)
    assert estimate["n"] > 0
    _check_interval(estimate["ci"], estimate["mean"], lowest=lowest)


def _check_interval(ci: list[float | None], mean: float, *, lowest: float) -> None:
    low, high = ci
    if low is not None and high is not None:
        assert lowest <= low <= mean + 1e-12
        assert mean - 1e-12 <= high <= 1


def _strict(text: str) -> dict[str, Any]:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    parsed: dict[str, Any] = json.loads(text, parse_constant=refuse)
    return parsed


SOURCES = [
    ["train.csv", "--test", "test.csv", "--near-miss", "near.csv"],
    ["train.csv", "--test", "near.csv"],
    ["train.csv"],
    ["near.csv"],  # every row has a near miss: nothing is easy
]


@pytest.mark.parametrize("words", SOURCES, ids=["given", "mined", "nothing near", "nothing easy"])
@pytest.mark.parametrize("seeds", [1, 10])
def test_json_keeps_its_promise(
    command: Callable[..., Any], files: Path, words: list[str], seeds: int
) -> None:
    ended = command("audit", *words, "--seeds", seeds, "--json", "--out", "out")
    assert (ended.code, ended.err) == (0, "")
    audit = _strict(ended.out)
    check_schema(audit)
    assert audit["seeds"] == list(range(seeds))
    assert Path("out/audit.json").read_text("utf-8") == ended.out
    if seeds < 10:
        assert audit["verdict"]["outcome"] == "inconclusive"


def test_few_seeds_say_how_many_it_takes(command: Callable[..., Any], files: Path) -> None:
    words = ["audit", *SOURCES[0], "--seeds", 3]
    verdict = _strict(command(*words, "--json").out)["verdict"]
    assert verdict["outcome"] == "inconclusive"
    assert "10 seeds" in verdict["reason"]
    shown = command(*words)
    assert shown.code == 0  # an answer that is not known yet is no error
    assert "10 seeds" in " ".join(shown.out.split())


def test_seeds_count_from_the_first(command: Callable[..., Any], files: Path) -> None:
    assert _strict(command("audit", "train.csv", "--seeds", 3, "--seed", 40, "--json").out)["seeds"] == [
        40,
        41,
        42,
    ]


def test_the_installed_command_prints_json_alone(files: Path) -> None:
    """A process of its own, in a locale without Unicode: what libraries print must not get in."""
    ended = subprocess.run(
        [
            sys.executable,
            "-m",
            "negspace",
            "audit",
            *SOURCES[0],
            "--seeds",
            "2",
            "--json",
            "--out",
            "a b [c]",
        ],
        capture_output=True,
        check=True,
        env={**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "ascii"},
    )
    check_schema(_strict(ended.stdout.decode("ascii")))
    assert ended.stderr == b""
    assert {path.name for path in Path("a b [c]").iterdir()} == {"report.html", "audit.json", "rows.parquet"}
