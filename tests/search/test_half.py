"""Half-precision search against the exact one, and its error bound against float64."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from negspace.errors import MissingExtraError, PlanError
from negspace.search import half
from negspace.search.half import has_bfloat16_products, recall, top_k_half
from negspace.search.scan import Hits
from negspace.search.topk import top_k

torch = pytest.importorskip("torch", reason="half-precision products are PyTorch's")


def vectors(rng: np.random.Generator, rows: int, dims: int = 32) -> np.ndarray:
    drawn = rng.standard_normal((rows, dims))
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


def assert_exact(queries, corpus, k, **asked) -> None:
    fast, exact = top_k_half(queries, corpus, k, **asked), top_k(queries, corpus, k, **asked)
    np.testing.assert_array_equal(fast.rows, exact.rows)
    np.testing.assert_array_equal(fast.scores, exact.scores)


@pytest.mark.parametrize("labelled", [False, True])
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("limit", [None, -0.1, 0.2])
def test_is_the_exact_search(labelled, workers, limit):
    rng = np.random.default_rng(0)
    queries, corpus = vectors(rng, 200), vectors(rng, 2500)
    asked: dict[str, object] = {
        "passed_over": (np.arange(201), np.arange(200)),
        "memory": 4_000_000,
        "workers": workers,
    }
    if labelled:
        asked |= {"query_labels": rng.integers(0, 5, 200), "corpus_labels": rng.integers(0, 5, 2500)}
    if limit is not None:
        asked["ceiling"] = np.full(200, limit, dtype=np.float32)
    assert_exact(queries, corpus, 11, **asked)


def test_is_the_exact_search_among_near_duplicates():
    # Rows closer to each other than bfloat16 can tell.
    rng = np.random.default_rng(1)
    corpus = np.repeat(vectors(rng, 4), 500, axis=0)
    corpus += rng.normal(0, 1e-5, corpus.shape).astype(np.float32)
    assert_exact(vectors(rng, 20), corpus, 25, memory=2_000_000)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_is_the_exact_search_whatever_the_shapes(data):
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    rows, corpus_rows, dims = (data.draw(st.integers(1, top)) for top in (20, 200, 9))
    scale = data.draw(st.sampled_from([1e-3, 1.0, 300.0]))
    queries = (scale * rng.integers(-9, 10, (rows, dims))).astype(np.float32)
    corpus = rng.integers(-9, 10, (corpus_rows, dims)).astype(np.float32)
    k = data.draw(st.integers(1, corpus_rows + 2))
    assert_exact(queries, corpus, k, memory=data.draw(st.sampled_from([1, 2**28])))


def test_the_error_bound_holds():
    rng = np.random.default_rng(2)
    queries, corpus = 3 * vectors(rng, 40, 256), vectors(rng, 500, 256)
    checked = half.Search.checked(queries, corpus, 1, None, None, None, None, 2**20, 1)
    rounded = half._HalfCorpus(checked.corpus)
    tile = half._BFloat16Tile(rounded, 40, 500)
    bound = tile.load(queries)
    true = queries.astype(np.float64) @ corpus.astype(np.float64).T
    summed = tile.queries.float().double() @ rounded.vectors.float().double().T
    assert (np.abs(summed.numpy() - true) <= bound[:, None]).all()
    tile.multiply(0, 500)
    stored = tile.values(np.arange(20_000)).reshape(40, 500)
    assert (np.abs(stored - true) <= bound[:, None] + tile.rounding * np.abs(stored)).all()
    # A bound that lets everything in would be of no use.
    assert (bound < 0.01 * np.linalg.norm(queries, axis=1)).all()


def test_the_error_bound_holds_where_a_processor_takes_small_numbers_for_zero():
    rng = np.random.default_rng(6)
    queries = (1e30 * vectors(rng, 20, 64)).astype(np.float32)
    corpus = (1e-38 * vectors(rng, 300, 64)).astype(np.float32)
    checked = half.Search.checked(queries, corpus, 1, None, None, None, None, 2**20, 1)
    rounded = half._HalfCorpus(checked.corpus)
    bound = half._BFloat16Tile(rounded, 20, 300).load(queries)
    true = queries.astype(np.float64) @ corpus.astype(np.float64).T
    kept = rounded.vectors.float().double().numpy()
    kept[np.abs(kept) < np.finfo(np.float32).tiny] = 0.0
    flushed = queries.astype(np.float64) @ kept.T
    assert np.abs(flushed - true).max() > 0.5 * np.abs(true).max()
    assert (np.abs(flushed - true) <= bound[:, None]).all()


def test_is_the_exact_search_of_numbers_too_small_to_be_normal():
    rng = np.random.default_rng(7)
    queries, corpus = 1e30 * vectors(rng, 20, 64), 1e-39 * vectors(rng, 3000, 64)
    queries, corpus = queries.astype(np.float32), corpus.astype(np.float32)
    assert_exact(queries, corpus, 5)
    true = queries.astype(np.float64) @ corpus.astype(np.float64).T
    wanted = np.argsort(-true.astype(np.float32), axis=1, kind="stable")[:, :5]
    np.testing.assert_array_equal(top_k_half(queries, corpus, 5).rows, wanted)


def test_bits_turn_into_the_order_of_numbers_and_back():
    bits = np.arange(-(2**15), 2**15).astype(np.int16)
    floats = half._floats(bits)
    finite = np.isfinite(floats)
    turned = half._turned(bits)[finite].astype(np.int64)
    order = np.argsort(turned)
    assert (np.diff(floats[finite][order]) >= 0).all()
    np.testing.assert_array_equal(half._turned(half._turned(bits)), bits)


def test_the_threads_of_pytorch_stay_as_they_are():
    rng = np.random.default_rng(3)
    before = torch.get_num_threads()
    top_k_half(vectors(rng, 50), vectors(rng, 50), 3, workers=2)
    assert torch.get_num_threads() == before


def test_recall_counts_what_is_missing():
    rng = np.random.default_rng(4)
    queries, corpus = vectors(rng, 60), vectors(rng, 400)
    asked = {
        "passed_over": (np.arange(61), np.arange(60)),
        "query_labels": rng.integers(0, 3, 60),
        "corpus_labels": rng.integers(0, 3, 400),
        "ceiling": np.full(60, 0.5, dtype=np.float32),
    }
    exact = top_k(queries, corpus, 10, **asked)
    assert recall(exact, queries, corpus, rng=rng, sample=25, **asked) == 1.0
    # Three of ten replaced by a row that is passed over, and so is never right.
    rows = exact.rows.copy()
    rows[:, :3] = np.arange(60)[:, None]
    worse = Hits(rows, exact.scores)
    assert recall(worse, queries, corpus, rng=rng, sample=60, **asked) == pytest.approx(0.7)
    empty = Hits(np.full((60, 10), -1, dtype=np.int32), exact.scores)
    assert recall(empty, queries, corpus, rng=rng, sample=60, **asked) == 0.0
    with pytest.raises(PlanError, match="at least one query"):
        recall(exact, queries, corpus, rng=rng, sample=0)


def test_says_what_is_missing(monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(half, "import_module", missing)
    rng = np.random.default_rng(5)
    with pytest.raises(MissingExtraError, match=r"negspace\[torch\]"):
        top_k_half(vectors(rng, 2), vectors(rng, 2), 1)
    assert not has_bfloat16_products()
