"""The audit of minimal pairs: a model whose probabilities are known, and models trained on a plain text."""

from __future__ import annotations

import io
import json
import math
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from rich.console import Console
from scipy import stats

from negspace import DataError, PlanError, audit
from negspace.audits import (
    FixedModel,
    MinimalPairsAudit,
    TinyModels,
    audit_minimal_pairs,
    is_minimal_pairs,
    open_pair_learner,
)
from negspace.audits.language import pair_learners
from negspace.cli.main import main
from negspace.language_models import LanguageModel, TinySettings, build_network
from negspace.reports.html import render_notebook, render_page
from negspace.reports.terminal import brief_report
from negspace.store import RunStore

torch = pytest.importorskip("torch", reason="language models need PyTorch")
transformers = pytest.importorskip("transformers", reason="language models need transformers")

WORDS = ("<s>", "a", "b", "c", "d", "e", "f", "g")
B, C = 0.5, 0.25  # P(b | a), P(c | a); the other words share the rest, and are all alike elsewhere
TABLE = np.full((8, 8), 1 / 8)
TABLE[1] = (1 - B - C) / 6
TABLE[1, 2], TABLE[1, 3] = B, C


class Words:
    """A tokenizer of whole words, as far as it is asked."""

    bos_token_id, eos_token_id = 0, None

    def __call__(self, texts: list[str], **_: object) -> dict[str, Any]:
        return {"input_ids": [[WORDS.index(word) for word in text.split()] for text in texts]}

    def decode(self, ids: list[int]) -> str:
        return " ".join(WORDS[i] for i in ids)


class Bigrams:
    """A language model that looks one word back."""

    def get_input_embeddings(self) -> Any:
        return SimpleNamespace(weight=np.zeros((8, 1)))

    def __call__(self, *, input_ids: Any, **_: object) -> Any:
        return SimpleNamespace(logits=torch.log(torch.tensor(TABLE, dtype=torch.float32))[input_ids])


def probability(text: str) -> float:
    ids = [0, *(WORDS.index(word) for word in text.split())]
    return math.prod(TABLE[one, other] for one, other in pairwise(ids))


RIGHT = [(f"{x} a b", f"{x} a c") for x in "defg"]
WRONG = [(f"{x} {y} a c", f"{x} {y} a b") for x in "de" for y in "fg"]
ALONE = [("a", "b")]  # equally likely: a tie, and nothing to shuffle
ROWS = [
    {"sentence_good": good, "sentence_bad": bad, "UID": kind}
    for kind, pairs in (("right", RIGHT), ("wrong", WRONG), ("<i>tie</i>", ALONE))
    for good, bad in pairs
]


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> MinimalPairsAudit:
    fixed = FixedModel(LanguageModel("hf:bigrams", Bigrams(), Words(), "0" * 64, 16))
    with RunStore() as store:
        return audit_minimal_pairs(ROWS, learner=fixed, store=store)


# A model whose every probability is known.


def test_accuracy_margin_and_pressure_are_those_of_the_closed_form(known: MinimalPairsAudit) -> None:
    found = known.to_dict()
    assert found["near_miss"]["mean"] == pytest.approx(4 / 9)
    by_name = {each["name"]: each for each in found["paradigms"]}
    right, wrong, tie = by_name["right"], by_name["wrong"], by_name["<i>tie</i>"]
    assert [each["near_miss"]["mean"] for each in (right, wrong, tie)] == [1, 0, 0]
    assert right["margin"]["mean"] == pytest.approx(math.log(2), rel=1e-6)
    assert wrong["margin"]["mean"] == pytest.approx(-math.log(2), rel=1e-6)
    assert tie["margin"]["mean"] == 0
    assert right["pressure"]["mean"] == pytest.approx(1 - B, rel=1e-6)
    assert wrong["pressure"]["mean"] == pytest.approx(1 - C, rel=1e-6)
    assert right["bad_token"]["mean"] == pytest.approx(C, rel=1e-6)
    assert (right["median_rank"], wrong["median_rank"]) == (1, 2)
    assert (tie["easy"], tie["gap"]) == (None, None)
    assert found["left_out"]["not_shuffled"] == 1
    assert "1 pair has no easy twin: its words have no other order" in found["warnings"]
    # Of a pair the two sentences are of one length here, so the choice is the same by token.
    assert found["per_token"]["near_miss"]["mean"] == pytest.approx(4 / 9)


