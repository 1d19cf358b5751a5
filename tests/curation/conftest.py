"""Pools drawn at random, with groups, suspects and true rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from negspace.curation.pool import Pool
from negspace.negatives import embed


@pytest.fixture(scope="session")
def made_pool() -> Callable[..., Pool]:
    """A pool of these texts and labels; what is not given is empty."""

    def make(texts: list[str], labels: list[int], **given: Any) -> Pool:
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
        return Pool(tuple(texts), np.array(labels), names, embed(tuple(texts)), **fields)

    return make


@pytest.fixture(scope="session")
def drawn_pool(made_pool: Callable[..., Pool]) -> Callable[..., Pool]:
    """Random words; the first ``2 * pairs`` rows are pairs of two labels."""

    def draw(rows: int = 60, pairs: int = 12, n_labels: int = 2, seed: int = 0, **given: Any) -> Pool:
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
