"""Minimal pairs as two-way choices of a language model.

Each pair is two choices: the good sentence against the bad one (the near miss), and the good sentence against
its own words shuffled (easy). Both are held out, for nobody trains on them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from jaxtyping import Bool, Int

from negspace.data import Fragments
from negspace.data.minimal_pairs import MinimalPairs
from negspace.errors import DataError
from negspace.evaluation.evaluation_plan import EASY, NEAR_MISS, PAIRS
from negspace.records import EvalSet

Encode: TypeAlias = Callable[[Sequence[str]], list[list[int]]]
"""Token ids of texts: first a token that is read and never predicted, then those of the text."""

NEAR_MISS_PER_TOKEN, EASY_PER_TOKEN = f"{NEAR_MISS} per token", f"{EASY} per token"

_TRIES = 100


@dataclass(frozen=True, eq=False)
class PairTask:
    """Minimal pairs as a model reads them, and what is asked of it.

    An item is a choice between a good sentence and another one. Items stand in four blocks, each of which is
    an eval set: `NEAR_MISS` (one per pair), `EASY` (one per shuffled twin), and both ``per token``. The
    predicted label is 1 where the good sentence is the more probable one: by its log-probability, or by that
    per token.

    Attributes:
        pairs: The pairs.
        shuffled: The words of good sentences in another order.
        twin_of: The pair that each of ``shuffled`` belongs to, ascending.
        fragments: All sentences, tokens as the model reads them: the good, the bad, the shuffled.
        parting: Position in its fragment of the first token in which a pair's sentences differ; 0 where one
            of them ends before.
        too_long: How many pairs were left out, being longer than the model reads.
        label_names: ``bad`` and ``good``.
        held_out_labels: 1, which is ``good``, for every item.
        held_out_clusters: All items of a pair are one cluster; so are pairs with the same good sentence.
        eval_sets: The blocks, a pair's two choices as `PAIRS`, and each paradigm's part of the choices
            (`of_paradigm`).
        fingerprint: SHA-256 (hex) of all of the above.
    """

    pairs: MinimalPairs
    shuffled: tuple[str, ...]
    twin_of: Int[np.ndarray, " twins"]
    fragments: Fragments
    parting: Int[np.ndarray, " pairs"]
    too_long: int
    label_names: tuple[str, ...]
    held_out_labels: Int[np.ndarray, " held_out"]
    held_out_clusters: Int[np.ndarray, " held_out"]
    eval_sets: Mapping[str, EvalSet]
    fingerprint: str

    @property
    def scored(self) -> Int[np.ndarray, " sentences"]:
        """Number of tokens that are predicted, of each sentence."""
        return np.asarray(self.fragments.lengths - 1)


def of_paradigm(on: str, paradigm: str) -> str:
    """Name of the eval set of one paradigm: ``near_miss: npi_present_1``."""
    return f"{on}: {paradigm}"


def shuffled_words(good: str, bad: str, *, seed: int) -> str | None:
    """Put the words of a sentence into another order.

    Words are what stands between white space; each order but those of the two sentences is equally likely.

    Args:
        good: The sentence.
        bad: What it must not become either.
        seed: Decides the order, together with the sentence itself, so that other pairs have no say.

    Returns:
        The words, joined by single spaces; None where no other order was found (a single word, say).
    """
    words = good.split()
    taken = [words, bad.split()]
    if len(set(words)) < 2:
        return None
    rng = np.random.default_rng([seed, *good.encode()])
    for _ in range(_TRIES):
        order = [words[i] for i in rng.permutation(len(words))]
        if order not in taken:
            return " ".join(order)
    return None


def build_pair_task(pairs: MinimalPairs, encode: Encode, *, context: int, seed: int) -> PairTask:
    """Build the task of an audit of minimal pairs.

    Args:
        pairs: The pairs.
        encode: Token ids of texts as the model reads them.
        context: Longest sequence that the model reads, in tokens.
        seed: Decides the shuffled words.

    Raises:
        DataError: If no pair is left.
    """
    goods, bads = encode(pairs.good), encode(pairs.bad)
    kept = _that_fit(pairs, goods, bads, context)
    too_long = len(pairs) - len(kept)
    if too_long:
        pairs = pairs.take(kept)
        goods, bads = [goods[i] for i in kept], [bads[i] for i in kept]
    orders = [shuffled_words(good, bad, seed=seed) for good, bad in zip(pairs.good, pairs.bad, strict=True)]
    twins = encode([order for order in orders if order is not None])
    at = [pair for pair, order in enumerate(orders) if order is not None]
    # In other places a word has other tokens, and so an order may be too long where the sentence is not.
    fitting = [i for i, ids in enumerate(twins) if len(ids) <= context]
    twin_of = np.array([at[i] for i in fitting], dtype=np.int64)
    shuffled = tuple(order for pair in twin_of.tolist() if (order := orders[pair]) is not None)
    texts = (*pairs.good, *pairs.bad, *shuffled)
    fragments = _fragments(texts, [*goods, *bads, *(twins[i] for i in fitting)], pairs, twin_of)
    blocks = _blocks(len(pairs), len(twin_of))
    _, same_good = np.unique(np.array(pairs.good, dtype=object), return_inverse=True)
    near, easy = same_good, same_good[twin_of]
    clusters = np.concatenate([near, easy, near, easy])
    sets = {**blocks, **_paradigm_sets(blocks, pairs, twin_of)}
    sets[PAIRS] = EvalSet(PAIRS, twin_of, blocks[EASY].rows)
    digest = hashlib.sha256(fragments.fingerprint.encode())
    for values in (twin_of, clusters, pairs.paradigm):
        digest.update(np.ascontiguousarray(values, "<i8").tobytes())
    digest.update(repr(pairs.paradigms).encode())
    return PairTask(
        pairs,
        shuffled,
        twin_of,
        fragments,
        _partings(goods, bads),
        too_long,
        ("bad", "good"),
        np.ones(len(clusters), dtype=np.int64),
        clusters,
        sets,
        digest.hexdigest(),
    )


def _that_fit(
    pairs: MinimalPairs, goods: list[list[int]], bads: list[list[int]], context: int
) -> Int[np.ndarray, " kept"]:
    longest = np.array([max(len(good), len(bad)) for good, bad in zip(goods, bads, strict=True)])
    shortest = np.array([min(len(good), len(bad)) for good, bad in zip(goods, bads, strict=True)])
    if (empty := np.flatnonzero(shortest < 2)).size:
        raise DataError(
            f"{pairs.where(int(empty[0]))}: the tokenizer of the model has no token for a sentence",
            got=min(pairs.good[empty[0]], pairs.bad[empty[0]], key=len),
            hint="remove the pair, or give a model that reads such text",
        )
    kept = np.flatnonzero(longest <= context)
    if not len(kept):
        raise DataError(
            f"{pairs.where(0)}: the pair is longer than the model reads, and so are all others",
            got=f"{longest[0]} tokens; the model reads {context}",
            hint="give shorter sentences, or a model that reads more",
        )
    return kept


def _fragments(
    texts: tuple[str, ...], ids: list[list[int]], pairs: MinimalPairs, twin_of: Int[np.ndarray, " twins"]
) -> Fragments:
    lengths = np.array([len(each) for each in ids], dtype=np.int64)
    tokens = np.zeros((len(ids), int(lengths.max())), dtype=np.int32)
    for row, each in enumerate(ids):
        tokens[row, : len(each)] = each
    places = [pairs.where(pair) for pair in range(len(pairs))]
    digest = hashlib.sha256("\0".join(texts).encode())
    digest.update(
        np.ascontiguousarray(lengths, "<i8").tobytes() + np.ascontiguousarray(tokens, "<i4").tobytes()
    )
    everywhere = (*places, *places, *(places[pair] for pair in twin_of))
    return Fragments(texts, tokens, lengths, everywhere, digest.hexdigest())


def _partings(goods: list[list[int]], bads: list[list[int]]) -> Int[np.ndarray, " pairs"]:
    return np.array(
        [
            next((i for i, (one, other) in enumerate(zip(good, bad, strict=False)) if one != other), 0)
            for good, bad in zip(goods, bads, strict=True)
        ],
        dtype=np.int64,
    )


def _blocks(pairs: int, twins: int) -> dict[str, EvalSet]:
    sizes = {
        NEAR_MISS: pairs,
        EASY: twins,
        NEAR_MISS_PER_TOKEN: pairs,
        EASY_PER_TOKEN: twins,
    }
    ends = np.cumsum(list(sizes.values()))
    return {
        name: EvalSet(name, np.arange(end - size, end))
        for (name, size), end in zip(sizes.items(), ends.tolist(), strict=True)
    }


def _paradigm_sets(
    blocks: Mapping[str, EvalSet], pairs: MinimalPairs, twin_of: Int[np.ndarray, " twins"]
) -> dict[str, EvalSet]:
    found = {}
    for number, paradigm in enumerate(pairs.paradigms):
        of_pairs: Bool[np.ndarray, " pairs"] = pairs.paradigm == number
        for on in (NEAR_MISS, EASY, NEAR_MISS_PER_TOKEN, EASY_PER_TOKEN):
            chosen = of_pairs[twin_of] if on in {EASY, EASY_PER_TOKEN} else of_pairs
            name = of_paradigm(on, paradigm)
            found[name] = EvalSet(name, blocks[on].rows[chosen])
    return found
