"""The tfidf embedder against cosines counted by hand and by scikit-learn."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from negspace.embedders import Embedder, TfidfEmbedder
from negspace.errors import PlanError
from negspace.search import embed


def sentences(n: int, words: int, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    return [" ".join(f"w{i}" for i in rng.integers(0, words, rng.integers(2, 12))) for _ in range(n)]


def test_it_is_an_embedder_fitted_on_each_call() -> None:
    assert isinstance(TfidfEmbedder(), Embedder)
    assert not TfidfEmbedder().frozen


def test_cosine_of_two_texts_by_hand() -> None:
    # Idf of a word in both of two texts is 1, of one in one of them ln(3 / 2) + 1 (smoothed).
    rare = math.log(3 / 2) + 1
    vectors = TfidfEmbedder().embed(["a cat", "a dog"])
    assert vectors[0] @ vectors[1] == pytest.approx(1 / (1 + rare**2), abs=1e-6)


def test_with_few_words_cosines_are_those_of_the_near_miss_distance() -> None:
    texts = sentences(60, 40)
    vectors = TfidfEmbedder(dims=64).embed(texts)
    words = embed(tuple(texts))
    np.testing.assert_allclose(vectors @ vectors.T, (words @ words.T).toarray(), atol=1e-5)


def test_with_fewer_texts_than_dims_nothing_is_lost() -> None:
    texts = sentences(20, 500)
    vectors = TfidfEmbedder(dims=64).embed(texts)
    assert vectors.shape[1] <= 20
    words = TfidfVectorizer(sublinear_tf=True, token_pattern=r"(?u)\b\w+\b").fit_transform(texts).toarray()
    np.testing.assert_allclose(vectors @ vectors.T, words @ words.T, atol=1e-4)


def test_the_projection_is_that_of_a_full_decomposition() -> None:
    rng = np.random.default_rng(1)  # three topics of words of their own: three leading components
    topics = [[f"t{topic}w{i}" for i in rng.integers(0, 12, 8)] for topic in range(3) for _ in range(40)]
    texts = [" ".join(words) for words in topics]
    vectors = TfidfEmbedder(dims=3).embed(texts)
    words = TfidfVectorizer(sublinear_tf=True, token_pattern=r"(?u)\b\w+\b").fit_transform(texts).toarray()
    u, s, _ = np.linalg.svd(words, full_matrices=False)
    expected = u[:, :3] * s[:3]
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(vectors @ vectors.T, expected @ expected.T, atol=1e-3)
    topic = np.repeat(np.arange(3), 40)
    cosine = vectors @ vectors.T
    assert cosine[topic[:, None] == topic].min() > cosine[topic[:, None] != topic].max()


@pytest.mark.parametrize("dims", [4, 256])
def test_rows_have_unit_length_and_texts_without_words_none(dims: int) -> None:
    texts = ["?!", *sentences(30, 50), "", "…"]
    vectors = TfidfEmbedder(dims=dims).embed(texts)
    assert vectors.dtype == np.float32
    lengths = np.linalg.norm(vectors, axis=1)
    np.testing.assert_allclose(lengths[1:-2], 1, atol=1e-6)
    assert not vectors[[0, -2, -1]].any()


@pytest.mark.parametrize("texts", [[], [""], ["?", "!"], ["word"], ["same", "same"]])
def test_hardly_any_text(texts: list[str]) -> None:
    vectors = TfidfEmbedder().embed(texts)
    assert len(vectors) == len(texts)
    assert vectors.any(axis=1).tolist() == [text.isalpha() for text in texts]


def test_neither_runs_nor_global_seeds_matter() -> None:
    texts = sentences(80, 200)
    first = TfidfEmbedder(dims=8).embed(texts)
    np.random.seed(3)  # noqa: NPY002  (the global generator is what must not matter)
    random.seed(3)
    assert np.array_equal(TfidfEmbedder(dims=8).embed(texts), first)
    assert not np.array_equal(TfidfEmbedder(dims=8, seed=1).embed(texts), first)


def test_no_dimension_is_refused() -> None:
    with pytest.raises(PlanError, match="at least one dimension"):
        TfidfEmbedder(dims=0)
