"""Roles of rows on sets where they are planted."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from negspace.data import Examples, grouped_folds
from negspace.evaluation import Role, RowRoles, sort_rows, suspects
from negspace.models import TfidfLearner
from negspace.search import components, embed, nearest, nearest_in_group

NAMES = ("bad", "good")
FILLER = [f"word{i}" for i in range(400)]


def sorted_rows(
    texts: list[str],
    labels: list[int],
    *,
    groups: list[int] | None = None,
    suspected: list[int] | None = None,
    probabilities: np.ndarray | None = None,
) -> RowRoles:
    labels_ = np.array(labels)
    embedding = embed(tuple(texts))
    in_group = None if groups is None else nearest_in_group(embedding, labels_, np.array(groups))
    if probabilities is None:
        probabilities = np.eye(2)[labels_] * 0.8 + 0.1
    flagged = np.isin(np.arange(len(texts)), suspected or [])
    examples = Examples(tuple(texts), labels_, NAMES)
    return sort_rows(examples, nearest(embedding, labels_), in_group, probabilities, flagged)


def planted() -> tuple[list[str], np.ndarray, list[Role]]:
    """300 plain rows, 60 near misses of each other, 20 near-duplicates, 12 flipped labels."""
    rng = np.random.default_rng(0)
    telling = {0: ["awful", "dull", "poor", "weak"], 1: ["superb", "lovely", "great", "fine"]}
    texts, labels, roles = [], [], []

    def sentence(label: int, length: int = 12) -> list[str]:
        return [
            *rng.choice(FILLER, size=length, replace=False),
            *rng.choice(telling[label], 2, replace=False),
        ]

    for i in range(300):
        texts.append(" ".join(sentence(i % 2)))
        labels.append(i % 2)
        roles.append(Role.PLAIN)
    for _ in range(30):
        body = list(rng.choice(FILLER, size=14, replace=False))
        for label in (0, 1):
            texts.append(" ".join([*body, *telling[label][:2]]))
            labels.append(label)
            roles.append(Role.BOUNDARY)
    for i in range(10):
        body = sentence(i % 2, 20)
        for words in (body, body[::-1]):
            texts.append(" ".join(words))
            labels.append(i % 2)
            roles.append(Role.REDUNDANT)
    for i in range(12):
        texts.append(" ".join([*sentence(i % 2, 6), *telling[i % 2]]))
        labels.append(1 - i % 2)
        roles.append(Role.SUSPECT)
    return texts, np.array(labels), roles


def test_roles_come_out_as_planted() -> None:
    texts, labels, expected = planted()
    neighbours = nearest(embed(tuple(texts)), labels)
    clusters = components(len(texts), neighbours.links)
    folds = grouped_folds(labels, clusters, 5, 0)
    probabilities = TfidfLearner().out_of_fold(tuple(texts), labels, 2, folds, seed=0, workers=1)
    suspected = suspects(labels, probabilities)
    roles = sort_rows(Examples(tuple(texts), labels, NAMES), neighbours, None, probabilities, suspected)
    for role in (Role.BOUNDARY, Role.REDUNDANT):
        rows = [i for i, r in enumerate(expected) if r is role]
        assert np.mean([roles.role[i] is role for i in rows]) >= 0.9, role
    flipped = [i for i, r in enumerate(expected) if r is Role.SUSPECT]
    assert sum(roles.role[i] is Role.SUSPECT for i in flipped) >= 11
    good = [i for i, r in enumerate(expected) if r is not Role.SUSPECT]
    assert np.mean([roles.role[i] is Role.SUSPECT for i in good]) <= 0.05
    np.testing.assert_array_equal(roles.label_quality, probabilities[np.arange(len(labels)), labels])


def test_counts_add_up() -> None:
    texts, labels, _ = planted()
    roles = sorted_rows(texts, labels.tolist())
    count = roles.count()
    assert list(count) == ["boundary", "redundant", "suspect", "plain"]
    assert sum(count.values()) == len(texts)
    assert count["suspect"] == 0
    assert count["boundary"] == 60


def test_a_row_says_which_row_decided() -> None:
    texts = ["a b c d e", "a b c d f", "p q r s t", "t s r q p", "x y z"]
    roles = sorted_rows(texts, [0, 1, 1, 1, 0])
    assert roles.role == (Role.BOUNDARY, Role.BOUNDARY, Role.REDUNDANT, Role.REDUNDANT, Role.PLAIN)
    assert roles.neighbour.tolist() == [1, 0, 3, 2, -1]
    assert roles.distance[:4] == pytest.approx([roles.distance[1], roles.distance[0], 0, 0], abs=1e-6)
    assert np.isnan(roles.distance[4])
    assert roles.reason[0] == f"{roles.distance[0]:.2f} from row 2 (good)"
    assert roles.reason[2] == "0.00 from row 4 of its own label"
    assert roles.reason[4] == "shares no word with a row of another label"


def test_a_reason_names_the_line_of_the_file() -> None:
    examples = Examples(("a b c d e", "a b c d f"), np.array([0, 1]), NAMES, lines=np.array([2, 7]))
    neighbours = nearest(embed(examples.texts), examples.labels)
    roles = sort_rows(examples, neighbours, None, np.full((2, 2), 0.5), np.zeros(2, dtype=bool), unit="line")
    assert [reason.partition(" from ")[2] for reason in roles.reason] == ["line 7 (good)", "line 2 (bad)"]


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("other", ["A  b C\nd", "a b c d"])
def test_the_same_text_with_two_labels_is_suspect(other: str, grouped: bool) -> None:
    """Also where another row is as near, or a group says that the near miss is another one."""
    texts = ["a b c d", "d c b a", other, "a b c e"]
    roles = sorted_rows(texts, [0, 1, 1, 1], groups=[5, 5, 6, 5] if grouped else None)
    assert roles.role[0] is roles.role[2] is Role.SUSPECT
    assert (roles.neighbour[0], roles.neighbour[2]) == (2, 0)
    assert (roles.distance[0], roles.distance[2]) == (0, 0)
    assert roles.reason[0] == "same text as row 3 (good)"
    assert roles.role[1] is roles.role[3] is Role.BOUNDARY


def test_the_same_text_without_words_with_two_labels_is_suspect() -> None:
    roles = sorted_rows(["?!", "?!", "??"], [0, 1, 1])
    assert roles.role == (Role.SUSPECT, Role.SUSPECT, Role.PLAIN)
    # Without words no row is near any other: the distance is that of the same text.
    assert roles.neighbour[:2].tolist() == [1, 0]
    assert roles.distance[:2].tolist() == [0, 0]


def test_the_same_text_with_one_label_is_redundant() -> None:
    roles = sorted_rows(["a b", "a b", "c d"], [0, 0, 1])
    assert roles.role[:2] == (Role.REDUNDANT, Role.REDUNDANT)


def test_a_suspected_label_goes_before_a_near_miss_and_a_group() -> None:
    texts = ["a b c d", "a b c e", "f g h"]
    probabilities = np.array([[0.2, 0.8], [0.1, 0.9], [0.6, 0.4]])
    for groups in (None, [1, 1, 2]):
        roles = sorted_rows(texts, [0, 1, 0], groups=groups, suspected=[0], probabilities=probabilities)
        assert roles.role[:2] == (Role.SUSPECT, Role.BOUNDARY)
        assert roles.reason[0] == "models that never saw it give bad 0.20 and good 0.80"
        assert roles.label_quality.tolist() == [0.2, 0.9, 0.6]


def test_a_group_makes_a_near_miss_however_far() -> None:
    roles = sorted_rows(["a b c", "x y z", "x y w"], [0, 1, 0], groups=[1, 1, 2])
    assert roles.role == (Role.BOUNDARY, Role.BOUNDARY, Role.BOUNDARY)
    assert roles.neighbour.tolist() == [1, 0, 1]
    assert roles.reason[0] == "in one group with row 2 (good)"
    assert roles.distance[0] == 1


def test_suspects_are_the_flipped_labels() -> None:
    rng = np.random.default_rng(0)
    true = rng.integers(0, 3, 600)
    probabilities = np.eye(3)[true] * 0.8 + rng.dirichlet(np.ones(3), 600) * 0.2
    flipped = rng.choice(600, 30, replace=False)
    labels = true.copy()
    labels[flipped] = (labels[flipped] + 1) % 3
    found = np.flatnonzero(suspects(labels, probabilities))
    assert set(found) <= set(flipped)
    assert len(found) >= 24


@pytest.mark.parametrize(
    ("labels", "n_labels"),
    [
        ([0] * 30 + [1] * 30 + [2], 3),
        ([0] * 30 + [1] * 30, 3),
        ([0] * 5, 2),
        ([0, 1], 2),
    ],
    ids=["one row of a label", "no row of a label", "one label", "two rows"],
)
@pytest.mark.parametrize("zero_column", [False, True])
def test_rare_labels_and_labels_that_get_no_probability(
    labels: list[int], n_labels: int, zero_column: bool
) -> None:
    probabilities = np.eye(n_labels)[labels] * 0.7 + 0.3 / n_labels
    if zero_column:
        probabilities[:, -1] = 0
        probabilities /= probabilities.sum(axis=1, keepdims=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = suspects(np.array(labels), probabilities)
    # Rows whose label the models are surest of are no errors.
    sure = probabilities.argmax(axis=1) == labels
    assert not found[sure].any()


def test_global_generator_is_left_as_it_was() -> None:
    labels = np.arange(60) % 2
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    suspects(labels, np.random.default_rng(0).dirichlet([1, 1], 60))
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002
