"""Held-out sequences: what each eval set holds, what is shared, and what nothing else may change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from negspace.errors import PlanError
from negspace.lab.concepts import Concept, Pivot, SequenceTask, Sorted, Zigzag, sequence_task
from negspace.lab.concepts import Test as Distribution
from negspace.records import EvalSet

LADDER = [Distribution(kind, 20, kind, rows_each=60) for kind in Sorted().kinds]
BOTH_LABELS = [
    Distribution("published", 6, "below", rows_each=2000, labels="published"),
    Distribution("true", 6, "below", rows_each=2000),
]


def rows_of(task: SequenceTask, name: str) -> list[tuple[tuple[int, ...], int]]:
    """Tokens and label of each row of an eval set."""
    rows = task.eval_sets[name].rows
    return [
        (tuple(task.tokens[row, : task.lengths[row]].tolist()), int(task.held_out_labels[row]))
        for row in rows
    ]


def holds(concept: Concept, tokens: tuple[int, ...]) -> bool:
    if isinstance(concept, Pivot):
        return min(tokens) == tokens[0]
    assert isinstance(concept, Sorted)
    return list(tokens) == sorted(tokens)


def test_an_eval_set_is_positives_then_negatives_with_the_checkers_labels() -> None:
    for concept, tests in ((Sorted(), LADDER), (Pivot(), BOTH_LABELS[1:])):
        task = sequence_task(concept, tests, seed=0)
        assert task.concept == concept.name
        assert task.label_names == ("no", "yes")
        assert list(task.eval_sets) == [test.name for test in tests]
        for test in tests:
            rows = rows_of(task, test.name)
            assert len(rows) == 2 * test.rows_each
            assert {len(tokens) for tokens, _ in rows} == {test.length}
            assert all(label == 1 for _, label in rows[: test.rows_each])
            assert all(label == holds(concept, tokens) for tokens, label in rows)


def test_published_labels_call_every_negative_negative() -> None:
    task = sequence_task(Pivot(), BOTH_LABELS, seed=0)
    published, true = rows_of(task, "published"), rows_of(task, "true")
    assert [tokens for tokens, _ in published] == [tokens for tokens, _ in true]
    assert [label for _, label in published] == [1] * 2000 + [0] * 2000
    differing = sum(a != b for a, b in zip(published, true, strict=True))
    assert differing == sum(holds(Pivot(), tokens) for tokens, _ in published[2000:])
    assert 0 < differing < 40
    # Rows are stored once, but those of two labels twice.
    assert len(task.tokens) == 4000 + differing
    for row, (tokens, label) in zip(task.eval_sets["true"].rows, true, strict=True):
        assert task.held_out_labels[row] == label
        assert tuple(task.tokens[row]) == tokens


@pytest.mark.parametrize("tests", [BOTH_LABELS[:1], BOTH_LABELS[1:]], ids=["published", "true"])
def test_rows_are_stored_under_the_labels_asked_for_alone(tests: list[Distribution]) -> None:
    assert len(sequence_task(Pivot(), tests, seed=0).tokens) == 4000


def test_partners_and_clusters_of_near_misses() -> None:
    task = sequence_task(Sorted(), LADDER, seed=1)
    for kind in Sorted().kinds[:-1]:
        each = task.eval_sets[kind]
        assert each.partner is not None
        assert np.array_equal(each.rows[:60], each.partner[60:])
        assert np.array_equal(each.rows[60:], each.partner[:60])
        # A near miss of a sorted sample has the same tokens, in another order.
        assert np.array_equal(np.sort(task.tokens[each.rows]), np.sort(task.tokens[each.partner]))
        assert np.array_equal(task.held_out_clusters[each.rows], task.held_out_clusters[each.partner])
    sizes = np.unique(task.held_out_clusters, return_counts=True)[1]
    # A positive with its six near misses, and each random row alone.
    assert sorted(sizes.tolist()) == [1] * 60 + [7] * 60
    assert task.eval_sets["random"].partner is None
    random = task.held_out_clusters[task.eval_sets["random"].rows[60:]]
    assert len(np.setdiff1d(random, task.held_out_clusters[task.eval_sets["swap"].rows])) == 60


def test_a_row_of_two_labels_is_one_cluster() -> None:
    task = sequence_task(Pivot(), BOTH_LABELS, seed=0)
    published, true = task.eval_sets["published"], task.eval_sets["true"]
    assert np.array_equal(task.held_out_clusters[published.rows], task.held_out_clusters[true.rows])
    assert len(np.unique(task.held_out_clusters)) == 2000


def test_tests_of_one_length_share_their_positives() -> None:
    task = sequence_task(Sorted(), LADDER, seed=2)
    assert len(task.tokens) == 60 * (1 + len(LADDER))
    first = task.eval_sets["swap"].rows[:60]
    assert all(np.array_equal(task.eval_sets[kind].rows[:60], first) for kind in Sorted().kinds)


def test_shorter_rows_are_padded() -> None:
    tests = [Distribution("short", 8, "swap", 10), Distribution("long", 40, "swap", 10)]
    task = sequence_task(Sorted(), tests, seed=0)
    assert task.tokens.shape == (40, 40)
    assert task.lengths.tolist() == [8] * 20 + [40] * 20
    assert not task.tokens[:20, 8:].any()
    assert task.tokens.dtype == np.int32


@pytest.mark.parametrize("concept", [Sorted(), Zigzag(), Pivot()], ids=lambda concept: concept.name)
def test_other_tests_leave_a_tests_rows_unchanged(concept: Concept) -> None:
    near = concept.kinds[0]
    test = Distribution("it", 12, near, 50)
    others = [
        Distribution("published", 12, near, 50, labels="published"),
        Distribution("far", 12, "random", 50),
        Distribution("more", 12, near, 80),
        Distribution("longer", 20, near, 50),
    ]
    alone = rows_of(sequence_task(concept, [test], seed=3), "it")
    for tests in ([*others, test], [test, *others], [others[3], test, others[0]]):
        assert rows_of(sequence_task(concept, tests, seed=3), "it") == alone
    # Nor does its name matter, but size and length have rows of their own.
    task = sequence_task(concept, [replace(test, name="renamed"), *others], seed=3)
    assert rows_of(task, "renamed") == alone
    assert not {tokens for tokens, _ in rows_of(task, "more")} & {tokens for tokens, _ in alone}


def test_the_seed_decides_the_rows_and_nothing_global() -> None:
    one = sequence_task(Sorted(), LADDER, seed=7)
    np.random.seed(1)  # noqa: NPY002
    two = sequence_task(Sorted(), LADDER, seed=7)
    assert one.fingerprint == two.fingerprint
    assert all(rows_of(one, test.name) == rows_of(two, test.name) for test in LADDER)
    assert rows_of(sequence_task(Sorted(), LADDER, seed=8), "swap") != rows_of(one, "swap")


def test_every_part_of_a_test_has_a_random_stream_of_its_own() -> None:
    streams = [
        Distribution("any", length, "swap", rows_each).rng(concept, what, seed).integers(2**63)
        for concept in (Sorted(), Zigzag(), Pivot())
        for length in (20, 40)
        for rows_each in (250, 500)
        for what in ("positives", *Sorted().kinds)
        for seed in (0, 1, 20, 2**40)
    ]
    assert len(set(streams)) == len(streams)


def test_the_fingerprint_changes_with_the_content() -> None:
    swap, far = Distribution("near", 12, "swap", 5), Distribution("far", 12, "random", 5)
    plain = Distribution("easy", 12, "random", 5)

    def of(tests: Sequence[Distribution], concept: Concept = Sorted(), seed: int = 0) -> str:  # noqa: B008
        return sequence_task(concept, tests, seed=seed).fingerprint

    prints = [
        of([swap]),
        of([swap], seed=1),
        of([swap, far]),
        of([far, swap]),
        of([far]),
        of([replace(swap, name="other")]),
        of([replace(swap, length=13)]),
        of([replace(swap, rows_each=6)]),
        of([replace(swap, negatives="displaced")]),
        of([plain], Zigzag()),
        of([plain], Pivot()),
        *(of([test], Pivot()) for test in BOTH_LABELS),
    ]
    assert len(set(prints)) == len(prints)
    assert all(len(each) == 64 for each in prints)


def test_the_fingerprint_takes_in_every_field() -> None:
    task = sequence_task(Sorted(), LADDER[:2], seed=0)
    swap, two = task.eval_sets.values()

    def bumped(array: np.ndarray) -> np.ndarray:
        other = array.copy()
        other.flat[-1] += 1
        return other

    def of_sets(*sets: EvalSet) -> str:
        return replace(task, eval_sets={each.name: each for each in sets}).fingerprint

    assert swap.partner is not None
    assert of_sets(swap, two) == replace(task).fingerprint == task.fingerprint
    arrays = ("tokens", "lengths", "held_out_labels", "held_out_clusters")
    others = [replace(task, **{name: bumped(getattr(task, name))}).fingerprint for name in arrays]
    others += [
        of_sets(replace(swap, rows=bumped(swap.rows)), two),
        of_sets(replace(swap, partner=bumped(swap.partner)), two),
        of_sets(replace(swap, partner=None), two),
        of_sets(swap),
        replace(task, label_names=("yes", "no")).fingerprint,
        replace(task, concept="pivot").fingerprint,
    ]
    assert len({task.fingerprint, *others}) == 1 + len(others)


@pytest.mark.parametrize(
    ("tests", "says"),
    [
        ([], "at least one test"),
        ([LADDER[0], LADDER[0]], "two tests are named 'swap'"),
        ([Distribution("a", 20, "swap", 0)], "'a' is empty\n  got:  rows_each=0, length=20"),
        ([Distribution("a", 0, "swap", 5)], "'a' is empty"),
        ([Distribution("a", 20, "swop", 5)], "no negatives 'swop'\n  hint: did you mean 'swap'"),
        ([Distribution("a", 51, "swap", 5)], "1 to 50 tokens\n  got:  length 51"),
        ([Distribution("a", 7, "four swaps", 5)], "8 to 50 tokens\n  got:  length 7"),
    ],
)
def test_what_cannot_be_drawn_is_refused(tests: list[Distribution], says: str) -> None:
    with pytest.raises(PlanError) as raised:
        sequence_task(Sorted(), tests, seed=0)
    assert says in str(raised.value)


def test_a_seed_below_zero_is_refused() -> None:
    with pytest.raises(PlanError, match="a seed is not negative"):
        sequence_task(Sorted(), LADDER, seed=-1)
