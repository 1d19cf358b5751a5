"""One part: from a range of anchors to their negatives, and to what was counted on the way."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Float32, Int

from negspace.mining.hits import ALL_POSITIVES, SCHEMA, Hit
from negspace.mining.made import Edits
from negspace.mining.pool import Kind, Links, Pool
from negspace.mining.searchers import Neighbours, Searcher
from negspace.mining.settings import Settings
from negspace.records import Json
from negspace.search import Hits, Kept, apply_rules, duplicates_of_positive, least_positive

__all__ = ["DROPPING", "Plan", "mine_part", "pair_within_class"]

DROPPING = ("duplicate", "absolute", "relative", "above", "below", "rank")
"""Rules that drop candidates, by their names in `FilterStats`, in the order in which they are asked."""


@dataclass(frozen=True, eq=False)
class Plan:
    """Everything that mining a part needs.

    Attributes:
        pool: What is mined.
        settings: How.
        searchers: Sources of rows, in the order asked for.
        edits: The source of edits, or None.
        near: Vectors of anchors and corpus; None where nothing asks for them.
        most_positives: Positives of the anchor that has the most.
    """

    pool: Pool
    settings: Settings
    searchers: tuple[Searcher, ...]
    edits: Edits | None
    near: Neighbours | None
    most_positives: int

    @property
    def depth(self) -> int:
        """Candidates asked of a search: never more than there are rows."""
        # Of labelled texts the positive is chosen while mining, so a search does not pass over it.
        extra = 1 if self.pool.kind is Kind.CLASSIFICATION else 0
        rules = self.settings.rules(most_positives=self.most_positives)
        return min(rules.last_rank(self.most_positives) + extra, max(len(self.pool.corpus), 1))


def mine_part(plan: Plan, start: int, stop: int) -> tuple[pa.Table, dict[str, Json]]:
    """Mine a range of anchors. What comes out for an anchor does not depend on the others of its range.

    Args:
        plan: The plan.
        start: First anchor.
        stop: The anchor after the last.

    Returns:
        Hits, rows of `SCHEMA` in order of anchors; and counts that add up over parts.
    """
    positives = _positives(plan, start, stop)
    alone = np.diff(positives.indptr) == 0 if plan.near is not None else np.zeros(stop - start, dtype=bool)
    found: dict[str, list[Iterable[Hit]]] = {}
    counts: dict[str, Any] = {"sources": {}, "same_class": {}}
    for searcher in plan.searchers:
        hits, counted, same = _search(plan, searcher, _Range(start, stop, positives, alone))
        found[searcher.name] = hits
        counts["sources"][searcher.name] = counted
        if same:
            counts["same_class"][searcher.name] = same
    if plan.edits is not None:
        made, counts["edits"] = plan.edits.search(
            start,
            stop,
            plan.settings.negatives,
            positives,
            # An n-tuple needs all its negatives beside one positive.
            in_turn=plan.settings.format != "n-tuple",
        )
        found[plan.edits.name] = [[] if lone else hits for hits, lone in zip(made, alone, strict=True)]
    rows: list[Hit] = []
    filled: Counter[int] = Counter()
    used: Counter[str] = Counter()
    for place in range(stop - start):
        chosen = _in_turn([found[name][place] for name in plan.settings.sources], plan)
        filled[len(chosen)] += 1
        used.update(hit["source"] for hit in chosen)
        rows += _paired(plan, chosen, positives.of(place))
    counts["anchors"] = stop - start
    counts["without_positive"] = int(alone.sum())
    counts["without_negatives"] = filled[0] - int(alone.sum())
    counts["with_fewer"] = sum(count for size, count in filled.items() if 0 < size < plan.settings.negatives)
    counts["used"] = dict(used)
    return pa.Table.from_pylist(rows, schema=SCHEMA), counts


def pair_within_class(plan: Plan, start: int, stop: int) -> Int[np.ndarray, " range"]:
    """Choose another row of its class as the positive of each labelled text; -1 where there is none.

    Rows with the text of the anchor are passed over: a text is no positive of itself.

    Args:
        plan: Of labelled texts, with vectors.
        start: First anchor.
        stop: The anchor after the last.
    """
    pool, near, labels = plan.pool, plan.near, plan.pool.anchor_labels
    assert near is not None
    assert labels is not None
    own = labels[start:stop]
    if plan.settings.pair_with == "random":
        inside = {int(label): np.flatnonzero(labels == label) for label in np.unique(own)}
        free = [np.setdiff1d(inside[int(own[i])], pool.known.of(start + i)) for i in range(stop - start)]
        seed = plan.settings.seed
        drawn = [
            np.random.default_rng([seed, start + i]).choice(rows) if len(rows) else -1
            for i, rows in enumerate(free)
        ]
        return np.array(drawn, dtype=np.int64)
    # The first row of the class among the nearest of all is the nearest of the class.
    hits = near.search(start, stop, plan.depth, by_class=False)
    same = (hits.rows >= 0) & (labels[hits.rows] == own[:, None])
    partner = np.where(same.any(axis=1), hits.rows[np.arange(stop - start), same.argmax(axis=1)], -1)
    missed = np.flatnonzero(partner < 0)
    for label in np.unique(own[missed]):
        asked = missed[own[missed] == label]
        partner[asked] = near.nearest_of_label(start + asked, int(label), 1)[:, 0]
    return partner.astype(np.int64)


def _positives(plan: Plan, start: int, stop: int) -> Links:
    """Positives of a range of anchors, counted from the first of them."""
    if plan.pool.kind is not Kind.CLASSIFICATION or plan.near is None:
        return plan.pool.positives.part(start, stop)
    partner = pair_within_class(plan, start, stop)
    found = partner >= 0
    return Links(np.concatenate([[0], np.cumsum(found)]), partner[found])


@dataclass(frozen=True, eq=False)
class _Range:
    """A range of anchors and what holds them to their positives.

    Attributes:
        start: First anchor.
        stop: The anchor after the last.
        positives: Of each.
        alone: Those without a positive, for which nothing is searched.
    """

    start: int
    stop: int
    positives: Links
    alone: Bool[np.ndarray, " range"]


def _search(
    plan: Plan, searcher: Searcher, part: _Range
) -> tuple[list[Iterable[Hit]], dict[str, Json], dict[str, Json]]:
    """Negatives of one source; counts; and how many would have been of the anchor's own class."""
    settings = plan.settings
    links = part.positives
    place, row = links.pairs()
    least = least_positive(searcher.scores(part.start + place, row), links.indptr)
    kept = _judged(plan, searcher, part, least, by_class=True)
    chosen: list[Iterable[Hit]] = [
        _preferred(settings, searcher.name, part.start + place, place, kept, float(least[place]))
        for place in range(part.stop - part.start)
    ]
    counted: dict[str, Json] = {
        "candidates": kept.stats.seen,
        "dropped": {rule: getattr(kept.stats, rule) for rule in DROPPING},
        "kept": kept.stats.left + kept.stats.taken,
    }
    if plan.pool.anchor_labels is None:
        return chosen, counted, {}
    # Once more as if no class were known: what the labels spare us.
    tally = _judged(plan, searcher, part, least, by_class=False).stats
    return (
        chosen,
        counted,
        {
            "before": [tally.first_same_class, tally.first],
            "by_rules": [tally.taken_same_class, tally.taken_known],
            "anchors_full": tally.queries - tally.short,
        },
    )


