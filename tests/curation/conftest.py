"""Pools drawn at random, made ones with a known answer, and what a model trained on chosen rows is worth."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from negspace.curation import RowPool
from negspace.demo import tickets
from negspace.evaluation import assemble_task
from negspace.models import RowsArm, TfidfLearner
from negspace.records import EvalSet
from negspace.search import embed

Rows = list[dict[str, Any]]
Labelled = Sequence[tuple[str, str]]


@pytest.fixture(scope="session")
def made_pool() -> Callable[..., RowPool]:
    """A pool of these texts and labels; what is not given is empty."""

    def make(texts: list[str], labels: list[int], **given: Any) -> RowPool:
        rows, none = np.arange(len(texts)), np.zeros(len(texts), dtype=bool)
        names = tuple(f"label{i}" for i in range(max(labels) + 1))
        fields: dict[str, Any] = {
            "clusters": rows,
            "groups": rows,
            "probabilities": np.full((len(texts), len(names)), 1 / len(names)),
            "suspected": none,
            "redundant": none,
            **{name: np.asarray(value) for name, value in given.items()},
        }
        return RowPool(tuple(texts), np.array(labels), names, embed(tuple(texts)), **fields)

    return make


@pytest.fixture(scope="session")
def drawn_pool(made_pool: Callable[..., RowPool]) -> Callable[..., RowPool]:
    """Random words; the first ``2 * pairs`` rows are pairs of two labels."""

    def draw(rows: int = 60, pairs: int = 12, n_labels: int = 2, seed: int = 0, **given: Any) -> RowPool:
        rng = np.random.default_rng(seed)
        words = [f"word{i}" for i in range(50)]
        texts = [" ".join(rng.choice(words, size=rng.integers(3, 9))) for _ in range(rows)]
        labels = rng.integers(n_labels, size=rows)
        labels[:n_labels] = np.arange(n_labels)
        for pair in range(pairs):
            texts[2 * pair + 1] = f"{texts[2 * pair]} x{pair}"
            labels[2 * pair + 1] = (labels[2 * pair] + 1) % n_labels
        groups = np.arange(rows)
        groups[1 : 2 * pairs : 2] = groups[: 2 * pairs : 2]
        return made_pool(texts, labels.tolist(), **{"groups": groups, "clusters": groups, **given})

    return draw


@pytest.fixture(scope="session")
def ticket_pool() -> Callable[..., Rows]:
    """Tickets in random order: ordinary ones with a short cut, the mood, and pairs that the verb parts."""

    def draw(ordinary: int = 400, pairs: int = 60, seed: int = 0) -> Rows:
        rng = np.random.default_rng(seed)
        rows = [
            {"text": ticket.text, "label": ticket.label, "pair": f"alone {number}", "origin": "human"}
            for number, ticket in enumerate(
                tickets.ordinary(rng, tickets.LABELS[i % 2]) for i in range(ordinary)
            )
        ]
        for number, pair in enumerate(tickets.written_pairs(rng, pairs)):
            rows += [
                {"text": ticket.text, "label": ticket.label, "pair": f"pair {number}", "origin": "made"}
                for ticket in pair
            ]
        return [rows[place] for place in rng.permutation(len(rows))]

    return draw


@pytest.fixture(scope="session")
def plain_pool() -> Callable[..., Rows]:
    """Texts of random words whose label one of them gives away: no row has a near miss or says more."""

    def draw(rows: int = 300, seed: int = 0, labels: Mapping[str, str] | None = None) -> Rows:
        rng = np.random.default_rng(seed)
        words = [f"w{number}" for number in range(400)]
        signs = labels or {"good": "pos", "bad": "neg"}
        names = list(signs)
        return [
            {
                "text": " ".join([names[row % len(names)], *rng.choice(words, 8)]),
                "label": signs[names[row % len(names)]],
            }
            for row in range(rows)
        ]

    return draw


@pytest.fixture(scope="session")
def worth() -> Callable[..., list[float]]:
    """Accuracy of the TF-IDF learner, trained on some rows, on each of several test sets."""

    def measure(train: Labelled, *tests: Labelled) -> list[float]:
        rows = [*train, *(row for test in tests for row in test)]
        names = tuple(sorted({label for _, label in rows}))
        sizes = np.cumsum([0, *map(len, tests)])
        sets = [EvalSet(f"test {i}", np.arange(sizes[i], sizes[i + 1])) for i in range(len(tests))]
        task = assemble_task(
            tuple(text for text, _ in rows),
            np.array([names.index(label) for _, label in rows]),
            names,
            np.arange(len(rows)),
            len(train),
            sets,
            np.full(len(rows) - len(train), np.nan),
        )
        (run,) = TfidfLearner().runs(task, [(RowsArm("all", np.arange(len(train)), 1.0), 0)], workers=1)
        right = run.values["label"] == task.held_out_labels
        return [float(right[each.rows].mean()) for each in sets]

    return measure
