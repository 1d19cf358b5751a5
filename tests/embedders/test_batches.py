"""Batches of one length, shown by an encoder whose vectors tell of the whole batch."""

from __future__ import annotations

import numpy as np
import pytest

from negspace.embedders import embed_by_length


class Encoder:
    """Its vectors give away the shape of the batch they were computed in; a word is a token."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []

    def count(self, texts: list[str]) -> np.ndarray:
        return np.array([len(text.split()) for text in texts])

    def encode(self, texts: list[str]) -> np.ndarray:
        self.batches.append(texts)
        longest = self.count(texts).max()
        return np.array([[len(text), len(texts), longest] for text in texts], dtype=np.float32)


def embed(texts: list[str], tokens: int = 12) -> tuple[np.ndarray, Encoder]:
    encoder = Encoder()
    return embed_by_length(texts, encoder.count, encoder.encode, tokens=tokens), encoder


def sentences(n: int) -> list[str]:
    rng = np.random.default_rng(n)
    return [
        " ".join("abcdefgh"[i] * (i + 1) for i in rng.integers(0, 8, rng.integers(1, 7))) for _ in range(n)
    ]


@pytest.mark.parametrize("tokens", [1, 12, 1000])
def test_company_has_no_say(tokens: int) -> None:
    texts = sentences(80)
    together, _ = embed(texts, tokens)
    for row in range(0, 80, 7):
        alone, _ = embed([texts[row]], tokens)
        assert np.array_equal(alone[0], together[row])
    order = np.random.default_rng(0).permutation(80)
    shuffled, _ = embed([texts[row] for row in order], tokens)
    assert np.array_equal(shuffled, together[order])


def test_rows_are_in_place_at_unit_length() -> None:
    texts = sentences(50)
    vectors, _ = embed(texts, tokens=1)  # every batch is one text
    expected = np.array([[len(text), 1, len(text.split())] for text in texts])
    np.testing.assert_allclose(vectors, expected / np.linalg.norm(expected, axis=1)[:, None], atol=1e-6)


def test_a_batch_has_one_length_and_its_number_of_rows() -> None:
    _, encoder = embed(sentences(90))
    for batch in encoder.batches:
        (length,) = {len(text.split()) for text in batch}
        assert len(batch) == 12 // length


def test_each_text_once_and_blank_ones_never() -> None:
    vectors, encoder = embed(["a a", " ", "b", "a a", "", "\n"], tokens=1)
    assert sorted(text for batch in encoder.batches for text in batch) == ["a a", "b"]
    assert np.array_equal(vectors[0], vectors[3])
    assert vectors.any(axis=1).tolist() == [True, False, True, True, False, False]


@pytest.mark.parametrize("texts", [[], [""], [" ", ""]])
def test_no_text_with_content(texts: list[str]) -> None:
    vectors, _ = embed(texts)
    assert vectors.shape == (len(texts), 3)
    assert not vectors.any()


def test_progress_counts_distinct_texts() -> None:
    told: list[tuple[str, int, int]] = []
    encoder = Encoder()
    embed_by_length(
        ["a", "b", "a", "c c"], encoder.count, encoder.encode, tokens=1, progress=lambda *s: told.append(s)
    )
    assert told == [("embedding texts", done, 3) for done in (1, 2, 3)]
