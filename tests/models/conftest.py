"""Small tasks to fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from negspace.models import TextTask
from negspace.records import EvalSet, Run

TaskMaker = Callable[..., TextTask]


@pytest.fixture
def make_task() -> TaskMaker:
    """Builds a task of texts and labels; the last ``held_out`` rows are held out."""

    def make(
        texts: Sequence[str],
        labels: Sequence[int],
        *,
        held_out: int,
        names: Sequence[str] | None = None,
        clusters: Sequence[int] | None = None,
    ) -> TextTask:
        found = np.array(labels, dtype=np.int64)
        names = tuple(names or (f"l{i}" for i in range(int(found.max()) + 1)))
        return TextTask(
            texts=tuple(texts),
            labels=found,
            label_names=names,
            clusters=np.arange(len(texts)) if clusters is None else np.array(clusters, dtype=np.int64),
            n_train=len(texts) - held_out,
            eval_sets={"all": EvalSet("all", np.arange(held_out))},
            distance=np.full(held_out, np.nan),
            fingerprint="test",
        )

    return make


@pytest.fixture
def talk(make_task: TaskMaker) -> Callable[[int], TextTask]:
    """A task of noisy sentences in some number of labels: 160 training rows, 60 held out."""

    def make(n_labels: int) -> TextTask:
        rng = np.random.default_rng(n_labels)
        labels = rng.integers(0, n_labels, 220)
        words = [f"w{i}" for i in range(60)]
        texts = []
        for label in labels:
            weight = np.ones(60)
            weight[label * 5 : label * 5 + 5] = 6
            picked = rng.choice(words, size=rng.integers(3, 14), p=weight / weight.sum())
            texts.append(" ".join(picked))
        return make_task(texts, labels, held_out=60)

    return make


@pytest.fixture
def same() -> Callable[[Run, Run], bool]:
    """Whether two runs said the same to the last bit."""

    def compare(one: Run, other: Run) -> bool:
        assert (one.arm, one.seed) == (other.arm, other.seed)
        return all(
            np.array_equal(one.values[name], other.values[name], equal_nan=True)
            for name in ("label", "confidence", "truth")
        )

    return compare
