"""The lstm learner: the same everywhere, blind to padding, and aware of word order."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from negspace.errors import MissingExtraError
from negspace.models import LstmLearner, RowsArm, TextTask
from negspace.records import Run

SMALL = {"embedding": 8, "hidden": 8, "epochs": 2}


def test_without_pytorch_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "negspace.models.lstm.find_spec", lambda name: None if name == "torch" else find(name)
    )
    with pytest.raises(MissingExtraError, match=r"pip install 'negspace\[torch\]'"):
        LstmLearner()


@pytest.fixture
def torch() -> object:
    return pytest.importorskip("torch")


def fit(
    task: TextTask, jobs: list[tuple[RowsArm, int]], workers: int = 1, **settings: object
) -> dict[tuple[str, int], Run]:
    learner = LstmLearner(**{**SMALL, **settings})
    return {(run.arm, run.seed): run for run in learner.runs(task, jobs, workers=workers)}


@pytest.mark.usefixtures("torch")
def test_neither_workers_nor_order_nor_global_seeds_matter(
    talk: Callable[[int], TextTask], same: Callable[[Run, Run], bool], torch: object
) -> None:
    task = talk(3)
    jobs = [(RowsArm(name, np.arange(n)), seed) for name, n in (("a", 160), ("b", 90)) for seed in range(2)]
    torch.manual_seed(1)
    first = fit(task, jobs)
    torch.manual_seed(77)
    np.random.seed(77)  # noqa: NPY002  (the global generator is what must not matter)
    state, numpys = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    for again in (fit(task, jobs[::-1], workers=2), fit(task, jobs[2:3])):
        assert all(same(run, first[key]) for key, run in again.items())
    assert torch.equal(torch.random.get_rng_state(), state)
    assert np.array_equal(np.random.get_state()[1], numpys)  # noqa: NPY002
    assert len({run.values["truth"].tobytes() for run in first.values()}) == len(first)


@pytest.mark.usefixtures("torch")
def test_a_row_is_predicted_alike_alone_and_beside_long_rows(make_task: Callable[..., TextTask]) -> None:
    rng = np.random.default_rng(0)
    words = np.array([f"w{i}" for i in range(20)])
    train = [" ".join(rng.choice(words, size=rng.integers(1, 9))) for _ in range(40)]
    asked = ["w1 w2", "", "w3 w4 w5 unheard", "w7"]
    long = [" ".join(rng.choice(words, size=190)) for _ in range(30)]
    labels = list(rng.integers(0, 2, 40))
    arm = RowsArm("a", np.arange(40))

    def truth(held_out: list[str]) -> np.ndarray:
        task = make_task([*train, *held_out], labels + [1] * len(held_out), held_out=len(held_out))
        return fit(task, [(arm, 0)])["a", 0].values["truth"]

    together = truth([*asked, *long])[: len(asked)]
    alone = [truth([text])[0] for text in asked]
    np.testing.assert_allclose(alone, together, atol=1e-6)
    assert np.ptp(together) > 1e-4


@pytest.mark.usefixtures("torch")
def test_it_learns_an_order_of_words_that_counts_cannot_show(make_task: Callable[..., TextTask]) -> None:
    rng = np.random.default_rng(3)
    filler = [f"f{i}" for i in range(8)]

    def text(label: int) -> str:
        words = list(rng.choice(filler, size=8))
        first, second = sorted(rng.choice(9, size=2, replace=False))
        words.insert(second, "b" if label else "a")
        words.insert(first, "a" if label else "b")
        return " ".join(words)

    labels = np.arange(700) % 2
    task = make_task([text(label) for label in labels], labels, held_out=200)
    # Counts of single words are the same for both labels but for chance.
    assert all(set(t.split()) >= {"a", "b"} for t in task.texts)
    run = fit(task, [(RowsArm("a", np.arange(500), 1.0), 0)], embedding=16, hidden=16, epochs=12, dropout=0.1)
    assert np.mean(run["a", 0].values["label"] == task.held_out_labels) > 0.9


@pytest.mark.usefixtures("torch")
def test_probabilities_are_some(talk: Callable[[int], TextTask]) -> None:
    task = talk(3)
    predictions = fit(task, [(RowsArm("a", np.arange(160)), 0)])["a", 0].values
    assert ((predictions["confidence"] > 1 / 3 - 1e-9) & (predictions["confidence"] <= 1)).all()
    right = predictions["label"] == task.held_out_labels
    np.testing.assert_array_equal(predictions["truth"][right], predictions["confidence"][right])
    assert (predictions["truth"][~right] <= predictions["confidence"][~right]).all()


@pytest.mark.usefixtures("torch")
def test_texts_without_words_and_words_that_training_lacks(make_task: Callable[..., TextTask]) -> None:
    task = make_task(["", "", "", "new", "newer"], [0, 1, 0, 1, 0], held_out=2)
    found = fit(task, [(RowsArm("a", np.arange(3), 1.0), 0)])["a", 0].values
    # Both are nothing but unknown words to this net.
    assert found["truth"][0] == pytest.approx(1 - found["truth"][1], abs=1e-6)


@pytest.mark.usefixtures("torch")
def test_labels_that_cannot_be_written_to_are_fine(talk: Callable[[int], TextTask]) -> None:
    task = talk(2)
    labels = task.labels.copy()
    labels.flags.writeable = False
    assert fit(replace(task, labels=labels), [(RowsArm("a", np.arange(50)), 0)])


@pytest.mark.usefixtures("torch")
def test_what_is_described_is_every_setting() -> None:
    described = LstmLearner().describe()
    for name in ("embedding", "hidden", "tokens", "epochs", "batch", "min_df"):
        changed = LstmLearner(**{name: described[name] + 1}).describe()
        assert changed != described
    assert described["name"] == "lstm"