def _judged(
    plan: Plan,
    searcher: Searcher,
    part: _Range,
    least: Float32[np.ndarray, " range"],
    *,
    by_class: bool,
) -> Kept:
    """Search, and put the rules to what is found."""
    pool, settings = plan.pool, plan.settings
    rules = settings.rules(most_positives=plan.most_positives, spare=by_class)
    positives = (part.positives.indptr, part.positives.rows)
    found = searcher.search(part.start, part.stop, plan.depth, by_class=by_class)
    hits = Hits(np.where(part.alone[:, None], np.int32(-1), found.rows), found.scores)
    duplicates = None
    if settings.near_duplicate is not None:
        assert plan.near is not None
        duplicates = duplicates_of_positive(hits, plan.near.corpus, positives, settings.near_duplicate)
    labels = None if by_class or pool.anchor_labels is None else pool.anchor_labels[part.start : part.stop]
    return apply_rules(
        hits,
        rules,
        positives=positives,
        least=least,
        duplicates=duplicates,
        query_labels=labels,
        corpus_labels=None if labels is None else pool.corpus_labels,
        most_positives=plan.most_positives,
        first_query=part.start,
        seed=settings.seed,
    )


def _preferred(
    settings: Settings, source: str, anchor: int, place: int, kept: Kept, positive: float
) -> Iterator[Hit]:
    """The negatives left to one anchor, in the order in which they are taken."""
    order = np.flatnonzero(kept.rows[place] >= 0)
    if settings.sampling == "random":
        order = np.random.default_rng([settings.seed, anchor, *source.encode()]).permutation(order)
    for at in order.tolist():
        yield {
            "anchor": anchor,
            "positive": ALL_POSITIVES,
            "row": int(kept.rows[place, at]),
            "text": None,
            "source": source,
            "score": float(kept.scores[place, at]),
            "rank": int(kept.ranks[place, at]) + 1,
            "positive_score": positive if math.isfinite(positive) else None,
            "verifier": None,
            "edit": None,
            "seed": settings.seed,
        }


def _in_turn(sources: Sequence[Iterable[Hit]], plan: Plan) -> list[Hit]:
    """Take from each source its best in turn, no text twice: scores of two sources do not compare."""
    most = plan.settings.negatives
    chosen: list[Hit] = []
    seen: set[str] = set()
    waiting = deque(map(iter, sources))
    while waiting and len(chosen) < most:
        source = waiting.popleft()
        for hit in source:
            text = plan.pool.corpus[hit["row"]] if hit["text"] is None else str(hit["text"])
            if text not in seen:
                seen.add(text)
                chosen.append(hit)
                waiting.append(source)
                break
    if plan.settings.sampling == "random":
        chosen.sort(key=lambda hit: int(hit["rank"]))
    return chosen


def _paired(plan: Plan, hits: Sequence[Hit], positives: Int[np.ndarray, " positives"]) -> list[Hit]:
    """For labelled texts, write down which row was taken as the positive."""
    if plan.pool.kind is not Kind.CLASSIFICATION or not len(positives):
        return list(hits)
    return [{**hit, "positive": int(positives[0])} for hit in hits]
