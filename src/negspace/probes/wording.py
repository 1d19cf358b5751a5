"""What the role networks read: words, whatever tokens the model probed is fed with.

Order can be taken from words and not from tokens: a shuffled sentence keeps the tokens of a word together.
And roles do not depend on a tokenizer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from jaxtyping import Bool, Int, Int32, Int64

# Chinese and Japanese put no space between words: one character at a time. Else runs of letters and digits.
_EAST = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_EAST}]|[^\W{_EAST}]+|[^\w\s]")
_ALONE = re.compile(f"[{_EAST}]")
_VOCABULARY = 1024
_SHARED = 64  # ids that the words beyond the vocabulary share


@dataclass(frozen=True, eq=False)
class Words:
    """Words of some texts.

    Attributes:
        ids: Position of each word among all that occur, sorted; padded with 0.
        lengths: Words of each text.
        begins: Whether blank space, or nothing, stands before a word. ``don't`` is three words and one unit
            of an order, as nobody who shuffles a text takes it apart.
    """

    ids: Int32[np.ndarray, "texts longest"]
    lengths: Int64[np.ndarray, " texts"]
    begins: Bool[np.ndarray, "texts longest"]


def read_words(texts: Sequence[str], most: int) -> Words:
    """Split each text into words, so many at most from its beginning."""
    found = [list(islice(_WORD.finditer(text), most)) for text in texts]
    at = {word: i for i, word in enumerate(sorted({match[0] for row in found for match in row}))}
    lengths = np.array([len(row) for row in found], dtype=np.int64)
    ids = np.zeros((len(found), max(1, int(lengths.max(initial=0)))), dtype=np.int32)
    begins = np.zeros(ids.shape, dtype=bool)
    for text, matches, row, first in zip(texts, found, ids, begins, strict=True):
        row[: len(matches)] = [at[match[0]] for match in matches]
        first[: len(matches)] = [
            match.start() == 0 or text[match.start() - 1].isspace() or _ALONE.match(match[0]) is not None
            for match in matches
        ]
    return Words(ids, lengths, begins)


def few_ids(
    words: Int32[np.ndarray, "texts longest"], lengths: Int[np.ndarray, " texts"]
) -> Int32[np.ndarray, "texts longest"]:
    """Number words by frequency, without gaps: the 960 most frequent, and 64 numbers that the rest share."""
    inside = np.arange(words.shape[1]) < lengths[:, None]
    used, place, count = np.unique(words[inside], return_inverse=True, return_counts=True)
    rank = np.empty(len(used), dtype=np.int32)
    rank[np.argsort(-count, kind="stable")] = np.arange(len(used), dtype=np.int32)
    if len(used) > _VOCABULARY:
        own = _VOCABULARY - _SHARED
        rank = np.where(rank < own, rank, own + rank % _SHARED).astype(np.int32)
    ids = np.zeros(words.shape, dtype=np.int32)
    ids[inside] = rank[place]
    return ids
