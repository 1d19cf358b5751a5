"""What the role networks read: words, whatever tokens the model is fed; and what says the same thing.

Order can be taken from words and not from tokens: a shuffled sentence keeps the tokens of a word together.

Two fragments are mates if phrases that hardly any other fragment has make up a share of both. A phrase counts
if it is a pair of neighbouring tokens that meet far more often than their frequencies explain (a made-up
name), or a run long enough to be no accident (a passage that stands twice).
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations, islice
from typing import NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Bool, Int, Int32, Int64

Tokens: TypeAlias = Int32[np.ndarray, "fragments longest"]
Inside: TypeAlias = Bool[np.ndarray, "fragments longest"]  # what is no padding
Phrases: TypeAlias = Int64[np.ndarray, " phrases"]
_Groups: TypeAlias = Int64[np.ndarray, " fragments"]

# Chinese and Japanese put no space between words: one character at a time. Else runs of letters and digits.
_EAST = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_EAST}]|[^\W{_EAST}]+|[^\w\s]")
_ALONE = re.compile(f"[{_EAST}]")
_VOCABULARY = 1024
_SHARED = 64  # ids that the words beyond the vocabulary share
_RUN = 8
_SPREAD = 10  # fragments that may share a phrase for it to count as rare; also the largest group
_PAIR_SHARE = 0.12  # of a fragment's tokens, in one telling pair
_COMMON = 0.1  # a token of more fragments than this is no part of a name
_RUN_SHARE = 0.5  # of a fragment's runs
_CHANCE = 1e-3  # expected number of pairs in the corpus that would be taken for telling by accident


class Words(NamedTuple):
    """Words of some texts, padded; ``begins`` where blank space, or nothing, stands before one.

    ``don't`` is three words and one unit of an order, as nobody who shuffles a text takes it apart.
    """

    ids: Tokens  # position of each word among all that occur, sorted; padded with 0
    lengths: Int64[np.ndarray, " texts"]
    begins: Inside


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


def few_ids(words: Tokens, lengths: Int[np.ndarray, " texts"]) -> Tokens:
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


def duplicate_groups(tokens: Tokens, lengths: Int[np.ndarray, " fragments"]) -> _Groups:
    """Group fragments.

    A pair of tokens tells if it occurs so often that a Poisson count with the mean n(a) n(b) / N, as of two
    words that meet by accident, would come to that in one of a thousand corpora, and if neither is common.
    Links are taken strongest first, and one that would make a group of more than 10 is left out: no chain of
    accidents can grow.

    Returns:
        Number of each fragment's group, from 0 on; a fragment without mates is a group of its own.
    """
    inside = np.arange(tokens.shape[1]) < lengths[:, None]
    links: dict[tuple[int, int], float] = defaultdict(float)
    for shared, least, add_up in (
        # One name that keeps coming back, not several that each come once: those are accidents of a topic.
        (_telling_pairs(tokens, inside), _PAIR_SHARE, False),
        (_runs(tokens, inside), _RUN_SHARE, True),
    ):
        weights: dict[tuple[int, int], float] = defaultdict(float)
        for holders in shared:
            for (one, share_one), (other, share_other) in combinations(holders, 2):
                share, pair = min(share_one, share_other), (one, other)
                weights[pair] = weights[pair] + share if add_up else max(weights[pair], share)
        for pair, weight in weights.items():
            if weight >= least:
                links[pair] = max(links[pair], weight / least)
    group = np.arange(len(tokens), dtype=np.int64)
    members = {i: [i] for i in range(len(tokens))}
    for (one, other), _ in sorted(links.items(), key=lambda link: (-link[1], link[0])):
        a, b = int(group[one]), int(group[other])
        if a != b and len(members[a]) + len(members[b]) <= _SPREAD:
            group[members[b]] = a
            members[a] += members.pop(b)
    return np.unique(group, return_inverse=True)[1].astype(np.int64)


def _phrases(tokens: Tokens, inside: Inside, size: int) -> tuple[Phrases, Phrases]:
    """Every run of ``size`` tokens: a number for its content, and its fragment."""
    count = tokens.shape[1] - size + 1
    if count < 1:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    key = tokens[:, :count].astype(np.int64)
    vocabulary = int(tokens.max()) + 1
    for k in range(1, size):
        key = key * vocabulary + tokens[:, k : k + count]
        # Numbered anew, so that the next product does not overflow.
        key = np.unique(key, return_inverse=True)[1].reshape(key.shape)
    row, place = np.nonzero(inside[:, size - 1 :])
    return key[row, place].astype(np.int64), row.astype(np.int64)


def _holders(keys: Phrases, rows: Phrases) -> Iterator[tuple[int, list[tuple[int, int]]]]:
    """Each phrase that 2 to 10 fragments have: its number, and (fragment, how often) of each."""
    count = int(rows.max(initial=0)) + 1
    pairs, times = np.unique(keys * count + rows, return_counts=True)
    phrase, row = pairs // count, pairs % count
    spread = np.bincount(phrase)[phrase]
    rare = (spread >= 2) & (spread <= _SPREAD)
    phrase, row, times = phrase[rare], row[rare], times[rare]
    for part in np.split(np.arange(len(phrase)), np.flatnonzero(np.diff(phrase)) + 1):
        if len(part):
            yield int(phrase[part[0]]), list(zip(row[part].tolist(), times[part].tolist(), strict=True))


def _telling_pairs(tokens: Tokens, inside: Inside) -> Iterator[list[tuple[int, float]]]:
    keys, rows = _phrases(tokens, inside, 2)
    if not len(keys):
        return
    both = inside[:, 1:]
    first, second = tokens[:, :-1][both], tokens[:, 1:][both]
    members = np.zeros((int(keys.max()) + 1, 2), dtype=np.int64)
    members[keys] = np.stack([first, second], axis=1)
    frequency = np.bincount(tokens[inside])
    limit = math.log(_CHANCE / len(np.unique(keys)))
    lengths = inside.sum(axis=1)
    held = np.unique(np.stack([np.nonzero(inside)[0], tokens[inside]]), axis=1)[1]
    holding = np.bincount(held, minlength=len(frequency))
    common = max(_SPREAD, _COMMON * len(tokens))
    for key, holders in _holders(keys, rows):
        mean = float(frequency[members[key, 0]]) * float(frequency[members[key, 1]]) / len(keys)
        times = sum(count for _, count in holders)
        if holding[members[key]].max() > common:
            continue
        # Chernoff's bound on the upper tail of a Poisson count.
        if times > mean and times - mean - times * math.log(times / mean) < limit:
            yield [(row, 2 * count / int(lengths[row])) for row, count in holders]


def _runs(tokens: Tokens, inside: Inside) -> Iterator[list[tuple[int, float]]]:
    keys, rows = _phrases(tokens, inside, _RUN)
    total = np.bincount(rows, minlength=len(tokens))
    for _, holders in _holders(keys, rows):
        yield [(row, count / int(total[row])) for row, count in holders]
