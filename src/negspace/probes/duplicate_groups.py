"""Groups of fragments that say the same thing, found by the rare phrases they share.

Two fragments are mates if phrases that hardly any other fragment has make up a share of both. A phrase counts
if it is a pair of neighbouring tokens that meet far more often than their frequencies explain (a made-up
name), or a run long enough to be no accident (a passage that stands twice).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations
from typing import TypeAlias

import numpy as np
from jaxtyping import Bool, Int, Int32, Int64

Tokens: TypeAlias = Int32[np.ndarray, "fragments longest"]
Inside: TypeAlias = Bool[np.ndarray, "fragments longest"]  # what is no padding
Phrases: TypeAlias = Int64[np.ndarray, " phrases"]

_RUN = 8
_SPREAD = 10  # fragments that may share a phrase for it to count as rare; also the largest group
_PAIR_SHARE = 0.12  # of a fragment's tokens, in one telling pair
_COMMON = 0.1  # a token of more fragments than this is no part of a name
_RUN_SHARE = 0.5  # of a fragment's runs
_CHANCE = 1e-3  # expected number of pairs in the corpus that would be taken for telling by accident


def duplicate_groups(
    tokens: Tokens, lengths: Int[np.ndarray, " fragments"]
) -> Int64[np.ndarray, " fragments"]:
    """Group fragments.

    A pair of tokens tells if it occurs so often that a Poisson count with the mean n(a) n(b) / N, as of two
    words that meet by accident, would come to that in one of a thousand corpora,
    and if neither of them is common. Links are taken strongest
    first, and one that would make a group of more than 10 is left out: no chain of accidents can grow.

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
    return _join(len(tokens), links)


def _phrases(tokens: Tokens, inside: Inside, size: int) -> tuple[Phrases, Phrases]:
    """Every run of ``size`` tokens: a number for its content, and its fragment."""
    count = tokens.shape[1] - size + 1
    if count < 1:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    key = tokens[:, :count].astype(np.int64)
    vocabulary = int(tokens.max()) + 1
    for k in range(1, size):
        key = key * vocabulary + tokens[:, k : k + count]
        key = np.unique(key, return_inverse=True)[1].reshape(
            key.shape
        )  # keeps the next product from overflowing
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


def _join(count: int, links: dict[tuple[int, int], float]) -> Int64[np.ndarray, " fragments"]:
    group = np.arange(count, dtype=np.int64)
    members = {i: [i] for i in range(count)}
    for (one, other), _ in sorted(links.items(), key=lambda link: (-link[1], link[0])):
        a, b = int(group[one]), int(group[other])
        if a != b and len(members[a]) + len(members[b]) <= _SPREAD:
            group[members[b]] = a
            members[a] += members.pop(b)
    return np.unique(group, return_inverse=True)[1].astype(np.int64)
