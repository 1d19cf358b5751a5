"""Token sequences whose label a rule decides: what such a concept offers, and held-out rows of it.

Test distributions differ in length and in their distance from the boundary.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Protocol, TypeAlias, get_args, runtime_checkable
from zlib import crc32

import numpy as np
from jaxtyping import Bool, Int, Int32, Int64

from negspace.errors import PlanError
from negspace.records import EvalSet, Json

VOCABULARY = 50
"""Number of tokens: the integers from 0 to one below."""

Tokens: TypeAlias = Int32[np.ndarray, "rows length"]
"""Sequences of one length."""


@runtime_checkable
class Concept(Protocol):
    """A rule over sequences of the integers 0…49, with an exact checker.

    Draws are vectorised over rows and take all their randomness from the generator passed in. A rule may
    derive from it, for `describe`, or offer as much by itself.
    """

    @property
    def name(self) -> str:
        """As results name the concept."""

    @property
    def statement(self) -> str:
        """The rule, in one sentence."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """Names of the negatives, nearest to the boundary first.

        The last is ``random``: independent of any positive. The others are near misses, each made
        from a positive.
        """

    def describe(self) -> Mapping[str, Json]:
        """What identifies the concept and its generators, for plans and their hashes."""
        told: dict[str, Json] = {"concept": self.name, "statement": self.statement}
        return {**told, "vocabulary": VOCABULARY, "kinds": list(self.kinds)}

    def holds(self, tokens: Tokens) -> Bool[np.ndarray, " rows"]:
        """Whether each row follows the rule: the exact checker."""

    def positives(self, rng: np.random.Generator, rows: int, length: int) -> Tokens:
        """Draw rows that follow the rule.

        Raises:
            PlanError: If there are no such rows of this length.
        """

    def negatives(self, kind: str, rng: np.random.Generator, positives: Tokens) -> Tokens:
        """Draw one negative, of one of `kinds`, for each row.

        Near misses are made from the positives, which are left as they are; ``random`` uses only their shape.

        Raises:
            PlanError: If there is no such kind, or if it needs sequences of another length.
        """


Labels = Literal["true", "published"]
"""Who labels a test's negatives: the concept's checker, or the recipe, which calls them all negative."""


@dataclass(frozen=True)
class Test:
    """A test distribution: positives and negatives of one length.

    Attributes:
        negatives: One of the concept's kinds.
        rows_each: Number of positives, and of negatives.
        labels: ``true``: a negative that follows the rule by chance is labelled positive; ``published``: it
            is labelled negative like the others.
    """

    name: str
    length: int
    negatives: str
    rows_each: int = 500
    labels: Labels = "true"

    def rng(self, concept: Concept, what: str, seed: int) -> np.random.Generator:
        """The random stream of the positives, or of the negatives of one kind, shared with no other."""
        key = (crc32(concept.name.encode()), self.length, self.rows_each, crc32(what.encode()))
        return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


@dataclass(frozen=True, eq=False)
class SequenceTask:
    """Token sequences whose label a rule decides, held out for measuring; training rows are drawn as needed.

    Attributes:
        concept: Name of the rule.
        tokens: Held-out sequences, padded with 0 from their length on.
        lengths: Number of tokens of each.
        held_out_labels: 1 where the rule holds (or, in an eval set that says so, is said to hold), else 0.
        held_out_clusters: A positive and the near misses made from it are one cluster.
        label_names: Names of the labels 0 and 1.
        eval_sets: By name.
    """

    concept: str
    tokens: Int32[np.ndarray, "held_out longest"]
    lengths: Int[np.ndarray, " held_out"]
    held_out_labels: Int[np.ndarray, " held_out"]
    held_out_clusters: Int[np.ndarray, " held_out"]
    label_names: tuple[str, ...]
    eval_sets: Mapping[str, EvalSet]

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of all content; shapes go before the numbers, so that no two tasks read alike."""
        arrays = (self.tokens, self.lengths, self.held_out_labels, self.held_out_clusters)
        sets = list(self.eval_sets.values())
        named = [[each.name, len(each), each.partner is not None] for each in sets]
        head = [self.concept, list(self.label_names), [list(array.shape) for array in arrays], named]
        digest = hashlib.sha256(b"negspace-sequences-1" + json.dumps(head).encode())
        partners = [each.partner for each in sets if each.partner is not None]
        for array in (*arrays, *(each.rows for each in sets), *partners):
            digest.update(np.ascontiguousarray(array, dtype="<i8").tobytes())
        return digest.hexdigest()


