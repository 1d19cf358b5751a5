"""A package beside negspace registers one thing of each kind: each is listed, runs and is reported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent / "package"

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows in a format that only the other package reads, half of them near misses."""
    folder = tmp_path_factory.mktemp("extension")
    rows = [
        f"the {thing} of number {i} was {word}|{label}"
        for i in range(40)
        for thing, (word, label) in zip(("film", "play"), (("fine", "good"), ("poor", "bad")), strict=True)
    ]
    (folder / "rows.bars").write_text("text|label\n" + "\n".join(rows) + "\n", encoding="utf-8")
    (folder / "corpus.txt").write_text(
        "\n\n".join(f"The {i} of them went home and slept well." for i in range(12)), encoding="utf-8"
    )
    (folder / "words.csv").write_text(
        "text,label\n"
        + "\n".join(f"{word},{i % 2}" for i, word in enumerate(("level", "noon", "abc", "kayak"))),
        encoding="utf-8",
    )
    return folder


@pytest.fixture(scope="module")
def negspace(folder: Path) -> Run:
    """Run the command in a process that finds the other package's entry points."""
    path = os.pathsep.join([str(PACKAGE), *filter(None, [os.environ.get("PYTHONPATH", "")])])
    env = {**os.environ, "PYTHONPATH": path, "NEGSPACE_STORE": str(folder / "runs.sqlite"), "COLUMNS": "80"}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "negspace", *words],
            cwd=folder, env=env, text=True, capture_output=True, check=False, encoding="utf-8",
        )  # fmt: skip

    return run


@pytest.mark.parametrize(
    ("words", "listed"),
    [
        (("audit", "--help"), ("extra-majority", "extra-error-rate", "extra-palindrome", "extra-words")),
        (("mine", "--help"), ("extra-letters", "extra-palindrome")),
        (("probe", "--help"), ("extra-length",)),
        (("lab", "list"), ("extra-rows",)),
    ],
    ids=lambda each: each[0],
)
def test_it_is_listed(negspace: Run, words: tuple[str, ...], listed: tuple[str, ...]) -> None:
    said = negspace(*words)
    assert said.returncode == 0, said.stderr
    flat = "".join(said.stdout.split())
    for name in listed:
        assert name in flat


def test_a_mistyped_name_is_near_it(negspace: Run) -> None:
    said = negspace("audit", "rows.bars", "--learner", "extra-majorty")
    assert said.returncode == 2
    assert "extra-majority" in said.stderr
    said = negspace("audit", "rows.barz")
    assert "rows.bars" in said.stderr


def test_an_audit_takes_format_learner_metric_and_section(negspace: Run, folder: Path) -> None:
    words = ("audit", "rows.bars", "--learner", "extra-majority", "--metric", "extra-error-rate")
    first = negspace(*words, "--out", "audited", "--json")
    assert first.returncode == 0, first.stderr
    found = json.loads(first.stdout)
    assert found["learner"]["name"] == "extra-majority"
    right, wrong = found["near_miss"]["mean"], found["metrics"]["extra error rate on near_miss"]["mean"]
    assert wrong == pytest.approx(1 - right)
    page = (folder / "audited/report.html").read_text(encoding="utf-8")
    for words_shown in ("extra-majority", "extra error rate", "Extra: words"):
        assert words_shown in page
    assert negspace(*words, "--out", "again", "--json").stdout == first.stdout  # out of the store


def test_mining_takes_an_embedder_and_a_verifier(negspace: Run, folder: Path) -> None:
    said = negspace("mine", "rows.bars", "--embedder", "extra-letters", "--out", "mined.jsonl", "--json")
    assert said.returncode == 0, said.stderr
    assert json.loads(said.stdout)["vectors"]["embedder"] == {"embedder": "extra-letters"}
    assert (folder / "mined.jsonl").read_text(encoding="utf-8").count("\n") > 0
    edits = ("--source", "edits", "--verifier", "extra-palindrome")
    said = negspace("mine", "words.csv", *edits, "--out", "edited.jsonl", "--json")
    assert said.returncode == 0, said.stderr
    assert {each["verifier"] for each in json.loads(said.stdout)["examples"]} == {"extra-palindrome"}


def test_a_probe_measures_and_resumes(negspace: Run, folder: Path) -> None:
    words = ("probe", "corpus.txt", "--probes", "loss,extra-length", "--fragment-tokens", "16")
    first = negspace(*words, "--out", "probed", "--json")
    assert first.returncode == 0, first.stderr
    assert "extra length" in first.stdout
    page = folder / "probed" / "report.html"
    assert "extra length" in page.read_text(encoding="utf-8")


def test_a_claim_of_texts_is_shown_and_run(negspace: Run) -> None:
    shown = negspace("lab", "show", "extra-rows")
    assert shown.returncode == 0, shown.stderr
    assert "Forty rows against two" in shown.stdout
    ran = negspace("lab", "run", "extra-rows", "--json")
    assert ran.returncode == 0, ran.stderr
    assert negspace("lab", "run", "extra-rows", "--json").stdout == ran.stdout
