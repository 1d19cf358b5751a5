"""Which of a query's nearest rows are safe negatives: rules against false negatives, and their statistics.

The settings and what they mean are those of sentence-transformers' ``mine_hard_negatives``, which the
field knows: rules drop candidates, ranks are counted among those that are left. On top come rows of the
query's own class and near-duplicates of its positive.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from math import isfinite
from typing import Literal, TypeAlias, get_args

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int, Int32

from negspace.errors import DataError, PlanError, did_you_mean
from negspace.search.exact import Hits, pair_scores

Sampling: TypeAlias = Literal["top", "random"]

Positives: TypeAlias = tuple[Int[np.ndarray, " queries_plus_1"], Int[np.ndarray, " entries"]]
"""Rows of the corpus that are right for each query, as ``(indptr, indices)``."""


@dataclass(frozen=True)
class Rules:
    """What makes a near row a negative.

    With ``p`` the score of the query's positive, a candidate of score ``s`` is dropped

    * by ``absolute_margin`` where ``s > p - absolute_margin``;
    * by ``relative_margin`` where ``s > p - relative_margin * |p|``. The common form
      ``p * (1 - relative_margin)`` (NV-Retriever, arXiv:2407.15831, section 3) is the same where ``p`` is
      positive; where it is negative, that one lets in what is nearer than the positive.

    A query with several positives is held to the lowest of their scores: a row must be farther than each
    of them. That is the strictest reading, and sentence-transformers' too.

    Attributes:
        num_negatives: Negatives taken for each query.
        range_min: Best candidates skipped, of those that the other rules leave.
        range_max: Candidates looked at, of those that the other rules leave; None for as many as
            sentence-transformers takes (`last_rank`).
        max_score: Candidates above are dropped; rounded to float32, as scores are.
        min_score: Candidates below are dropped; rounded likewise.
        absolute_margin: See above; at least 0.
        relative_margin: See above; at least 0.
        duplicate_of_positive: Rows whose product with a positive of the query is at least this are dropped.
        exclude_same_class: Drop rows of the query's own label, where labels are known.
        sampling: The best (``top``), or drawn evenly from all that are left (``random``).
    """

    num_negatives: int = 3
    range_min: int = 0
    range_max: int | None = None
    max_score: float | None = None
    min_score: float | None = None
    absolute_margin: float | None = None
    relative_margin: float | None = None
    duplicate_of_positive: float | None = None
    exclude_same_class: bool = True
    sampling: Sampling = "top"

    def __post_init__(self) -> None:
        """Refuse settings under which nothing can be mined."""
        if self.num_negatives < 1:
            raise PlanError(
                "num_negatives must be at least 1", got=self.num_negatives, hint="ask for one or more"
            )
        if self.range_min < 0:
            raise PlanError("range_min counts ranks from 0", got=self.range_min, hint="give 0 or more")
        if self.range_max is not None and self.range_max - self.range_min < self.num_negatives:
            raise PlanError(
                "range_min and range_max leave fewer candidates than num_negatives",
                got=f"{self.range_min} to {self.range_max}, {self.num_negatives} negatives",
                hint=f"raise range_max to {self.range_min + self.num_negatives} or more",
            )
        for name in ("max_score", "min_score", "absolute_margin", "relative_margin", "duplicate_of_positive"):
            value = getattr(self, name)
            if value is not None and not isfinite(value):
                raise PlanError(
                    f"{name} must be a finite number", got=value, hint="leave it out for no limit"
                )
        for name in ("absolute_margin", "relative_margin"):
            if (getattr(self, name) or 0.0) < 0:
                raise PlanError(
                    f"{name} would let in rows nearer than the positive",
                    got=getattr(self, name),
                    hint="give 0 or more",
                )
        if self.max_score is not None and self.min_score is not None and self.min_score > self.max_score:
            raise PlanError(
                "min_score is above max_score, so that no candidate is left",
                got=f"min_score {self.min_score}, max_score {self.max_score}",
                hint="swap them",
            )
        if self.sampling not in get_args(Sampling):
            raise PlanError(
                "no such sampling", got=self.sampling, hint=did_you_mean(self.sampling, get_args(Sampling))
            )

    @property
    def has_margin(self) -> bool:
        """Whether a positive's score is needed."""
        return self.absolute_margin is not None or self.relative_margin is not None

    def last_rank(self, most_positives: int = 1) -> int:
        """``range_max``, or what sentence-transformers takes in its place.

        That is ``range_min + num_negatives + most_positives`` (of the query that has the most), with ten
        times ``num_negatives`` where a rule may drop some of the best.
        """
        if self.range_max is not None:
            return self.range_max
        dropping = self.has_margin or self.max_score is not None or self.duplicate_of_positive is not None
        return self.range_min + self.num_negatives * (10 if dropping else 1) + most_positives