def test_easy_is_the_good_sentence_against_its_own_words(known: MinimalPairsAudit) -> None:
    rows = [row for row in known.rows() if row["shuffled"] is not None]
    assert len(rows) == 8
    right = []
    for row in rows:
        assert sorted(str(row["shuffled"]).split()) == sorted(str(row["good"]).split())
        margin = math.log(probability(str(row["good"])) / probability(str(row["shuffled"])))
        assert row["easy_margin"] == pytest.approx(margin, abs=1e-5)
        right.append(margin > 1e-9)
    found = known.to_dict()
    assert found["easy"]["mean"] == pytest.approx(np.mean(right))
    assert found["gap"]["mean"] == pytest.approx(np.mean(right) - 4 / 9)


def test_a_given_model_is_one_run_with_intervals_over_pairs(known: MinimalPairsAudit) -> None:
    found = known.to_dict()
    assert found["seeds"] == [0]
    right = np.array([1] * 4 + [0] * 5)
    # The standard error of a mean, and at least what so few pairs leave unknown whatever they show.
    error = max(right.std(ddof=1) / 3, 2 / (9 + 4))
    half = stats.t.ppf(0.975, 8) * error
    expected = [max(0.0, right.mean() - half), min(1.0, right.mean() + half)]
    assert found["near_miss"]["ci"] == pytest.approx(expected)
    verdict = found["verdict"]
    assert verdict["outcome"] == "inconclusive"
    mean, low, high = (100 * value for value in (found["gap"]["mean"], *found["gap"]["ci"]))
    assert verdict["reason"].startswith(
        f"near-miss gap is {mean:.1f} points, 95 % CI over pairs {low:.1f} to {high:.1f} points, around the "
        "margin of 5 points;"
    )
    assert "a verdict takes 10" in verdict["reason"]
    assert verdict["ci"] == pytest.approx(found["gap"]["ci"])
    assert verdict["seeds_needed"] is None


def test_the_worst_pair_of_each_paradigm_comes_first(known: MinimalPairsAudit) -> None:
    shown = known.to_dict()["pairs"]
    assert [pair["paradigm"] for pair in shown] == ["wrong", "<i>tie</i>", "wrong", "wrong", "wrong"]
    assert shown[0]["parted"] == ["c", "b"]
    assert shown[0]["margin"] == pytest.approx(-math.log(2), rel=1e-6)
    assert shown[0]["pressure"] == pytest.approx(1 - C, rel=1e-6)


def test_everything_is_written_and_is_plain_data(known: MinimalPairsAudit, tmp_path: Path) -> None:
    report = known.save(tmp_path / "out")
    assert json.loads((tmp_path / "out" / "audit.json").read_text()) == known.to_dict()
    rows = pq.read_table(tmp_path / "out" / "rows.parquet").to_pylist()
    assert rows == known.rows()
    assert [row["preferred"] for row in rows] == [1] * 4 + [0] * 5
    assert [row["parting"] for row in rows] == [3] * 4 + [4] * 4 + [1]
    assert report.read_text(encoding="utf-8") == render_page(known.report())


def test_the_page_shows_paradigms_and_escapes_their_names(known: MinimalPairsAudit) -> None:
    page = render_page(known.report())
    assert "<i>tie" not in page
    assert "&lt;i&gt;tie" in page
    for words in ("Paradigm by paradigm", "44.4\u00a0%", "0.69", "−0.69", "0.750", "hf:bigrams"):
        assert words in page
    short = render_notebook(known.report())
    assert "<i>tie" not in short
    assert "good sentence above the bad one" in page
    assert "44.4\u00a0%" in short


def test_the_terminal_names_the_least_accurate_paradigm_first(known: MinimalPairsAudit) -> None:
    stream = io.StringIO()
    Console(file=stream, width=80).print(brief_report(known.report()))
    lines = [" ".join(line.split()) for line in stream.getvalue().splitlines()]
    assert all(len(line) <= 80 for line in stream.getvalue().splitlines())
    at = lines.index("Paradigm near miss per token easy margin")
    assert [line.split()[0] for line in lines[at + 1 : at + 4]] == ["wrong", "<i>tie</i>", "right"]
    assert lines[at + 3].startswith("right 100.0 % 100.0 %")
    assert lines[at + 3].endswith(" 0.69")


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        ({"one": RIGHT[:2], "two": RIGHT[2:]}, "No pair is wrong"),
        ({"one": RIGHT + WRONG}, "Look at the pairs it gets wrong"),
        ({"one": WRONG[:2], "two": WRONG[2:]}, "Look at the pairs it gets wrong"),
        ({"one": RIGHT, "two": WRONG[:1], "six": RIGHT[:1] + WRONG[1:2]}, "most wrong (two, six)"),
    ],
)
def test_only_paradigms_that_are_worse_than_others_are_named(
    pairs: dict[str, list[tuple[str, str]]], said: str
) -> None:
    rows = [
        {"sentence_good": good, "sentence_bad": bad, "UID": kind}
        for kind, of_kind in pairs.items()
        for good, bad in of_kind
    ]
    fixed = FixedModel(LanguageModel("hf:bigrams", Bigrams(), Words(), "0" * 64, 16))
    with RunStore() as store:
        found = audit_minimal_pairs(rows, learner=fixed, store=store).to_dict()
    assert said in found["verdict"]["next"]


