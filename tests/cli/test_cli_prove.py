"""``negspace prove`` as a user runs it: its JSON, its errors, its folder."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from negspace.cli.main import cli
from negspace.cli.prove import prove_command
from negspace.demo import tickets

Command = Callable[..., Any]
TESTS = ("--test", "test.csv", "--near-miss", "near.csv")


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cli.commands, "prove", prove_command)


@pytest.fixture
def arms(files: Path) -> Path:
    """``pairs.csv``, 40 rows, beside the files of all commands."""
    drawn = tickets.written_pairs(np.random.default_rng(9), 20)
    with (files / "pairs.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *((t.text, t.label) for pair in drawn for t in pair)])
    return files


def _check_schema(proof: dict[str, Any], n_arms: int, n_seeds: int) -> None:
    """The keys a proof promises, written down here and nowhere else."""
    assert set(proof) == {
        "schema",
        "version",
        "plan_hash",
        "headline",
        "rows",
        "data",
        "learner",
        "seeds",
        "arms",
        "comparisons",
        "reference",
        "tuning",
        "warnings",
        "method",
    }
    assert proof["schema"] == "negspace.prove/1"
    assert len(proof["seeds"]) == n_seeds
    assert len(proof["arms"]) == n_arms
    for arm in proof["arms"]:
        assert set(arm) == {
            *("name", "path", "strategy", "rows", "of_rows", "fixed", "how", "near_miss", "easy"),
            *("pair_consistency", "exchange", "random_draws_as_good"),
        }
        for on in ("near_miss", "easy"):
            assert len(arm[on]["per_seed"]) == n_seeds
            assert arm[on]["mean"] == pytest.approx(np.mean(arm[on]["per_seed"]))
            rate = arm["exchange"][on]
            assert set(rate) == {
                *("rows", "low", "high", "brief", "says", "beyond", "below", "accuracy", "method"),
                *("parameters", "misfit_p", "fitted", "residuals"),
            }
            assert len(rate["residuals"]) == len(proof["reference"]["sizes"])
            assert rate["accuracy"] == pytest.approx(arm[on]["mean"])
    for comparison in proof["comparisons"]:
        assert set(comparison) == {"arm", "versus", "conclusion", "says", "near_miss", "easy"}
        assert comparison["conclusion"] in ("superior", "mixed", "worse", "not shown")
        for on in ("near_miss", "easy"):
            verdict = comparison[on]
            assert set(verdict) == {
                *("claim", "question", "outcome", "reason", "margin", "effect", "ci", "p_value", "mde"),
                *("p_adjusted", "seeds_needed", "look", "level", "per_seed"),
            }
            assert verdict["effect"] == pytest.approx(np.mean(verdict["per_seed"]))
    for on in ("near_miss", "easy"):
        assert np.shape(proof["reference"][on]["per_seed"]) == (len(proof["reference"]["sizes"]), n_seeds)


def test_json_alone_on_standard_output(command: Command, arms: Path) -> None:
    ended = command("prove", "pairs.csv", "random@train.csv", *TESTS, "--seeds", 10, "--json")
    assert ended.code == 0, ended.err
    proof = json.loads(ended.out, parse_constant=pytest.fail)
    _check_schema(proof, n_arms=2, n_seeds=10)
    assert proof["comparisons"][0]["near_miss"]["outcome"] == "supported"
    assert proof["rows"] == 40


def test_folder_and_summary(command: Command, arms: Path) -> None:
    ended = command("prove", "ours=pairs.csv", "train.csv", *TESTS, "--seeds", 2, "--out", "out")
    assert ended.code == 0, ended.err
    assert sorted(each.name for each in (arms / "out").iterdir()) == ["proof.json", "report.html"]
    assert "ours" in ended.out
    assert "out/report.html" in ended.out
    _check_schema(json.loads((arms / "out" / "proof.json").read_text()), n_arms=2, n_seeds=2)


def test_trials_lie_beside_the_report(command: Command, arms: Path) -> None:
    pytest.importorskip("optuna", reason="the extra 'tune' is not installed")
    words = ("pairs.csv", "train.csv", *TESTS, "--seeds", 1, "--tune", 2, "--out", "out")
    ended = command("prove", *words)
    assert ended.code == 0, ended.err
    assert (arms / "out" / "tuning.journal").is_file()
    assert json.loads((arms / "out" / "proof.json").read_text())["tuning"]["storage"] == "tuning.journal"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("pairs.csv", *TESTS), "at least two arms"),
        (("pairs.csv", "pairs.csv", *TESTS), "are the same"),
        (("pairs.csv", "./pairs.csv", *TESTS), "are the same"),
        (("pairs.csv", "randm@train.csv", *TESTS), "did you mean 'random'"),
        (("pairs.csv", "train.csv", *TESTS, "--budget", "41"), "'pairs.csv' has 40 rows"),
        (("pairs.csv", "train.csv", *TESTS, "--text", "txt"), "did you mean 'text'"),
        (("pairs.csv", "train.csv", *TESTS, "--group", "pair"), "pair"),
        (("pairs.csv", "tran.csv", *TESTS), "did you mean 'train.csv'"),
        (("pairs.csv", "train.csv", "--test", "tets.csv"), "did you mean 'test.csv'"),
        (("pairs.csv", "train.csv", *TESTS, "--learner", "tfdif"), "did you mean 'tfidf'"),
        (("pairs.csv", "train.csv", *TESTS, "--tune", "-1"), "0 trials or more"),
    ],
)
def test_what_cannot_be_done_is_said(command: Command, arms: Path, words: tuple[str, ...], said: str) -> None:
    ended = command("prove", *words, "--out", "out")
    assert ended.code == 2
    assert said in ended.err
    assert not ended.out
    assert not (arms / "out").exists()
