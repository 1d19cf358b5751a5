"""Pseudo-labels: what a teacher says is what is trained on, and the truth enters as it is asked to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from negspace.errors import PlanError
from negspace.lab.concepts import Sorted
from negspace.lab.replicas import (
    POSITIVE,
    BestOf,
    Confident,
    Draw,
    Oracle,
    PseudoLabelledRows,
    ReplicaArm,
    Teacher,
    TrueRows,
)

THIRDS = {POSITIVE: 1 / 3, "random": 1 / 3, "swap": 1 / 3}
FIRST = ReplicaArm("0", TrueRows(Sorted(), {"swap": 1.0}), steps=400)
N, LENGTH = 30_000, 8
DRAW = Draw(0, 1, 0, N, LENGTH)


def even_first(tokens: np.ndarray) -> np.ndarray:
    """A teacher whose opinion has nothing to do with the truth, and can be read off a row."""
    return np.where(tokens[:, 0] % 2 == 0, 0.9, 0.2).astype(np.float32)


def constant(value: float) -> Teacher:
    return lambda tokens: np.full(len(tokens), value, dtype=np.float32)


def drawn(
    rows: PseudoLabelledRows, teachers: Sequence[Teacher] = (even_first,)
) -> tuple[np.ndarray, np.ndarray]:
    return rows.draw(replace(DRAW, teachers=list(teachers)))


def share(found: np.ndarray, expected: float) -> bool:
    return bool(stats.binomtest(int(found.sum()), len(found), expected).pvalue > 1e-3)


def test_hard_labels_are_the_likelier_ones_and_soft_ones_the_probabilities() -> None:
    tokens, hard = drawn(PseudoLabelledRows(FIRST, THIRDS))
    np.testing.assert_array_equal(hard, tokens[:, 0] % 2 == 0)
    tokens, soft = drawn(PseudoLabelledRows(FIRST, THIRDS, labels="soft"))
    np.testing.assert_array_equal(soft, even_first(tokens))


def test_sampled_labels_follow_the_probabilities() -> None:
    tokens, labels = drawn(PseudoLabelledRows(FIRST, THIRDS, labels="sampled"))
    even = tokens[:, 0] % 2 == 0
    assert set(labels.tolist()) == {0.0, 1.0}
    assert share(labels[even], 0.9)
    assert share(labels[~even], 0.2)


def test_inputs_are_of_the_mix() -> None:
    tokens, _ = drawn(PseudoLabelledRows(FIRST, THIRDS))
    assert share(Sorted().holds(tokens), 1 / 3)


def test_true_rows_come_in_their_share_with_their_own_labels() -> None:
    # The teacher says 0.5 of everything, so a soft label of 0 or 1 is the truth's.
    tokens, labels = drawn(PseudoLabelledRows(FIRST, THIRDS, labels="soft", true_share=0.3), [constant(0.5)])
    true = labels != 0.5
    assert share(true, 0.3)
    np.testing.assert_array_equal(labels[true] == 1, Sorted().holds(tokens[true]))
    assert share(labels[true], 0.5)


def test_original_rows_are_rows_of_generation_0() -> None:
    from negspace.lab.replicas import batches_of

    rows = PseudoLabelledRows(FIRST, THIRDS, labels="soft", true_share=0.5, true_rows="original")
    tokens, labels = drawn(rows, [constant(0.5)])
    originals = set()
    for batches in batches_of(FIRST, 0, FIRST.steps):
        for step in np.flatnonzero(batches.lengths == LENGTH):
            for row in range(32):
                originals.add(
                    (*batches.tokens[step, :LENGTH, row].tolist(), float(batches.labels[step, row]))
                )
    true = labels != 0.5
    assert share(true, 0.5)
    assert all(
        (*row, label) in originals
        for row, label in zip(tokens[true].tolist(), labels[true].tolist(), strict=True)
    )


def test_accumulated_rows_come_from_all_generations_alike() -> None:
    second = ReplicaArm("1", PseudoLabelledRows(FIRST, THIRDS, labels="soft"), steps=400)
    rows = PseudoLabelledRows(second, THIRDS, labels="soft", true_rows="accumulated")
    assert rows.generation == 2
    _, labels = rows.draw(Draw(0, 2, 0, N, LENGTH, [constant(0.25), constant(0.75)]))
    counts = [int((labels == 0.25).sum()), int((labels == 0.75).sum()), int(np.isin(labels, (0, 1)).sum())]
    assert sum(counts) == N
    assert stats.chisquare(counts).pvalue > 1e-3


def test_an_oracle_keeps_what_is_true() -> None:
    tokens, labels = drawn(PseudoLabelledRows(FIRST, THIRDS, verifier=Oracle()))
    assert len(labels) == N
    np.testing.assert_array_equal(labels == 1, Sorted().holds(tokens))


def test_a_noisy_oracle_lets_through_what_its_errors_let_through() -> None:
    holds = np.random.default_rng(0).random(N) < 0.5
    probability = np.where(np.random.default_rng(1).random(N) < 0.5, 0.9, 0.1).astype(np.float32)
    right = (probability > 0.5) == holds
    kept = Oracle(0.7).keeps(holds, probability, np.random.default_rng(2))
    assert share(kept[right], 0.7)
    assert share(kept[~right], 0.3)


def test_confidence_keeps_what_the_teacher_is_sure_of() -> None:
    probability = np.array([0.05, 0.1, 0.11, 0.5, 0.89, 0.9, 0.99], dtype=np.float32)
    kept = Confident(0.9).keeps(np.zeros(7, dtype=bool), probability, np.random.default_rng(0))
    assert kept.tolist() == [True, True, False, False, False, True, True]


def test_what_a_verifier_leaves_empty_is_filled_unverified() -> None:
    rows = PseudoLabelledRows(FIRST, THIRDS, labels="soft", verifier=Confident(0.9))
    tokens, labels = rows.draw(replace(DRAW, rows=10, teachers=[constant(0.5)]))
    assert tokens.shape == (10, LENGTH)
    assert set(labels.tolist()) == {0.5}
    assert len(np.unique(tokens, axis=0)) == 10


def test_accumulated_rows_of_two_teachers_are_drawn_apart() -> None:
    second = ReplicaArm("1", PseudoLabelledRows(FIRST, THIRDS, labels="soft"), steps=400)
    rows = PseudoLabelledRows(second, THIRDS, labels="soft", true_rows="accumulated")
    tokens, labels = rows.draw(Draw(0, 2, 0, N, LENGTH, [constant(0.25), constant(0.75)]))
    one, other = tokens[labels == 0.25], tokens[labels == 0.75]
    agree = Sorted().holds(one[:9000]) == Sorted().holds(other[:9000])
    assert share(agree, 1 / 9 + 4 / 9)  # both sorted, or both not
    shared = set(map(tuple, one.tolist())) & set(map(tuple, other.tolist()))
    assert len(shared) < 10


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"true_share": 1.5}, "lies between 0 and 1"),
        ({"labels": "hrad"}, "labels are hard, soft, sampled"),
        ({"true_rows": "orig"}, "true_rows are fresh"),
        ({"mix": {"swap": 0.5}}, "sum to 1"),
    ],
)
def test_settings_that_are_none_are_refused(settings: dict[str, object], message: str) -> None:
    # Without the type checks of these tests, which would refuse some of it before.
    unchecked = object.__new__(PseudoLabelledRows)
    unchecked.__dict__.update(
        {
            "teacher": FIRST,
            "mix": THIRDS,
            "labels": "hard",
            "true_share": 0.0,
            "true_rows": "fresh",
            **settings,
        }
    )
    with pytest.raises(PlanError, match=message):
        unchecked.__post_init__()


def test_verifiers_and_teachers_that_make_no_sense_are_refused() -> None:
    with pytest.raises(PlanError, match="accuracy lies between"):
        Oracle(7.0)
    with pytest.raises(PlanError, match=r"from 0.5 to 1"):
        Confident(0.3)
    with pytest.raises(PlanError, match="best checkpoint"):
        PseudoLabelledRows(replace(FIRST, best_of=BestOf(2, "hard")), THIRDS)


def test_a_teacher_is_known_by_what_it_learnt_from_and_not_by_its_name() -> None:
    def described(teacher: ReplicaArm) -> object:
        return PseudoLabelledRows(teacher, THIRDS).describe()

    assert described(FIRST) == described(replace(FIRST, name="other"))
    assert described(FIRST) != described(replace(FIRST, steps=401))
