"""Training rows: what is drawn is what was asked for, and more steps begin with the same rows."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from negspace.errors import PlanError
from negspace.lab.concepts import Pivot, Sorted
from negspace.lab.replicas import (
    CHUNK,
    NOTHING,
    POSITIVE,
    Adam,
    Batches,
    Draw,
    LstmNet,
    ReplicaArm,
    TrueRows,
    against,
    batches_of,
    check_mix,
    initial,
    pick,
)

SWAPS = TrueRows(Sorted(), {"swap": 1.0})


def all_of(arm: ReplicaArm, seed: int, steps: int) -> list[Batches]:
    return list(batches_of(arm, seed, steps))


def rows_of(batches: Batches) -> tuple[list[np.ndarray], np.ndarray]:
    """Every row without its padding, and its label."""
    rows = [
        batches.tokens[step, :length, row]
        for step, length in enumerate(batches.lengths)
        for row in range(batches.tokens.shape[2])
    ]
    return rows, batches.labels.ravel()


def is_sorted(row: np.ndarray) -> bool:
    return all(a <= b for a, b in pairwise(row))


def test_labels_lengths_and_rows_are_as_asked() -> None:
    (batches,) = all_of(ReplicaArm("a", SWAPS), 0, CHUNK)
    rows, labels = rows_of(batches)
    assert [is_sorted(row) for row in rows] == (labels == 1).tolist()
    assert stats.binomtest(int(labels.sum()), len(labels), 0.5).pvalue > 1e-3
    counts = np.bincount(batches.lengths, minlength=13)[6:]
    assert counts.sum() == CHUNK
    assert stats.chisquare(counts).pvalue > 1e-3


def test_a_mix_draws_each_kind_by_its_share() -> None:
    mixed = TrueRows(Sorted(), {"random": 0.8, "swap": 0.2})
    (batches,) = all_of(ReplicaArm("a", mixed, lengths=(12, 12)), 1, CHUNK)
    rows, labels = rows_of(batches)
    descents = np.array([sum(a > b for a, b in pairwise(row)) for row in rows])
    negatives = descents[labels == 0]
    # Twelve uniform tokens have a single descent in one of some hundred thousand draws.
    near = int((negatives == 1).sum())
    assert stats.binomtest(near, len(negatives), 0.2).pvalue > 1e-3


def test_fewer_steps_are_the_beginning_of_more() -> None:
    arm = ReplicaArm("a", SWAPS, net=LstmNet(4, "random"))
    long = all_of(arm, 3, 2 * CHUNK + 50)
    short = all_of(arm, 3, CHUNK + 7)
    assert [len(part.lengths) for part in long] == [CHUNK, CHUNK, 50]
    assert [len(part.lengths) for part in short] == [CHUNK, 7]
    for a, b in zip(short, long, strict=False):
        steps = len(a.lengths)
        for part in ("tokens", "against", "labels", "lengths"):
            np.testing.assert_array_equal(getattr(a, part), getattr(b, part)[:steps])


def test_seeds_and_chunks_differ() -> None:
    arm = ReplicaArm("a", SWAPS)
    first, second = all_of(arm, 0, 2 * CHUNK)
    (other,) = all_of(arm, 1, CHUNK)
    assert (first.tokens != second.tokens).any()
    assert (first.tokens != other.tokens).any()


def test_arms_of_a_seed_share_lengths_labels_positives_and_initial_values() -> None:
    random = ReplicaArm("r", TrueRows(Sorted(), {"random": 1.0}))
    near = ReplicaArm("n", SWAPS)
    (a,), (b,) = all_of(random, 5, CHUNK), all_of(near, 5, CHUNK)
    np.testing.assert_array_equal(a.lengths, b.lengths)
    np.testing.assert_array_equal(a.labels, b.labels)
    positive = np.broadcast_to((a.labels == 1)[:, None, :], a.tokens.shape)
    np.testing.assert_array_equal(a.tokens[positive], b.tokens[positive])
    assert (a.tokens[~positive] != b.tokens[~positive]).any()
    np.testing.assert_array_equal(initial(random, 5), initial(near, 5))
    assert (initial(random, 5) != initial(random, 6)).any()


def test_the_global_generator_decides_nothing() -> None:
    arm = ReplicaArm("a", SWAPS)
    np.random.seed(1)  # noqa: NPY002  (the global generator is what must not matter)
    (one,) = all_of(arm, 0, 10)
    np.random.seed(2)  # noqa: NPY002
    (two,) = all_of(arm, 0, 10)
    np.testing.assert_array_equal(one.tokens, two.tokens)


def test_published_labels_call_every_near_miss_negative_and_the_checker_does_not() -> None:
    def drawn(*, checked: bool) -> tuple[np.ndarray, np.ndarray]:
        rows = TrueRows(Pivot(), {"below": 1.0}, checked=checked)
        return rows.draw(Draw(0, 0, 0, 60_000, 6))

    tokens, published = drawn(checked=False)
    same, checked = drawn(checked=True)
    np.testing.assert_array_equal(tokens, same)
    holds = (tokens[:, 1:] >= tokens[:, :1]).all(axis=1)
    np.testing.assert_array_equal(checked == 1, holds)
    # A first value of 0 (1 of 26) falls back on six uniform tokens, whose first is least with p = .1768:
    # sum over v of (1 - v / 50)^5 / 50.
    wrong = int((holds & (published == 0)).sum())
    valid = sum((1 - v / 50) ** 5 for v in range(50)) / 50
    assert stats.binomtest(wrong, int((published == 0).sum()), valid / 26).pvalue > 1e-3


def test_each_delta_subtracts_the_token_it_names() -> None:
    tokens = np.random.default_rng(0).integers(50, size=(500, 9), dtype=np.int32)
    rng = np.random.default_rng(1)
    assert against(tokens, None, rng) is None
    neighbour = against(tokens, "neighbour", rng)
    assert neighbour is not None
    for row, its in zip(tokens.tolist(), neighbour.tolist(), strict=True):
        assert its == [NOTHING, *row[:-1]]
    anchor = against(tokens, "anchor", rng)
    assert anchor is not None
    assert all(set(its) == {row[0]} for row, its in zip(tokens.tolist(), anchor.tolist(), strict=True))
    assert rng.bit_generator.state == np.random.default_rng(1).bit_generator.state
    positions = np.arange(9, dtype=np.int32)[None].repeat(20_000, axis=0)
    drawn = against(positions, "random", rng)
    assert drawn is not None
    assert stats.chisquare(np.bincount(drawn.ravel(), minlength=9)).pvalue > 1e-3


def test_kinds_are_picked_by_their_shares() -> None:
    rng = np.random.default_rng(0)
    kinds = pick(rng, {POSITIVE: 1 / 3, "random": 1 / 3, "swap": 1 / 3}, 30_000)
    counts = [int((kinds == kind).sum()) for kind in (POSITIVE, "random", "swap")]
    assert sum(counts) == 30_000
    assert stats.chisquare(counts).pvalue > 1e-3


@pytest.mark.parametrize(
    ("mix", "message"),
    [
        ({"swop": 1.0}, "no kind of row 'swop'\n.*did you mean 'swap'"),
        ({"swap": 0.5}, "sum to 1"),
        ({"swap": 1.5, "random": -0.5}, "not negative"),
        ({}, "sum to 1"),
    ],
)
def test_a_mix_that_is_none_is_refused(mix: dict[str, float], message: str) -> None:
    with pytest.raises(PlanError, match=message):
        check_mix(mix, Sorted().kinds)


@pytest.mark.parametrize(
    "settings",
    [{"steps": 0}, {"batch": 0}, {"lengths": (0, 5)}, {"lengths": (7, 6)}],
)
def test_an_arm_that_cannot_train_is_refused(settings: dict[str, object]) -> None:
    with pytest.raises(PlanError, match="steps, batch and lengths"):
        ReplicaArm("a", SWAPS, **settings)


def test_settings_of_the_optimiser_are_checked() -> None:
    with pytest.raises(PlanError, match="lr and eps"):
        Adam(lr=0.0)
