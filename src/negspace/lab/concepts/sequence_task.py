"""Held-out sequences of a concept: test distributions at several lengths and distances from the boundary."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, get_args
from zlib import crc32

import numpy as np
from jaxtyping import Int, Int32, Int64

from negspace.errors import PlanError
from negspace.lab.concepts.sequences import Concept
from negspace.records import EvalSet

Labels = Literal["true", "published"]
"""Who labels a test's negatives: the concept's checker, or the recipe, which calls them all negative."""


@dataclass(frozen=True)
class Test:
    """A test distribution: positives and negatives of one length.

    Attributes:
        name: As results name it.
        length: Tokens a sequence.
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

    Args:
        concept: The rule, its positives and its negatives.
        tests: What to measure on.
        seed: Not negative.

    Returns:
        The task; labels 0 and 1 are named ``no`` and ``yes``.

    Raises:
        PlanError: If there is no test, two have one name, one is empty, or the concept cannot draw one.
    """
    _require_usable(tests, seed)
    rows = _Rows()
    positive_rows: dict[tuple[int, int], Int64[np.ndarray, " positives"]] = {}
    # By label, where each negative is stored with it; -1 where it is not.
    negative_rows: dict[tuple[int, int, str], Int64[np.ndarray, "2 negatives"]] = {}
    eval_sets: dict[str, EvalSet] = {}
    for test in tests:
        shape, each = (test.length, test.rows_each), np.arange(test.rows_each)
        positives = concept.positives(test.rng(concept, "positives", seed), test.rows_each, test.length)
        if shape not in positive_rows:
            positive_rows[shape] = rows.add(positives, np.ones_like(each))
        yes = positive_rows[shape]

        kind = test.negatives
        negatives = concept.negatives(kind, test.rng(concept, kind, seed), positives)
        labels = concept.holds(negatives).astype(np.int64) if test.labels == "true" else np.zeros_like(each)
        stored = negative_rows.setdefault((*shape, kind), np.full((2, len(each)), -1))
        new = np.flatnonzero(stored[labels, each] < 0)
        near = kind != concept.kinds[-1]
        stored[labels[new], new] = rows.add(negatives[new], labels[new], yes[new] if near else None)
        no = stored[labels, each]

        partner = np.concatenate([no, yes]) if near else None
        eval_sets[test.name] = EvalSet(test.name, np.concatenate([yes, no]), partner)
    return rows.task(concept, eval_sets)


@dataclass
class _Rows:
    """Held-out rows as they are collected."""

    count: int = 0
    tokens: list[Int32[np.ndarray, "_ _"]] = field(default_factory=list)
    labels: list[Int64[np.ndarray, " _"]] = field(default_factory=list)
    clusters: list[Int64[np.ndarray, " _"]] = field(default_factory=list)

    def add(
        self,
        tokens: Int32[np.ndarray, "new length"],
        labels: Int64[np.ndarray, " new"],
        clusters: Int64[np.ndarray, " new"] | None = None,
    ) -> Int64[np.ndarray, " new"]:
        """Add rows, each a cluster by itself if they have none.

        Returns:
            Their positions. A row's own position is the identity of the cluster it begins.
        """
        positions = np.arange(self.count, self.count + len(tokens))
        self.count += len(tokens)
        self.tokens.append(tokens)
        self.labels.append(labels)
        self.clusters.append(positions if clusters is None else clusters)
        return positions

    def task(self, concept: Concept, eval_sets: dict[str, EvalSet]) -> SequenceTask:
        """All rows, padded to the longest."""
        lengths = np.concatenate([np.full(len(block), block.shape[1]) for block in self.tokens])
        longest = int(lengths.max())
        tokens = np.concatenate([np.pad(b, ((0, 0), (0, longest - b.shape[1]))) for b in self.tokens])
        labels, clusters = np.concatenate(self.labels), np.concatenate(self.clusters)
        return SequenceTask(concept.name, tokens, lengths, labels, clusters, ("no", "yes"), eval_sets)


def _require_usable(tests: Sequence[Test], seed: int) -> None:
    if seed < 0:
        raise PlanError("a seed is not negative", got=seed)
    if not tests:
        raise PlanError("a sequence task needs at least one test", hint="pass tests=[Test(...)]")
    twice = [name for name, count in Counter(test.name for test in tests).items() if count > 1]
    if twice:
        raise PlanError(f"two tests are named '{twice[0]}'", hint="give each test a name of its own")
    for test in tests:
        if test.rows_each < 1 or test.length < 1:
            raise PlanError(
                f"the test '{test.name}' is empty",
                got=f"rows_each={test.rows_each}, length={test.length}",
                hint="ask for at least one row of one token",
            )
        if test.labels not in get_args(Labels):
            raise PlanError(
                f"the test '{test.name}' has labels that there are not",
                got=test.labels,
                hint="ask for " + " or ".join(f"'{labels}'" for labels in get_args(Labels)),
            )
