"""Exact search against the whole product, sorted."""

from __future__ import annotations

import tracemalloc
from inspect import unwrap

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_info

from negspace.errors import DataError, PlanError
from negspace.search import Hits, top_k


def vectors(rng: np.random.Generator, rows: int, dims: int = 24) -> np.ndarray:
    drawn = rng.standard_normal((rows, dims))
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


def csr(lists: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    return np.cumsum([0, *map(len, lists)]), np.array([x for each in lists for x in each], dtype=np.int64)


def brute_force(queries, corpus, k, query_labels=None, corpus_labels=None, passed_over=None):
    """The whole product in float64, one stable sort a row, nothing in blocks."""
    rows = np.full((len(queries), k), -1)
    scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
    for i, query in enumerate(queries.astype(np.float64)):
        product = np.array([np.dot(query, row) for row in corpus.astype(np.float64)]).astype(np.float32)
        allowed = np.ones(len(corpus), dtype=bool)
        if query_labels is not None:
            allowed &= corpus_labels != query_labels[i]
        if passed_over is not None:
            allowed[passed_over[1][passed_over[0][i] : passed_over[0][i + 1]]] = False
        order = [j for j in np.argsort(-product, kind="stable") if allowed[j]][:k]
        rows[i, : len(order)], scores[i, : len(order)] = order, product[order]
    return rows, scores


def assert_same(hits: Hits, truth: tuple[np.ndarray, np.ndarray]) -> None:
    np.testing.assert_array_equal(hits.rows, truth[0])
    np.testing.assert_array_equal(hits.scores, truth[1])


def exclusions(rng, queries: int, corpus: int) -> dict[str, object]:
    return {
        "query_labels": rng.integers(0, 4, queries),
        "corpus_labels": rng.integers(0, 4, corpus),
        "passed_over": csr([list(rng.choice(corpus, 3, replace=False)) for _ in range(queries)]),
    }


@pytest.mark.parametrize("without", ["query_labels", "passed_over", "nothing", "all"])
def test_is_the_sorted_product(without):
    rng = np.random.default_rng(0)
    queries, corpus = vectors(rng, 70), vectors(rng, 700)
    asked = exclusions(rng, 70, 700)
    if without == "query_labels":
        del asked["corpus_labels"]
    asked = {} if without == "all" else {name: x for name, x in asked.items() if name != without}
    assert_same(
        top_k(queries, corpus, 9, memory=1_000_000, **asked), brute_force(queries, corpus, 9, **asked)
    )


@pytest.mark.parametrize("memory", [1, 400_000, 2_000_000, 2**28])
@pytest.mark.parametrize("workers", [1, 3])
def test_blocks_and_threads_leave_no_trace(memory, workers):
    rng = np.random.default_rng(1)
    queries, corpus = vectors(rng, 60, 33), vectors(rng, 400, 33)
    asked = exclusions(rng, 60, 400)
    one = top_k(queries, corpus, 7, **asked)
    hits = top_k(queries, corpus, 7, memory=memory, workers=workers, **asked)
    assert hits.rows.tobytes() == one.rows.tobytes()
    assert hits.scores.tobytes() == one.scores.tobytes()


def test_order_of_queries_leaves_no_trace():
    rng = np.random.default_rng(2)
    queries, corpus = vectors(rng, 90, 256), vectors(rng, 3000, 256)
    hits, order = top_k(queries, corpus, 5), rng.permutation(90)
    again = top_k(queries[order], corpus, 5)
    np.testing.assert_array_equal(again.scores, hits.scores[order])


def test_equal_scores_come_in_the_order_of_the_corpus():
    rng = np.random.default_rng(3)
    few = vectors(rng, 5)
    corpus = few[rng.integers(0, 5, 2000)]
    labels = rng.integers(0, 3, 2000)
    hits = top_k(few, corpus, 30, memory=1_000_000)
    assert_same(hits, brute_force(few, corpus, 30))
    asked = {"query_labels": np.arange(5) % 3, "corpus_labels": labels}
    assert_same(top_k(few, corpus, 30, memory=1_000_000, **asked), brute_force(few, corpus, 30, **asked))


def test_rows_that_differ_in_the_last_bit_are_told_apart():
    # The products' differences are far below what the order of a float32 sum may change.
    rng = np.random.default_rng(4)
    base = vectors(rng, 1, 512)
    corpus = np.repeat(base, 400, axis=0)
    at = np.arange(400), rng.integers(0, 512, 400)
    corpus[at] = np.nextafter(corpus[at], np.float32(np.inf))
    queries = np.concatenate([base, vectors(rng, 20, 512)])
    assert_same(top_k(queries, corpus, 50), brute_force(queries, corpus, 50))


def test_zero_vectors_tie_with_everything():
    rng = np.random.default_rng(5)
    queries, corpus = vectors(rng, 6), vectors(rng, 3000)
    queries[2], corpus[::7] = 0, 0
    assert_same(top_k(queries, corpus, 8), brute_force(queries, corpus, 8))


def test_more_hits_than_rows_are_padded():
    rng = np.random.default_rng(6)
    queries, corpus = vectors(rng, 4), vectors(rng, 6)
    hits = top_k(queries, corpus, 10)
    assert_same(hits, brute_force(queries, corpus, 10))
    assert (hits.rows[:, 6:] == -1).all()
    assert np.isneginf(hits.scores[:, 6:]).all()


def test_nothing_left_is_all_padding():
    rng = np.random.default_rng(7)
    queries, corpus = vectors(rng, 4), vectors(rng, 300)
    same = top_k(queries, corpus, 3, query_labels=np.zeros(4, int), corpus_labels=np.zeros(300, int))
    listed = top_k(queries, corpus, 3, passed_over=csr([list(range(300))] * 4))
    for hits in (same, listed):
        assert (hits.rows == -1).all()
        assert np.isneginf(hits.scores).all()


def test_empty_queries_and_an_empty_corpus():
    rng = np.random.default_rng(8)
    assert top_k(vectors(rng, 0), vectors(rng, 5), 3).rows.shape == (0, 3)
    assert (top_k(vectors(rng, 2), vectors(rng, 0), 3).rows == -1).all()


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_is_the_sorted_product_whatever_the_shapes(data):
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    rows, corpus_rows, dims = (data.draw(st.integers(1, top)) for top in (20, 200, 9))
    # Small whole numbers: many ties, negative scores, zero rows, and norms far from 1.
    queries = rng.integers(-2, 3, (rows, dims)).astype(np.float32)
    corpus = rng.integers(-2, 3, (corpus_rows, dims)).astype(np.float32)
    k = data.draw(st.integers(1, corpus_rows + 2))
    asked: dict[str, object] = {}
    if data.draw(st.booleans()):
        asked |= {"query_labels": rng.integers(0, 2, rows), "corpus_labels": rng.integers(0, 2, corpus_rows)}
    if data.draw(st.booleans()):
        asked["passed_over"] = csr([sorted({*rng.integers(0, corpus_rows, 3).tolist()}) for _ in range(rows)])
    memory = data.draw(st.sampled_from([1, 50_000, 2**28]))
    assert_same(top_k(queries, corpus, k, memory=memory, **asked), brute_force(queries, corpus, k, **asked))


def test_blocks_come_in_order_and_cover_all(tmp_path):
    rng = np.random.default_rng(9)
    queries, corpus = vectors(rng, 200), vectors(rng, 500)
    np.save(tmp_path / "corpus.npy", corpus)
    stored = np.load(tmp_path / "corpus.npy", mmap_mode="r")
    told: list[tuple[int, int]] = []
    hits = top_k(
        queries, stored, 4, memory=600_000, workers=2, progress=lambda done, of: told.append((done, of))
    )
    assert len(told) > 3
    assert told == sorted(told)
    assert told[-1] == (200, 200)
    np.testing.assert_array_equal(hits.rows, top_k(queries, corpus, 4).rows)


def test_a_broken_off_search_gives_the_threads_back():
    rng = np.random.default_rng(10)
    before = [info["num_threads"] for info in threadpool_info()]
    told: list[int] = []

    def stop(done: int, _of: int) -> None:
        told.append(done)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        top_k(vectors(rng, 300), vectors(rng, 300), 2, memory=600_000, progress=stop)
    assert len(told) == 1 and told[0] < 300
    assert [info["num_threads"] for info in threadpool_info()] == before


@pytest.mark.parametrize("kind", ["random", "all equal"])
def test_memory_bounds_the_buffers(kind):
    rng = np.random.default_rng(11)
    queries, corpus = vectors(rng, 3000, 8), vectors(rng, 6000, 8)
    if kind == "all equal":
        queries[:], corpus[:] = queries[0], corpus[0]
        queries = queries[:300]
    memory = 16 * 2**20
    tracemalloc.start()
    top_k(queries, corpus, 10, memory=memory, workers=2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < memory + len(queries) * 10 * 8


@pytest.mark.parametrize("side", ["queries", "corpus"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_refuses_vectors_that_are_not_finite(side, value):
    rng = np.random.default_rng(12)
    given_ = {"queries": vectors(rng, 20), "corpus": vectors(rng, 20)}
    given_[side][13, 5] = value
    with pytest.raises(DataError, match=f"{side}, row 13: a vector holds NaN or infinity"):
        top_k(given_["queries"], given_["corpus"], 2)


def test_refuses_products_that_overflow():
    large = np.full((3, 4), 1e19, dtype=np.float32)
    with pytest.raises(DataError, match="do not fit float32"):
        top_k(large, large, 1)


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        ({"k": 0}, PlanError, "k must be at least 1"),
        ({"workers": 0}, PlanError, "workers must be at least 1"),
        ({"memory": 0}, PlanError, "memory must be at least 1"),
        ({"query_labels": np.zeros(3, int)}, PlanError, "one side only"),
        ({"passed_over": (np.array([0, 1]), np.array([0]))}, DataError, "no \\(indptr, indices\\)"),
        ({"passed_over": (np.array([0, 0, 0, 1]), np.array([5]))}, DataError, "does not have"),
    ],
)
def test_refuses_what_cannot_be_searched(asked, error, message):
    rng = np.random.default_rng(13)
    k = asked.pop("k", 2)
    with pytest.raises(error, match=message):
        top_k(vectors(rng, 3), vectors(rng, 5), k, **asked)


def test_refuses_shapes_that_do_not_fit():
    # Unwrapped: the type checks of the tests would refuse these first.
    search = unwrap(top_k)
    with pytest.raises(DataError, match="different lengths"):
        search(np.zeros((3, 8), np.float32), np.zeros((3, 9), np.float32), 1)
    with pytest.raises(DataError, match="queries must be a float32 matrix"):
        search(np.zeros((3, 8)), np.zeros((3, 8), np.float32), 1)
    few, rows = np.zeros(4, int), np.zeros((3, 8), np.float32)
    with pytest.raises(DataError, match="query_labels does not fit the queries"):
        search(rows, rows, 1, query_labels=few, corpus_labels=few[:3])
    with pytest.raises(DataError, match="corpus_labels does not fit the rows of the corpus"):
        search(rows, rows, 1, query_labels=few[:3], corpus_labels=few)