def test_an_interval_wider_than_a_gap_can_be_ends_at_its_bounds() -> None:
    rows = [{"sentence_good": good, "sentence_bad": bad} for good, bad in (RIGHT[0], WRONG[0])]
    fixed = FixedModel(LanguageModel("hf:bigrams", Bigrams(), Words(), "0" * 64, 16))
    with RunStore() as store:
        found = audit_minimal_pairs(rows, learner=fixed, store=store).to_dict()
    assert found["gap"]["ci"] == found["verdict"]["ci"] == [-1, 1]
    assert "CI over pairs -100.0 to 100.0 points" in found["verdict"]["reason"]


def test_where_nothing_can_be_shuffled_the_audit_says_so() -> None:
    rows = [{"sentence_good": x, "sentence_bad": y} for x, y in zip("abcd", "bcde", strict=True)]
    fixed = FixedModel(LanguageModel("hf:bigrams", Bigrams(), Words(), "0" * 64, 16))
    with RunStore() as store:
        result = audit_minimal_pairs(rows, learner=fixed, store=store)
    found = result.to_dict()
    assert (found["easy"], found["gap"], found["pair_consistency"]) == (None, None, None)
    assert found["near_miss"]["n"] == 4
    assert "nothing easy to compare with" in found["verdict"]["reason"]
    assert any("4 pairs have no easy twin" in warning for warning in found["warnings"])
    assert any(
        "Not measured" in shown for shown in (render_page(result.report()), render_notebook(result.report()))
    )
    Console(file=io.StringIO(), width=80).print(brief_report(result.report()))


# Small models, trained here.

