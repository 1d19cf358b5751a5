"""The rules against a slow plain reading of them, and against sentence-transformers' miner."""

from __future__ import annotations

import math
import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from negspace.errors import PlanError
from negspace.search import (
    FilterStats,
    Hits,
    Rules,
    apply_rules,
    duplicates_of_positive,
    least_positive,
    top_k,
)


def vectors(rng: np.random.Generator, rows: int, dims: int = 12) -> np.ndarray:
    drawn = rng.standard_normal((rows, dims))
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


def csr(lists: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    return np.cumsum([0, *map(len, lists)]), np.array([x for each in lists for x in each], dtype=np.int64)


def positive_scores(queries, corpus, positives):
    """Each query's positives, scored one at a time."""
    owner = np.repeat(np.arange(len(queries)), np.diff(positives[0]))
    each = [
        queries[q].astype(float) @ corpus[p].astype(float) for q, p in zip(owner, positives[1], strict=True)
    ]
    return np.array(each, dtype=np.float32)


def same_class_shares(stats):
    """Shares of hits of the query's own class: of those before the rules, and of those taken."""
    before = stats.first_same_class / stats.first if stats.first else math.nan
    return before, stats.taken_same_class / stats.taken_known if stats.taken_known else math.nan


def plain_reading(hits, rules, positives, scores_of_positives, near, query_labels, corpus_labels):
    """One query, one candidate and one rule at a time."""
    tally: Counter[str] = Counter()
    taken = []
    for query, (rows, scores) in enumerate(zip(hits.rows, hits.scores, strict=True)):
        left = []
        for row, score in zip(rows.tolist(), scores.tolist(), strict=True):
            if row < 0:
                continue
            tally["seen"] += 1
            least = min(scores_of_positives[query], default=math.inf)
            if row in positives[query]:
                tally["positive"] += 1
            elif rules.exclude_same_class and query_labels[query] == corpus_labels[row]:
                tally["same_class"] += 1
            elif rules.duplicate_of_positive is not None and (query, row) in near:
                tally["duplicate"] += 1
            elif rules.absolute_margin is not None and score > least - rules.absolute_margin:
                tally["absolute"] += 1
            elif (
                rules.relative_margin is not None
                and least < math.inf
                and score > least - rules.relative_margin * abs(least)
            ):
                tally["relative"] += 1
            elif rules.max_score is not None and score > np.float32(rules.max_score):
                tally["above"] += 1
            elif rules.min_score is not None and score < np.float32(rules.min_score):
                tally["below"] += 1
            else:
                left.append(row)
        ranged = left[rules.range_min : rules.last_rank(max(map(len, positives)))]
        tally["rank"] += len(left) - len(ranged)
        taken.append(ranged[: rules.num_negatives])
        tally["taken"] += len(taken[-1])
        tally["left"] += len(ranged) - len(taken[-1])
        tally["short"] += len(taken[-1]) < rules.num_negatives
    return taken, tally


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_rules_are_their_plain_reading(data):
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    queries, corpus = vectors(rng, 12, 4), vectors(rng, 40, 4)
    positives = [
        rng.choice(40, size=n, replace=False).tolist() for n in [3, 0, *rng.integers(1, 4, 10).tolist()]
    ]
    maybe = lambda low, high: data.draw(st.none() | st.floats(low, high))  # noqa: E731
    low, high = maybe(-1, 0), maybe(0, 1)
    rules = Rules(
        num_negatives=data.draw(st.integers(1, 5)),
        range_min=data.draw(st.integers(0, 4)),
        range_max=data.draw(st.none() | st.integers(9, 20)),
        max_score=high,
        min_score=low,
        absolute_margin=maybe(0, 0.5),
        relative_margin=maybe(0, 0.5),
        duplicate_of_positive=maybe(0.5, 1),
        exclude_same_class=data.draw(st.booleans()),
    )
    query_labels, corpus_labels = rng.integers(0, 3, 12), rng.integers(0, 3, 40)
    hits = top_k(queries, corpus, 45)
    listed = csr(positives)
    scores = positive_scores(queries, corpus, listed)
    near = {
        (query, row)
        for query in range(12)
        for row in range(40)
        for positive in positives[query]
        if np.float32(np.dot(corpus[row].astype(float), corpus[positive].astype(float)))
        >= (rules.duplicate_of_positive or 2)
    }
    duplicates = duplicates_of_positive(hits, corpus, listed, rules.duplicate_of_positive or 2.0)
    kept = apply_rules(
        hits,
        rules,
        positives=listed,
        least=least_positive(scores, listed[0]),
        duplicates=duplicates,
        query_labels=query_labels,
        corpus_labels=corpus_labels,
    )
    each = [[float(np.float32(queries[q].astype(float) @ corpus[p].astype(float))) for p in positives[q]]
            for q in range(12)]  # fmt: skip
    taken, tally = plain_reading(hits, rules, positives, each, near, query_labels, corpus_labels)
    assert [[row for row in rows if row >= 0] for rows in kept.rows.tolist()] == taken
    assert {name: getattr(kept.stats, name) for name in tally} == dict(tally)
    at = kept.ranks >= 0
    query = np.nonzero(at)[0]
    np.testing.assert_array_equal(kept.rows[at], hits.rows[query, kept.ranks[at]])
    np.testing.assert_array_equal(kept.scores[at], hits.scores[query, kept.ranks[at]])
    assert np.isneginf(kept.scores[~at]).all()


def one(scores: list[float], **given_) -> list[int]:
    hits = Hits(np.arange(len(scores), dtype=np.int32)[None], np.array([scores], dtype=np.float32))
    rules = Rules(**{"num_negatives": 2, "range_max": 9, **given_["rules"]})
    return apply_rules(hits, rules, least=np.array([given_["positive"]], dtype=np.float32)).rows[0].tolist()


def test_a_relative_margin_holds_for_negative_scores():
    # 10 % of |-0.5| below -0.5 is -0.55; the common form, -0.5 * 0.9 = -0.45, would take row 1.
    assert one([-0.4, -0.46, -0.54, -0.56, -0.6], positive=-0.5, rules={"relative_margin": 0.1}) == [3, 4]
    assert one([0.6, 0.46, 0.45, 0.4], positive=0.5, rules={"relative_margin": 0.1}) == [2, 3]


def test_what_stands_on_a_limit_is_kept():
    scores = [0.75, 0.5, 0.25, 0.125]
    assert one(scores, positive=0.75, rules={"absolute_margin": 0.25}) == [1, 2]
    assert one(scores, positive=0.5, rules={"relative_margin": 0.5}) == [2, 3]
    assert one(scores, positive=1.0, rules={"max_score": 0.5}) == [1, 2]
    assert one(scores, positive=1.0, rules={"min_score": 0.25, "num_negatives": 4}) == [0, 1, 2, -1]


def test_several_positives_bound_by_the_lowest():
    indptr = np.array([0, 2, 2, 3])
    least = least_positive(np.array([0.9, 0.3, 0.5], dtype=np.float32), indptr)
    np.testing.assert_array_equal(least, np.array([0.3, np.inf, 0.5], dtype=np.float32))


def test_random_choice_does_not_depend_on_the_block():
    rng = np.random.default_rng(1)
    hits = top_k(vectors(rng, 30), vectors(rng, 100), 20)
    rules = Rules(num_negatives=3, range_min=2, range_max=12, sampling="random")
    np.random.seed(0)  # noqa: NPY002
    random.seed(0)
    whole = apply_rules(hits, rules, seed=7)
    np.random.seed(1)  # noqa: NPY002
    parts = [
        apply_rules(Hits(hits.rows[a:b], hits.scores[a:b]), rules, first_query=a, seed=7)
        for a, b in ((0, 11), (11, 12), (12, 30))
    ]
    np.testing.assert_array_equal(np.concatenate([p.rows for p in parts]), whole.rows)
    assert sum((p.stats for p in parts), FilterStats()) == whole.stats
    assert not np.array_equal(apply_rules(hits, rules, seed=8).rows, whole.rows)
    assert ((whole.ranks >= 2) & (whole.ranks < 12)).all()
    assert (np.diff(whole.ranks, axis=1) > 0).all()  # best first, none twice


def test_random_choice_is_even():
    scores = np.linspace(1, 0, 10, dtype=np.float32)
    hits = Hits(np.tile(np.arange(10, dtype=np.int32), (3000, 1)), np.tile(scores, (3000, 1)))
    kept = apply_rules(hits, Rules(num_negatives=3, range_max=8, sampling="random"))
    counts = np.bincount(kept.rows.ravel(), minlength=10)
    assert (counts[8:] == 0).all()
    expected, spread = 3000 * 3 / 8, math.sqrt(3000 * (3 / 8) * (5 / 8))
    assert (np.abs(counts[:8] - expected) < 4.5 * spread).all()


def test_same_class_rates_before_and_after():
    hits = Hits(
        np.array([[0, 1, 2, 3], [3, 2, 1, 0]], dtype=np.int32),
        np.array([[0.9, 0.8, 0.7, 0.6]] * 2, dtype=np.float32),
    )
    corpus_labels, query_labels = np.array([0, 0, 1, 1]), np.array([0, 1])
    labels = {"query_labels": query_labels, "corpus_labels": corpus_labels}
    # Row 0 is the first query's positive: what it would be given without rules is 1 and 2.
    positives = csr([[0], []])
    excluded = apply_rules(hits, Rules(num_negatives=2), positives=positives, **labels).stats
    assert same_class_shares(excluded) == (3 / 4, 0.0)
    reported = apply_rules(
        hits, Rules(num_negatives=2, exclude_same_class=False, max_score=0.8), positives=positives, **labels
    ).stats
    assert same_class_shares(reported) == (3 / 4, 2 / 4)
    # Of the first query's two one has no class, and stands in no share.
    labels["corpus_labels"] = np.array([0, 0, -1, 1])
    partly = apply_rules(
        hits, Rules(num_negatives=2, exclude_same_class=False), positives=positives, **labels
    )
    assert (partly.stats.first, partly.stats.taken, partly.stats.taken_known) == (2, 4, 2)
    assert same_class_shares(partly.stats) == (1.0, 1.0)
    unknown = apply_rules(hits, Rules(num_negatives=2)).stats
    assert all(map(math.isnan, same_class_shares(unknown)))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"num_negatives": 0}, "num_negatives must be at least 1"),
        ({"range_min": -1}, "range_min counts ranks from 0"),
        ({"range_min": 5, "range_max": 7}, "raise range_max to 8"),
        ({"max_score": float("nan")}, "max_score must be a finite number"),
        ({"absolute_margin": -0.1}, "absolute_margin would let in"),
        ({"relative_margin": -0.1}, "relative_margin would let in"),
        ({"min_score": 0.5, "max_score": 0.1}, "min_score is above max_score"),
    ],
)
def test_refuses_settings_that_cannot_mine(asked, message):
    with pytest.raises(PlanError, match=message):
        Rules(**asked)