@dataclass(frozen=True)
class FilterStats:
    """What became of the candidates. Each is counted once, under the first rule that drops it."""

    queries: int = 0  # queries looked at
    seen: int = 0  # candidates looked at
    positive: int = 0  # dropped as a positive of the query; the rules that follow it stand in their order
    same_class: int = 0
    duplicate: int = 0
    absolute: int = 0
    relative: int = 0
    above: int = 0  # dropped because they score above ``max_score``; ``below`` likewise for ``min_score``
    below: int = 0
    rank: int = 0  # dropped by ``range_min`` or ``range_max``
    left: int = 0  # left by all rules, and not taken
    taken: int = 0  # taken as negatives
    short: int = 0  # queries with fewer than ``num_negatives``
    # The first ``num_negatives`` candidates of each query that are no positives: what would be taken without
    # rules. Only those of known class: 0 where labels are not known.
    first: int = 0
    first_same_class: int = 0  # those of ``first`` that are of the query's own class
    taken_known: int = 0  # those of ``taken`` whose class is known; 0 where labels are not known
    taken_same_class: int = 0  # those of ``taken_known`` that are of the query's own class

    def __add__(self, other: FilterStats) -> FilterStats:
        """Join the counts of two blocks of queries."""
        return FilterStats(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


@dataclass(frozen=True, eq=False)
class Kept:
    """The negatives of some queries, best first."""

    rows: Int32[np.ndarray, "queries negatives"]  # positions in the corpus; -1 where there are no more
    scores: Float32[np.ndarray, "queries negatives"]  # their scores; -inf where there are no more
    # their places among the hits, from 0; -1 where there are no more
    ranks: Int32[np.ndarray, "queries negatives"]
    stats: FilterStats


def least_positive(
    scores: Float32[np.ndarray, " entries"], indptr: Int[np.ndarray, " queries_plus_1"]
) -> Float32[np.ndarray, " queries"]:
    """Lowest of each query's positive scores; infinite for a query without positives, which has no bound."""
    least = np.full(len(indptr) - 1, np.inf, dtype=np.float32)
    np.minimum.at(least, np.repeat(np.arange(len(least)), np.diff(indptr)), scores)
    return least


def duplicates_of_positive(
    hits: Hits, corpus: Float32[np.ndarray, "corpus dims"], positives: Positives, threshold: float
) -> Bool[np.ndarray, "queries k"]:
    """Find the hits that stand so near a positive of their query that they are likely positives too.

    From a product of ``threshold`` on (cosine, for rows of unit length) two rows are near-duplicates.
    """
    found = np.zeros(hits.rows.shape, dtype=np.bool_)
    for which, positive in _in_turn(positives):
        row, column = np.nonzero(hits.rows[which] >= 0)
        product = pair_scores(corpus, positive[row], corpus, hits.rows[which[row], column])
        found[which[row], column] |= product >= threshold
    return found


def apply_rules(
    hits: Hits,
    rules: Rules,
    *,
    positives: Positives | None = None,
    least: Float32[np.ndarray, " queries"] | None = None,
    duplicates: Bool[np.ndarray, "queries k"] | None = None,
    query_labels: Int[np.ndarray, " queries"] | None = None,
    corpus_labels: Int[np.ndarray, " corpus"] | None = None,
    most_positives: int | None = None,
    first_query: int = 0,
    seed: int = 0,
) -> Kept:
    """Take negatives from hits.

    The outcome for a query depends on its own hits only, and not on the block it comes in: a random
    choice has a generator of its own, seeded by ``(seed, number of the query)``.

    Args:
        hits: Hits of a block of queries, best first.
        rules: The rules.
        positives: Positives of these queries; hits that are among them are dropped. Not needed where the
            search passed over them.
        least: Lowest score of each query's positives (`least_positive`); needed for margins.
        duplicates: Hits that are near-duplicates of a positive (`duplicates_of_positive`); needed for
            ``duplicate_of_positive``.
        query_labels: Labels of these queries; negative where not known.
        corpus_labels: Labels of the whole corpus; negative where not known.
        most_positives: Positives of the query that has the most, among all queries; by default among these.
        first_query: Number of the block's first query.
        seed: Seed of the random choice.

    Returns:
        The negatives, and what was counted.

    Raises:
        PlanError: If a rule needs what is not given.
    """
    if rules.duplicate_of_positive is not None and duplicates is None:
        raise PlanError(
            "duplicate_of_positive needs vectors to compare",
            hint="compute duplicates_of_positive and give it",
        )
    if most_positives is None:
        most_positives = 1 if positives is None else int(np.diff(positives[0]).max(initial=1))
    seen = hits.rows >= 0
    own, same, known = np.zeros_like(seen), np.zeros_like(seen), np.zeros_like(seen)
    for which, positive in () if positives is None else _in_turn(positives):
        own[which] |= hits.rows[which] == positive[:, None]
    if query_labels is not None and corpus_labels is not None:
        known = seen & (corpus_labels[hits.rows] >= 0) & (query_labels >= 0)[:, None]
        same = known & (corpus_labels[hits.rows] == query_labels[:, None])
    scores = hits.scores.astype(np.float64)
    absolute, relative = _highest_scores(rules, least, len(hits))
    reasons: dict[str, Bool[np.ndarray, "queries k"]] = {
        "positive": own,
        "same_class": same & rules.exclude_same_class,
        "duplicate": np.zeros_like(seen) if duplicates is None else duplicates,
        "absolute": scores > absolute[:, None],
        "relative": scores > relative[:, None],
        "above": hits.scores > np.float32(np.inf if rules.max_score is None else rules.max_score),
        "below": hits.scores < np.float32(-np.inf if rules.min_score is None else rules.min_score),
    }
    left, dropped = seen.copy(), {}
    for name, reason in reasons.items():
        dropped[name] = int((left & reason).sum())
        left &= ~reason
    rank = np.cumsum(left, axis=1) - 1
    ranged = left & (rank >= rules.range_min) & (rank < rules.last_rank(most_positives))
    taken = _take(ranged, rules, first_query, seed)
    first = seen & ~own
    first &= np.cumsum(first, axis=1) <= rules.num_negatives
    count = taken.sum(axis=1)
    stats = FilterStats(
        queries=len(hits),
        seen=int(seen.sum()),
        **dropped,
        rank=int((left & ~ranged).sum()),
        left=int((ranged & ~taken).sum()),
        taken=int(count.sum()),
        short=int((count < rules.num_negatives).sum()),
        first=int((first & known).sum()),
        first_same_class=int((first & same).sum()),
        taken_known=int((taken & known).sum()),
        taken_same_class=int((taken & same).sum()),
    )
    found = Hits.none(len(hits), rules.num_negatives)
    ranks = found.rows.copy()
    query, rank_taken = np.nonzero(taken)
    place = (np.cumsum(taken, axis=1) - 1)[query, rank_taken]
    found.rows[query, place] = hits.rows[query, rank_taken]
    found.scores[query, place] = hits.scores[query, rank_taken]
    ranks[query, place] = rank_taken
    return Kept(found.rows, found.scores, ranks, stats)


def _in_turn(positives: Positives) -> Iterator[tuple[Int[np.ndarray, " some"], Int[np.ndarray, " some"]]]:
    """The queries that have a first positive with it, then those that have a second, and so on."""
    pointers, entries = positives
    each = np.diff(pointers)
    for place in range(int(each.max(initial=0))):
        which = np.flatnonzero(each > place)
        yield which, entries[pointers[which] + place]


def _highest_scores(
    rules: Rules, least: Float32[np.ndarray, " queries"] | None, queries: int
) -> tuple[Float64[np.ndarray, " queries"], Float64[np.ndarray, " queries"]]:
    """Highest scores that the absolute and the relative margin allow."""
    none = np.full(queries, np.inf)
    if not rules.has_margin:
        return none, none
    if least is None:
        raise PlanError(
            "a margin needs the score of each query's positive",
            got="no positives",
            hint="give positives, or use max_score",
        )
    if len(least) != queries:
        raise DataError("there is one positive score a query", got=len(least), hint=f"give {queries}")
    positive = least.astype(np.float64)
    absolute = none if rules.absolute_margin is None else positive - rules.absolute_margin
    if rules.relative_margin is None:
        return absolute, none
    bounded = np.isfinite(positive)
    finite = np.where(bounded, positive, 0.0)
    return absolute, np.where(bounded, finite - rules.relative_margin * np.abs(finite), np.inf)


def _take(
    left: Bool[np.ndarray, "queries k"], rules: Rules, first_query: int, seed: int
) -> Bool[np.ndarray, "queries k"]:
    if rules.sampling == "top":
        return left & (np.cumsum(left, axis=1) <= rules.num_negatives)
    taken = left.copy()
    for row in np.flatnonzero(left.sum(axis=1) > rules.num_negatives):
        rng = np.random.default_rng((seed, first_query + int(row)))
        options = np.flatnonzero(left[row])
        taken[row] = False
        taken[row, rng.choice(options, size=rules.num_negatives, replace=False)] = True
    return taken