SETTINGS = TinySettings(
    vocabulary=300, layers=1, width=16, heads=2, context=32, batch=256, steps=50, learning_rate=2e-2
)
NOUNS, VERBS = ("cat", "dog", "man", "boy"), ("sees", "hears", "likes")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sentences of one order; which noun does what is chance."""
    rng = np.random.default_rng(0)
    drawn = (
        f"the {NOUNS[i]} {VERBS[v]} the {NOUNS[j]}\n\n"
        for i, v, j in zip(*(rng.integers(0, n, 400) for n in (4, 3, 4)), strict=True)
    )
    path = tmp_path_factory.mktemp("corpus") / "text.txt"
    path.write_text("".join(drawn), encoding="utf-8")
    return path


def planted() -> list[dict[str, str]]:
    """Pairs that the text decides, and pairs on which it says nothing."""
    rows = []
    for i, noun in enumerate(NOUNS):
        for verb in VERBS:
            good = f"the {noun} {verb} the {NOUNS[i - 1]}"
            rows.append({"good": good, "bad": f"the {verb} {noun} the {NOUNS[i - 1]}", "kind": "order"})
            rows.append(
                {"good": good + "\n", "bad": f"the {NOUNS[i - 1]} {verb} the {noun}\n", "kind": "chance"}
            )
    return rows


def test_models_learn_what_the_text_decides_and_finished_seeds_are_kept(
    corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(store: RunStore, seeds: int) -> MinimalPairsAudit:
        return audit_minimal_pairs(
            planted(),
            learner=f"tiny:{corpus}",
            paradigm="kind",
            seeds=seeds,
            settings=SETTINGS,
            workers=1,
            store=store,
        )

    train = pair_learners._train_and_score
    fitted: list[int] = []

    def killed_after_one(*job: Any) -> Any:
        if fitted:
            raise KeyboardInterrupt
        fitted.append(job[-1])
        return train(*job)

    with RunStore() as store:
        monkeypatch.setattr(pair_learners, "_train_and_score", killed_after_one)
        with pytest.raises(KeyboardInterrupt):
            run(store, 2)
        monkeypatch.setattr(pair_learners, "_train_and_score", train)
        resumed = run(store, 2)
        assert resumed.resumed == 1
        again = run(store, 2)
        assert again.resumed == 2
        assert again.to_dict() == resumed.to_dict()
    found = resumed.to_dict()
    by_name = {each["name"]: each for each in found["paradigms"]}
    assert by_name["order"]["near_miss"]["mean"] > 0.9
    assert by_name["order"]["margin"]["mean"] > 2
    assert abs(by_name["chance"]["margin"]["mean"]) < 0.5
    assert found["easy"]["mean"] > 0.9
    first, second = (run.values["truth"] for run in resumed.parts.result.of_arm("as given"))
    assert not np.array_equal(first, second)  # another seed is another model
    assert found["verdict"]["outcome"] == "inconclusive"
    assert "10 seeds" in found["verdict"]["reason"]
    assert found["learner"]["name"] == "tiny:text.txt"
    assert found["learner"]["steps"] == SETTINGS.steps


def test_a_model_folder_is_opened_and_read(tmp_path: Path, corpus: Path) -> None:
    opened = open_pair_learner(f"tiny:{corpus}", settings=SETTINGS)
    assert isinstance(opened, TinyModels)
    network = build_network(SETTINGS, len(opened.tokenizer), seed=3)
    network.save_pretrained(tmp_path / "model")
    opened.tokenizer.save_pretrained(tmp_path / "model")
    with RunStore() as store:
        found = audit_minimal_pairs(
            planted(), learner=f"hf:{tmp_path / 'model'}", paradigm="kind", seeds=20, store=store
        )
        row = found.rows()[0]
        ids = [opened.encode([str(row[side])])[0] for side in ("good", "bad")]
        expected = []
        for each in ids:
            with torch.no_grad():
                logits = network(torch.tensor([each])).logits[0, :-1].double()
            expected.append(
                -torch.nn.functional.cross_entropy(logits, torch.tensor(each[1:]), reduction="sum")
            )
        assert row["margin"] == pytest.approx(float(expected[0] - expected[1]), abs=1e-4)
        assert found.to_dict()["seeds"] == [0]
        assert found.to_dict()["learner"]["name"] == "hf:model"


# What is said of what does not fit.


@pytest.mark.parametrize("learner", ["tfidf", "lstm", "st:model", "scores:file.csv", "tiny", "hf:", ""])
def test_learners_of_labelled_texts_are_refused_for_pairs(learner: str) -> None:
    with pytest.raises(PlanError, match=r"language model[\s\S]*hf:PATH[\s\S]*tiny:CORPUS"):
        audit_minimal_pairs(ROWS, learner=learner)


def test_a_tiny_learner_is_refused_for_labelled_texts() -> None:
    rows = [{"text": "a", "label": "b"}, {"text": "c", "label": "d"}]
    with pytest.raises(PlanError, match=r"'tiny:x.txt'[\s\S]*--good and --bad[\s\S]*tfidf"):
        audit(rows, learner="tiny:x.txt")


def test_pairs_given_as_labelled_texts_are_sent_where_they_belong() -> None:
    with pytest.raises(PlanError, match="audit_minimal_pairs"):
        audit(ROWS)


def test_the_dispatch_follows_columns_and_options() -> None:
    both = [{**row, "text": "a", "label": "b"} for row in ROWS]
    texts: list[dict[str, str]] = [{"text": "a", "label": "b"}]
    assert is_minimal_pairs(ROWS, "hf:x")
    assert not is_minimal_pairs(texts, "hf:x")
    assert is_minimal_pairs(texts, "hf:x", for_pairs={"good": "text"})
    assert not is_minimal_pairs(both, "tfidf", for_texts={"label": "label"})
    with pytest.raises(PlanError, match="--verifier"):
        is_minimal_pairs(ROWS, "hf:x", for_texts={"verifier": "arithmetic", "test": None})
    with pytest.raises(PlanError, match="--test is for labelled texts, and --bad for minimal pairs"):
        is_minimal_pairs(texts, "hf:x", for_texts={"test": "x"}, for_pairs={"good": None, "bad": "x"})


def test_an_empty_corpus_is_said(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text(" \n")
    with pytest.raises(DataError, match=r"empty\.txt.*empty"):
        audit_minimal_pairs(ROWS, learner=f"tiny:{tmp_path / 'empty.txt'}")


def test_the_command_audits_pairs_as_pairs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    for words, said in (
        ([], "minimal pairs are put to a language model, and 'tfidf' names none"),
        (["--group", "UID", "--learner", "hf:x"], "--group is for labelled texts"),
        (["--learner", "hf:none"], "there is no such folder"),
        (["--bad", "sentence_bda", "--learner", "hf:x"], "did you mean 'sentence_bad'"),
    ):
        with pytest.raises(SystemExit) as ended:
            main(["audit", str(path), *words])
        assert ended.value.code == 2
        assert said in capsys.readouterr().err
