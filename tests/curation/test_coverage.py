"""The greedy choice, against one that recomputes everything and against every possible choice."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from negspace.curation.strategies import cover


def aim(features: np.ndarray, weights: np.ndarray, chosen: list[int], decay: float) -> float:
    """The module's formula, term by term."""
    total = 0.0
    for feature, weight in enumerate(weights.tolist()):
        shown = int(features[chosen, feature].sum())
        total += sum(weight * decay**time for time in range(shown))
    return total


def drawn(seed: int, units: int = 9, features: int = 12) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    shows = (rng.random((units, features)) < 0.35).astype(float)
    return shows, rng.integers(1, 9, features) + rng.random(features), rng.random(units) + 0.5


def run(shows: np.ndarray, weights: np.ndarray, worth: np.ndarray, limit: int, **given: object) -> list[int]:
    settings: dict[str, object] = {"decay": 0.5, "counts": np.zeros(len(weights)), **given}
    admit = settings.pop("admit", lambda _unit: True)
    found = cover(
        csr_matrix(shows),
        weights,
        worth,
        admit,  # type: ignore[arg-type]
        np.random.default_rng(0),
        limit=limit,
        **settings,  # type: ignore[arg-type]
    )
    return [int(unit) for unit in found]


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("decay", [0.0, 0.5, 0.7])
def test_each_pick_adds_most(seed: int, decay: float) -> None:
    shows, weights, worth = drawn(seed)
    found = run(shows, weights, worth, 6, decay=decay)
    assert len(set(found)) == 6
    for place, unit in enumerate(found):
        before = found[:place]
        base = aim(shows, weights, before, decay)
        gains = {
            each: worth[each] * (aim(shows, weights, [*before, each], decay) - base)
            for each in set(range(len(shows))) - set(before)
        }
        assert gains[unit] == pytest.approx(max(gains.values()), abs=1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_the_choice_is_within_the_bound_of_the_best(seed: int) -> None:
    shows, weights, _ = drawn(seed)
    found = aim(shows, weights, run(shows, weights, np.ones(len(shows)), 3), 0.5)
    best = max(aim(shows, weights, list(some), 0.5) for some in combinations(range(len(shows)), 3))
    assert (1 - 1 / np.e) * best <= found <= best + 1e-9


def test_what_was_shown_before_is_worth_less() -> None:
    shows, ones = np.eye(3), np.ones(3)
    counts = np.array([0.0, 2.0, 1.0])
    assert run(shows, ones, ones, 3, counts=counts) == [0, 2, 1]
    assert counts.tolist() == [1.0, 3.0, 2.0]  # counted on


def test_a_unit_that_shows_nothing_comes_last() -> None:
    assert run(np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), np.array([1.0, 2.0]), np.ones(3), 3) == [
        2,
        1,
        0,
    ]


def test_a_refused_unit_is_asked_about_once_and_not_counted() -> None:
    shows = np.array([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    asked: list[int] = []

    def admit(unit: int) -> bool:
        asked.append(unit)
        return unit != 0

    counts = np.zeros(2)
    assert run(shows, np.array([3.0, 1.0]), np.ones(3), 3, admit=admit, counts=counts) == [1, 2]
    assert asked == [0, 1, 2]
    assert counts.tolist() == [1.0, 1.0]


def test_equal_gains_are_decided_by_the_generator() -> None:
    shows, ones = np.ones((20, 1)), np.ones(20)
    firsts = {
        int(
            cover(
                csr_matrix(shows),
                np.ones(1),
                ones,
                lambda _: True,
                rng,
                decay=0.5,
                counts=np.zeros(1),
                limit=1,
            )[0]
        )
        for rng in map(np.random.default_rng, range(30))
    }
    assert len(firsts) > 5


def test_of_no_units_none_are_chosen() -> None:
    assert run(np.zeros((0, 2)), np.ones(2), np.ones(0), 3) == []
    assert run(np.ones((2, 2)), np.ones(2), np.ones(2), 0) == []
