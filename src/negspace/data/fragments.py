"""Documents to passages of a page: cut at paragraph ends, and where those are too far apart, lower down."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from jaxtyping import Int, Int32

from negspace.data.corpora import Documents
from negspace.errors import DataError, PlanError

Encode: TypeAlias = Callable[[list[str]], list[list[int]]]

_LEAST_TOKENS = 8  # a character of four bytes, with a token before and after it
_CHARACTERS_AT_ONCE = 1 << 20
_CUTS = (  # a text may be cut where one of these ends
    re.compile(r"\n(?:[^\S\n]*\n)+"),  # blank lines
    re.compile(r"\n"),
    re.compile(r"[.!?…。！？][\"'”’)\]]*\s+"),  # sentence ends
    re.compile(r"\S(?=\s)"),  # words; the space goes with the next one, as byte-pair encodings have it
)


@dataclass(frozen=True, eq=False)
class Fragments:
    """Passages of a corpus as a language model reads them, in the order of their source.

    Token 0 of a fragment is read and never predicted; tokens 1 to ``length - 1`` are scored.
    """

    texts: tuple[str, ...]
    tokens: Int32[np.ndarray, "fragments longest"]  # token ids, padded with 0 from ``lengths`` on
    lengths: Int[np.ndarray, " fragments"]  # number of tokens of each; at least 2
    places: tuple[str, ...]  # where each starts, as messages and reports name it: ``input.txt, line 7``
    fingerprint: str  # SHA-256 (hex) of texts and tokens

    def __len__(self) -> int:
        return len(self.texts)


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
        tokens: Most tokens of a passage.
        context: Longest sequence that the model reads, in tokens.

    Returns:
        The passages; and what is worth knowing, a sentence each. A passage of fewer than two tokens has
        nothing to predict, and is left out.

    Raises:
        PlanError: ``tokens`` is above the context, or too few.
        DataError: Nothing is left.
    """
    if tokens < _LEAST_TOKENS:
        raise PlanError(
            f"fragments of {tokens} tokens are too short",
            hint=f"ask for at least {_LEAST_TOKENS} (--fragment-tokens)",
        )
    if context is not None and tokens > context:
        raise PlanError(
            f"fragments of {tokens:,} tokens are longer than what the model reads",
            got=f"a context of {context:,} tokens",
            hint=f"ask for fragments of at most {context:,} tokens (--fragment-tokens {context})",
        )
    # What the encoding puts around every text (a token for its begin, perhaps) is counted once a passage.
    splitter = _Splitter(encode, tokens, len(encode([""])[0]))
    units = splitter.units(documents.texts, 0)
    chunks = [splitter.packed(some) for some in units]
    settled = iter(splitter.settled([chunk for some in chunks for chunk in some]))
    passages = [[passage for _ in some for passage in next(settled)] for some in chunks]
    kept = [
        (passage, place)
        for document, some in enumerate(passages)
        for passage, place in zip(some, _places(documents, document, some), strict=True)
        if len(passage.ids) > 1
    ]
    dropped = sum(map(len, passages)) - len(kept)
    if not kept:
        raise DataError(
            f"{documents.names[0]}: no passage has two tokens, and the first of a passage is not scored",
            got=documents.texts[0],
            hint="give a corpus with more text",
        )
    notes = list(documents.notes)
    if dropped:
        notes.append(f"{dropped} of {dropped + len(kept)} passages have fewer than two tokens: left out")
    return _fragments([passage for passage, _ in kept], [place for _, place in kept]), tuple(notes)


@dataclass(frozen=True)
class _Unit:
    """A stretch of text that is kept whole if it fits."""

    text: str
    tokens: int
    parts: list[_Unit]


@dataclass(frozen=True, eq=False)
class _Passage:
    text: str
    ids: np.ndarray


