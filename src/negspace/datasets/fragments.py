"""Documents to passages of a page: cut at paragraph ends, and where those are too far apart, lower down."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from negspace.datasets.plain_text import Documents, read_documents
from negspace.errors import DataError, PlanError
from negspace.records import Fragments

__all__ = ["Encode", "read_fragments", "split_documents"]

Encode: TypeAlias = Callable[[list[str]], list[list[int]]]

_LEAST_TOKENS = 8  # a character of four bytes, with a token before and after it
_CHARACTERS_AT_ONCE = 1 << 20
# Each matches up to where a cut may be made; what is left after the last match is a unit, too.
_LEVELS = (
    re.compile(r"\n(?:[^\S\n]*\n)+"),  # blank lines
    re.compile(r"\n"),
    re.compile(r"[.!?…。！？][\"'”’)\]]*\s+"),  # sentence ends
    re.compile(r"\S(?=\s)"),  # words, with the space before each, as byte-pair encodings have them
)


def read_fragments(
    source: object,
    encode: Encode,
    *,
    tokens: int,
    context: int | None = None,
    text: str | None = None,
    split: str | None = None,
) -> tuple[Fragments, tuple[str, ...]]:
    """Read a corpus and split it; see `read_documents` and `split_documents`."""
    return split_documents(
        read_documents(source, text=text, split=split), encode, tokens=tokens, context=context
    )


def split_documents(
    documents: Documents, encode: Encode, *, tokens: int, context: int | None = None
) -> tuple[Fragments, tuple[str, ...]]:
    """Split documents into passages of at most so many tokens.

    Paragraphs (text up to a blank line) fill a passage until the next would not fit. One that is too long for
    any is divided at line ends, then sentence ends, then between words, then anywhere. No character is lost:
    the passages of a document, put together, are the document, but for those left out as below. A passage
    never spans two documents.

    Args:
        documents: What to split.
        encode: Token ids of each of some texts, special tokens included.
        tokens: Of a passage, at most.
        context: Longest sequence that the model reads, in tokens.

    Returns:
        The passages and what is worth knowing, a sentence each. A passage of fewer than two tokens has
        nothing to predict, and is left out.

    Raises:
        PlanError: ``tokens`` is above the context, or too few.
        DataError: Nothing is left.
    """
    _check_length(tokens, context)
    # What the encoding puts around every text (a token for its begin, perhaps) is counted once a passage.
    around = len(encode([""])[0])
    room = tokens - around
    roots = [_Unit(text, 0) for text in documents.texts]
    _divide(roots, encode, around, room)
    packed = [chunk for root in roots for chunk in _chunks_of(root, room)]
    ends = np.cumsum([len(_chunks) for _chunks in (list(_chunks_of(root, room)) for root in roots)])
    del ends
    raise NotImplementedError
