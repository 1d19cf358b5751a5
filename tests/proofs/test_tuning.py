"""The search: trials that are what they say, halves that do not touch, a split that adds up."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from negspace.errors import DataError, MissingExtraError, PlanError, StoreError
from negspace.evaluation import EASY, NEAR_MISS, PAIRS, assemble_task
from negspace.models import TfidfLearner, search_space
from negspace.proofs import Proof, TrialJournal, halve
from negspace.records import EvalSet
from negspace.store import RunStore

optuna = pytest.importorskip("optuna", reason="the extra 'tune' is not installed")

Prove = Callable[..., Proof]
SEEDS, TRIALS = 2, 3


def _trials(path: Path) -> TrialJournal:
    return TrialJournal(path, "test", search_space(TfidfLearner()), ("a", "b"), {"learner": "tfidf"})


def test_trials_are_the_same_begun_resumed_and_extended(tmp_path: Path) -> None:
    with _trials(tmp_path / "whole.journal").opened() as journal:
        whole = [journal.ask(seed, trial)[0] for seed in (0, 1) for trial in range(3)]
    path = tmp_path / "parts.journal"
    with _trials(path).opened() as journal:
        settings, trial = journal.ask(0, 0)
        journal.tell(trial, [0.1, 0.2])
        journal.ask(0, 1)  # killed before it was told
    with _trials(path).opened() as journal:
        again, known = journal.ask(0, 0)
        assert known is None
        assert again == settings == whole[0]
        assert [journal.ask(seed, trial)[0] for seed in (0, 1) for trial in range(3)] == whole


def test_draws_follow_the_space_they_say(tmp_path: Path) -> None:
    with _trials(tmp_path / "draws.journal").opened() as journal:
        drawn = [journal.ask(seed, trial)[0] for seed in range(9) for trial in range(10)]
    log_c = np.log10([settings["c"] for settings in drawn])
    assert stats.kstest(log_c, stats.uniform(-2, 5).cdf).pvalue > 0.01
    # 30 expected of each; chi-squared with 2 degrees of freedom.
    for name in ("ngrams", "min_df"):
        counts = np.bincount([int(settings[name]) for settings in drawn], minlength=4)[1:]
        assert stats.chisquare(counts).pvalue > 0.01
    # Neighbouring trials are independent, though their seeds are neighbours.
    assert abs(stats.spearmanr(log_c[:-1], log_c[1:]).statistic) < 3 / np.sqrt(len(log_c))


def test_a_line_cut_off_by_a_kill_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "t.journal"
    with _trials(path).opened() as journal:
        settings, trial = journal.ask(0, 0)
        journal.tell(trial, [0.1, 0.2])
    with path.open("ab") as file:
        file.write(b'{"op_code":4,"worker')
    with _trials(path).opened() as journal:
        assert journal.ask(0, 0) == (settings, None)
        journal.ask(0, 1)


def test_a_file_that_is_no_journal_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not json\nat all\n")
    with pytest.raises(StoreError, match=r"notes\.txt"), _trials(path).opened():
        pass
    assert path.read_text() == "not json\nat all\n"


def test_halves_keep_pairs_together_and_use_every_row_once() -> None:
    n = 80  # easy rows 0 to 39; near misses 40 to 79, each of the easy row 40 before it
    labels = np.array([0, 1] * 20 + [1, 0] * 20)
    easy, near = np.arange(40), np.arange(40, 80)
    sets = [EvalSet(EASY, easy), EvalSet(NEAR_MISS, near), EvalSet(PAIRS, near, easy)]
    task = assemble_task(tuple(map(str, range(n))), labels, ("a", "b"), np.arange(n), 0, sets, np.zeros(n))
    for seed in range(3):
        half = {name: set(found.rows.tolist()) for name, found in halve(task, seed=seed).items()}
        assert half["easy validation"] | half["easy test"] == set(easy.tolist())
        assert half["near_miss validation"] | half["near_miss test"] == set(near.tolist())
        assert not half["easy validation"] & half["easy test"]
        assert {row - 40 for row in half["near_miss test"]} == half["easy test"]
        assert len(half["easy test"]) == 20


def test_rows_that_all_hang_together_cannot_be_halved() -> None:
    sets = [
        EvalSet(EASY, np.arange(2)),
        EvalSet(NEAR_MISS, np.arange(2, 4)),
        EvalSet(PAIRS, np.array([2, 3]), np.array([0, 1])),
    ]
    task = assemble_task(
        ("a", "b", "c", "d"), np.array([0, 1, 1, 0]), ("x", "y"), np.zeros(4, int), 0, sets, np.zeros(4)
    )
    with pytest.raises(DataError):
        halve(task, seed=0)


@pytest.fixture(scope="module")
def tuned(proof_of: Prove, data: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Proof, Path]:
    path = tmp_path_factory.mktemp("tune") / "t.journal"
    arms = {"pairs": data.pairs, "ordinary": data.ordinary[:90]}
    return proof_of(arms, seeds=SEEDS, tune=TRIALS, tune_storage=path), path


def test_optuna_holds_what_scikit_learn_finds_with_the_same_settings(tuned: tuple[Proof, Path]) -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    proof, path = tuned
    study_name = proof.to_dict()["tuning"]["study"]
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(path)))
    study = optuna.load_study(study_name=study_name, storage=storage)
    assert len(study.trials) == SEEDS * TRIALS
    task = proof.result.study.task
    halves = halve(task, seed=0)
    trial = study.trials[-1]
    seed, settings = trial.user_attrs["seed"], trial.params
    for place, arm in enumerate(proof.arms):
        rows = arm.arm.draw(task, seed)
        vectors = TfidfVectorizer(
            ngram_range=(1, settings["ngrams"]), min_df=settings["min_df"], sublinear_tf=True
        )
        model = make_pipeline(vectors, LogisticRegression(C=settings["c"], max_iter=1000))
        model.fit([task.texts[row] for row in rows], task.labels[rows])
        scores = []
        for name in ("easy", "near_miss"):
            held_out = halves[f"{name} validation"].rows
            texts = [task.texts[task.n_train + row] for row in held_out.tolist()]
            scores.append(np.mean(model.predict(texts) == task.held_out_labels[held_out]))
        assert trial.values[place] == pytest.approx(np.mean(scores), abs=1e-9)


def test_the_split_adds_up_and_the_best_of_one_is_the_mean(tuned: tuple[Proof, Path]) -> None:
    proof, _ = tuned
    tuning = proof.to_dict()["tuning"]
    for on in ("near_miss", "easy"):
        split = tuning["splits"][0][on]
        assert split["total"]["mean"] == pytest.approx(split["data"]["mean"] + split["search"]["mean"])
    found = proof.tuned
    assert found is not None
    for name, arm in found.arms.items():
        curve = tuning["arms"][name]["validation"]
        assert curve[0]["mean"] == pytest.approx(arm.validation.mean())
        assert curve[-1]["mean"] == pytest.approx(arm.validation.max(axis=0).mean())
        assert [point["k"] for point in curve] == [1, 2, 3]


def test_a_search_goes_on_where_it_stopped_and_gives_the_same_bytes(
    tuned: tuple[Proof, Path], proof_of: Prove, data: Any, tmp_path: Path
) -> None:
    arms = {"pairs": data.pairs, "ordinary": data.ordinary[:90]}
    path = tmp_path / "t.journal"

    def stop(stage: str, done: int, _total: int) -> None:
        if stage == "tuning" and done == 2:
            raise KeyboardInterrupt

    with RunStore(tmp_path / "runs.sqlite") as store:
        settings: dict[str, Any] = {"seeds": SEEDS, "tune": TRIALS, "tune_storage": path, "store": store}
        with pytest.raises(KeyboardInterrupt):
            proof_of(arms, progress=stop, **settings)
        again = proof_of(arms, **settings)
    assert json.dumps(again.to_dict()) == json.dumps(tuned[0].to_dict())


def test_without_optuna_the_extra_is_named(proof_of: Prove, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("negspace.proofs.trial_journal.find_spec", lambda _name: None)
    with pytest.raises(MissingExtraError, match=r"negspace\[tune\]"):
        proof_of(["a.csv", "b.csv"], tune=2)


def test_a_learner_without_a_space_is_refused_before_anything_is_read(proof_of: Prove) -> None:
    class Own:
        name = "own"
        gives = ()

        def describe(self) -> dict[str, object]:
            return {}

        def runs(self, *_: object, **__: object) -> object:
            raise AssertionError

    with pytest.raises(PlanError, match="no search space"):
        proof_of(["a.csv", "b.csv"], learner=Own(), tune=2)