@dataclass(frozen=True)
class _Splitter:
    encode: Encode
    tokens: int
    around: int

    @property
    def room(self) -> int:
        return self.tokens - self.around

    def units(self, texts: Sequence[str], level: int) -> list[list[_Unit]]:
        """The units of each text, counted all together, for encoding many texts at once is quicker."""
        pieces = [_cut(text, level) for text in texts]
        flat = [piece for some in pieces for piece in some]
        counts = [len(ids) - self.around for ids in self._encoded(flat)]
        too_long = [piece for piece, count in zip(flat, counts, strict=True) if count > self.room]
        if stuck := next((piece for piece in too_long if len(piece) == 1), None):
            raise DataError(
                f"the tokenizer makes more than {self.room} tokens of one character",
                got=ascii(stuck),
                hint="ask for longer fragments, or remove the character",
            )
        deeper = iter(self.units(too_long, level + 1) if too_long else [])
        made = iter(
            [
                _Unit(piece, count, next(deeper) if count > self.room else [])
                for piece, count in zip(flat, counts, strict=True)
            ]
        )
        return [[next(made) for _ in some] for some in pieces]

    def packed(self, units: Sequence[_Unit]) -> list[list[_Unit]]:
        """Fill chunks in order; a unit too long for any begins one, and its rest may be filled up."""
        chunks: list[list[_Unit]] = [[]]
        filled = 0
        for unit in units:
            if unit.parts:
                chunks += self.packed(unit.parts)
                filled = sum(part.tokens for part in chunks[-1])
            elif filled + unit.tokens > self.room:
                chunks.append([unit])
                filled = unit.tokens
            else:
                chunks[-1].append(unit)
                filled += unit.tokens
        return [chunk for chunk in chunks if chunk]

    def settled(self, chunks: Sequence[Sequence[_Unit]]) -> list[list[_Passage]]:
        """Encode what was packed by its parts' counts; a whole may have more tokens than its parts."""
        texts = ["".join(unit.text for unit in chunk) for chunk in chunks]
        found = []
        for chunk, text, ids in zip(chunks, texts, self._encoded(texts), strict=True):
            if len(ids) <= self.tokens:
                found.append([_Passage(text, np.array(ids, dtype=np.int32))])
            else:
                halves = self.settled([chunk[: len(chunk) // 2], chunk[len(chunk) // 2 :]])
                found.append([passage for half in halves for passage in half])
        return found

    def _encoded(self, texts: Sequence[str]) -> Iterator[list[int]]:
        """Encode in slabs: lists of ids take thirty times the room of their text."""
        start, size = 0, 0
        for end, text in enumerate(texts, 1):
            size += len(text)
            if size >= _CHARACTERS_AT_ONCE or end == len(texts):
                yield from self.encode(list(texts[start:end]))
                start, size = end, 0


def _cut(text: str, level: int) -> list[str]:
    """Cut a text wherever a level allows it; below the last level into halves."""
    if level >= len(_CUTS):
        half = max(1, len(text) // 2)
        return [part for part in (text[:half], text[half:]) if part]
    # Blank space is no unit of its own: it goes with what follows or, at the end, with what was before.
    pieces, start, last = [], 0, len(text.rstrip())
    for match in _CUTS[level].finditer(text, len(text) - len(text.lstrip())):
        if match.end() >= last:
            break
        pieces.append(text[start : match.end()])
        start = match.end()
    return [*pieces, text[start:]]


def _places(documents: Documents, document: int, passages: Sequence[_Passage]) -> Iterator[str]:
    name, line = documents.names[document], 1
    for part, passage in enumerate(passages, 1):
        if documents.are_files:
            blank = len(passage.text) - len(passage.text.lstrip())
            yield f"{name}, line {line + passage.text.count(chr(10), 0, blank)}"
            line += passage.text.count("\n")
        else:
            yield name if len(passages) == 1 else f"{name}, part {part}"


def _fragments(passages: Sequence[_Passage], places: Sequence[str]) -> Fragments:
    lengths = np.array([len(passage.ids) for passage in passages], dtype=np.int64)
    tokens = np.zeros((len(passages), int(lengths.max())), dtype=np.int32)
    digest = hashlib.sha256()
    for row, passage in enumerate(passages):
        tokens[row, : len(passage.ids)] = passage.ids
        data = passage.text.encode()
        digest.update(len(data).to_bytes(8, "little") + data)
        digest.update(len(passage.ids).to_bytes(8, "little") + passage.ids.astype("<i4").tobytes())
    return Fragments(
        tuple(passage.text for passage in passages), tokens, lengths, tuple(places), digest.hexdigest()
    )


def select(fragments: Fragments, rows: Int[np.ndarray, " rows"]) -> Fragments:
    """Take some fragments, in the order of ``rows``; at least one."""
    lengths = fragments.lengths[rows]
    named = f"{fragments.fingerprint} {rows.tolist()}".encode()
    return Fragments(
        tuple(fragments.texts[row] for row in rows),
        fragments.tokens[rows, : int(lengths.max())],
        lengths,
        tuple(fragments.places[row] for row in rows),
        hashlib.sha256(named).hexdigest(),
    )


def pieces(fragments: Fragments, count: int, tokens: int) -> Fragments:
    """Cut up to ``count`` short pieces out of fragments: the first of each, then the second, and so on.

    A piece has 2 to ``tokens`` tokens. They stand in the order of the fragments, and their texts are those of
    the fragments.
    """
    cuts = sorted(
        (start, row)
        for row, length in enumerate(fragments.lengths.tolist())
        for start in range(0, length - 1, tokens)
    )[:count]
    cuts.sort(key=lambda cut: (cut[1], cut[0]))
    rows = [row for _, row in cuts]
    found = np.zeros((len(cuts), tokens), dtype=np.int32)
    lengths = np.array([min(tokens, int(fragments.lengths[row]) - start) for start, row in cuts])
    for piece, (start, row), length in zip(found, cuts, lengths, strict=True):
        piece[:length] = fragments.tokens[row, start : start + length]
    named = f"{fragments.fingerprint} {cuts}".encode()
    return Fragments(
        tuple(fragments.texts[row] for row in rows),
        found[:, : int(lengths.max())],
        lengths,
        tuple(fragments.places[row] for row in rows),
        hashlib.sha256(named).hexdigest(),
    )


def set_aside(size: int, most: int, seed: int) -> Int[np.ndarray, " aside"]:
    """Draw rows that are kept from training and probing: a tenth of all, at least one; sorted."""
    drawn = np.random.default_rng([seed, 2]).permutation(size)
    return np.sort(drawn[: min(most, max(1, size // 10))])