def test_refuses_rules_without_what_they_need():
    hits = Hits(np.zeros((1, 1), dtype=np.int32), np.zeros((1, 1), dtype=np.float32))
    with pytest.raises(PlanError, match="a margin needs the score of each query's positive"):
        apply_rules(hits, Rules(absolute_margin=0.1))
    with pytest.raises(PlanError, match="needs vectors to compare"):
        apply_rules(hits, Rules(duplicate_of_positive=0.9))


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"num_negatives": 2, "range_min": 3, "range_max": 20},
        {"relative_margin": 0.05},
        {"absolute_margin": 0.1, "num_negatives": 4},
        {"max_score": 0.3, "min_score": -0.2, "range_max": 25},
        {"relative_margin": 0.3, "max_score": 0.4, "num_negatives": 1, "range_max": 120},
    ],
)
def test_takes_what_sentence_transformers_takes(asked):
    sentence_transformers = pytest.importorskip("sentence_transformers", reason="the peer compared with")
    datasets = pytest.importorskip("datasets", reason="the peer's input")
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from sentence_transformers.util import mine_hard_negatives

    rng = np.random.default_rng(3)
    anchors, passages = [f"anchor {i}" for i in range(60)], [f"passage {i}" for i in range(150)]
    embedding = dict(zip(anchors + passages, vectors(rng, 210, 16), strict=True))

    class Known(sentence_transformers.SentenceTransformer):
        def encode_query(self, texts, **_):
            return np.stack([embedding[text] for text in texts])

        encode_document = encode_query

    # Some anchors have two positives, some passages are right for several anchors.
    owner = np.concatenate([np.arange(60), rng.integers(0, 60, 25)])
    right = np.concatenate([rng.integers(0, 100, 60), rng.integers(100, 150, 25)])
    pairs = list(dict.fromkeys(zip(owner.tolist(), right.tolist(), strict=True)))
    data = datasets.Dataset.from_dict(
        {"anchor": [anchors[a] for a, _ in pairs], "positive": [passages[p] for _, p in pairs]}
    )
    model = Known(modules=[StaticEmbedding(_tokenizer(), embedding_dim=16)])
    mined = mine_hard_negatives(
        data, model, corpus=passages, output_format="triplet", verbose=False,
        **{"num_negatives": 3, **asked},
    )  # fmt: skip
    theirs = {(row["anchor"], row["negative"]) for row in mined}

    listed = csr([[p for a, p in pairs if a == anchor] for anchor in range(60)])
    queries = np.stack([embedding[text] for text in anchors])
    corpus = np.stack([embedding[text] for text in passages])
    rules = Rules(**asked)
    most = int(np.diff(listed[0]).max())
    hits = top_k(queries, corpus, rules.last_rank(most) + most)
    least = least_positive(positive_scores(queries, corpus, listed), listed[0])
    kept = apply_rules(hits, rules, positives=listed, least=least)
    ours = {
        (anchors[i], passages[row]) for i, rows in enumerate(kept.rows) for row in rows.tolist() if row >= 0
    }
    assert len(ours) > 10
    assert ours == theirs


def _tokenizer():
    tokenizers = pytest.importorskip("tokenizers", reason="the peer's model needs one")
    return tokenizers.Tokenizer(tokenizers.models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
