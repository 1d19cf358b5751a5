"""The marks on reviews that people have rewritten, with the pairs hidden."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from negspace.curation import Selection, curate

Labelled = list[tuple[str, str]]


def _reviews(path: Path) -> Labelled:
    with path.open(encoding="utf-8", newline="") as file:
        return [(row["Text"], row["Sentiment"]) for row in csv.DictReader(file, delimiter="\t")]


def _pool(cad: Path) -> list[dict[str, str]]:
    return [{"text": text, "label": label} for text, label in _reviews(cad / "paired_train.tsv")]


def _chosen(selection: Selection) -> Labelled:
    return [(str(row["text"]), str(row["label"])) for row in selection.records()]


def _marks(cad: Path, worth: Callable[..., list[float]], choices: Sequence[Selection]) -> list[float]:
    """Mean accuracy on ordinary reviews and on rewritten ones."""
    tests = [_reviews(cad / name) for name in ("orig_test.tsv", "new_test.tsv")]
    return [float(mean) for mean in np.mean([worth(_chosen(each), *tests) for each in choices], axis=0)]


def test_two_hundred_chosen_rows_teach_the_boundary(cad: Path, worth: Callable[..., Any]) -> None:
    choice = curate(_pool(cad), 200, strategy="near-miss-groups", workers=1)
    easy, near = _marks(cad, worth, [choice])
    assert (easy >= 0.79, near >= 0.82) == (True, True)  # random rows of this pool: .67 and .67
    assert len(choice.indices) == 200


@pytest.mark.slow
@pytest.mark.parametrize(
    ("budget", "easy", "near"), [(200, 0.80, 0.83), (400, 0.82, 0.86), (800, 0.84, 0.885)]
)
def test_the_trial_leads_to_the_marks(
    cad: Path, worth: Callable[..., Any], budget: int, easy: float, near: float
) -> None:
    pool = _pool(cad)
    choices = [curate(pool, budget, seed=seed, workers=1) for seed in range(8)]
    found = _marks(cad, worth, choices)
    print(budget, found, [each.strategy_name for each in choices])
    assert not any(each.to_dict()["fell_back"] for each in choices)
    assert (found[0] >= easy, found[1] >= near) == (True, True)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_flipped_labels_are_suspected_and_kept_out(cad: Path, seed: int) -> None:
    pool = _pool(cad)
    names = sorted({row["label"] for row in pool})
    flipped = np.zeros(len(pool), dtype=bool)
    flipped[np.random.default_rng(seed).choice(len(pool), len(pool) // 10, replace=False)] = True
    for row in np.flatnonzero(flipped):
        pool[row]["label"] = names[1 - names.index(pool[row]["label"])]
    choice = curate(pool, 400, seed=seed, workers=1)
    rows = choice.rows()
    out = np.array([row["role"] == "suspect" and not row["chosen"] for row in rows])
    print(seed, choice.strategy_name, out[flipped].mean(), out[~flipped].mean())
    assert out[flipped].mean() >= 0.60
    assert out[~flipped].mean() < 0.10