def sequence_task(concept: Concept, tests: Sequence[Test], *, seed: int) -> SequenceTask:
    """Draw a concept's held-out rows.

    An eval set has its test's positives first, then the negatives. Near misses are made from these
    positives, one each, and each is the other's partner; ``random`` negatives have no partner. A near miss
    belongs to its positive's cluster.

    The rows of a test depend on the concept, the seed and the test alone, not on the other tests. Tests of
    one length and size have the same positives, and those with the same negatives too the same negatives.
    Rows are stored once, unless two tests label them differently.

    Labels 0 and 1 are named ``no`` and ``yes``.

    Raises:
        PlanError: If the seed is negative, there is no test, two have one name, or one is empty or cannot
            be drawn.
    """
    if seed < 0:
        raise PlanError("a seed is not negative", got=seed)
    if not tests:
        raise PlanError("a sequence task needs at least one test", hint="pass tests=[Test(...)]")
    twice = [name for name, count in Counter(test.name for test in tests).items() if count > 1]
    if twice:
        raise PlanError(f"two tests are named '{twice[0]}'", hint="give each test a name of its own")
    for test in tests:
        if test.rows_each < 1 or test.length < 1:
            got = f"rows_each={test.rows_each}, length={test.length}"
            raise PlanError(
                f"the test '{test.name}' is empty", got=got, hint="ask for a row of a token at least"
            )
        if test.labels not in get_args(Labels):
            wrong = f"the test '{test.name}' has labels that there are not"
            raise PlanError(wrong, got=test.labels, hint=f"ask for {' or '.join(get_args(Labels))}")
    blocks: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []  # tokens, labels and clusters, as collected

    def add(tokens: Tokens, labels: np.ndarray, clusters: np.ndarray | None) -> Int64[np.ndarray, " rows"]:
        """Add rows, each a cluster by itself (its position) if they have none; gives their positions."""
        start = sum(len(block) for block, _, _ in blocks)
        positions = np.arange(start, start + len(tokens))
        blocks.append((tokens, labels, positions if clusters is None else clusters))
        return positions

    positive_rows: dict[tuple[int, int], Int64[np.ndarray, " positives"]] = {}
    # By label, where each negative is stored with it; -1 where it is not.
    negative_rows: dict[tuple[int, int, str], Int64[np.ndarray, "2 negatives"]] = {}
    eval_sets: dict[str, EvalSet] = {}
    for test in tests:
        shape, each = (test.length, test.rows_each), np.arange(test.rows_each)
        positives = concept.positives(test.rng(concept, "positives", seed), test.rows_each, test.length)
        if shape not in positive_rows:
            positive_rows[shape] = add(positives, np.ones_like(each), None)
        yes = positive_rows[shape]

        kind = test.negatives
        negatives = concept.negatives(kind, test.rng(concept, kind, seed), positives)
        labels = concept.holds(negatives).astype(np.int64) if test.labels == "true" else np.zeros_like(each)
        stored = negative_rows.setdefault((*shape, kind), np.full((2, len(each)), -1))
        new = np.flatnonzero(stored[labels, each] < 0)
        near = kind != concept.kinds[-1]
        stored[labels[new], new] = add(negatives[new], labels[new], yes[new] if near else None)
        no = stored[labels, each]

        partner = np.concatenate([no, yes]) if near else None
        eval_sets[test.name] = EvalSet(test.name, np.concatenate([yes, no]), partner)
    lengths = np.concatenate([np.full(len(block), block.shape[1]) for block, _, _ in blocks])
    longest = int(lengths.max())
    tokens = np.concatenate([np.pad(b, ((0, 0), (0, longest - b.shape[1]))) for b, _, _ in blocks])
    labels, clusters = (np.concatenate([block[i] for block in blocks]) for i in (1, 2))
    return SequenceTask(concept.name, tokens, lengths, labels, clusters, ("no", "yes"), eval_sets)
