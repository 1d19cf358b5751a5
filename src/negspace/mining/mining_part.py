"""One part: from a range of anchors to their negatives, and to what was counted on the way."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Float32, Int

from negspace.mining.formats import ALL_POSITIVES, Hit, table_of_hits
from negspace.mining.pool import Links, MiningPool, PoolKind
from negspace.mining.settings import MiningSettings
from negspace.mining.sources import EditSource, NeighbourSource, RowSource
from negspace.records import Json
from negspace.search import FilterStats, Hits, Kept, apply_rules, duplicates_of_positive, least_positive


@dataclass(frozen=True, eq=False)
class MiningPlan:
    """Everything that mining a part needs."""

    pool: MiningPool
    settings: MiningSettings
    searchers: tuple[RowSource, ...]
    edits: EditSource | None
    near: NeighbourSource | None  # vectors of anchors and corpus; None where nothing asks for them
    most_positives: int  # positives of the anchor that has the most

    @property
    def depth(self) -> int:
        """Candidates asked of a search: never more than there are rows."""
        # The positive of a labelled text is chosen while mining, so a search does not pass over it.
        extra = 1 if self.pool.kind is PoolKind.CLASSIFICATION else 0
        rules = self.settings.rules(most_positives=self.most_positives)
        return min(rules.last_rank(self.most_positives) + extra, max(len(self.pool.corpus), 1))


@dataclass(eq=False)
class MiningCounts:
    """What was counted over the parts so far."""

    anchors: int = 0
    without_positive: int = 0
    without_negatives: int = 0  # anchors with a positive that have no negative
    with_fewer: int = 0
    used: dict[str, int] = field(default_factory=dict)
    # what the rules did to the candidates of each source of rows
    filtered: dict[str, FilterStats] = field(default_factory=dict)
    # the same as if no class were known, where classes are
    unlabelled: dict[str, FilterStats] = field(default_factory=dict)
    edits: dict[str, int] = field(default_factory=dict)  # counts of `EditSource.search`, by name

    def add(self, other: MiningCounts) -> None:
        """Add what was counted over another part."""
        self.anchors += other.anchors
        self.without_positive += other.without_positive
        self.without_negatives += other.without_negatives
        self.with_fewer += other.with_fewer
        for total, more in ((self.used, other.used), (self.edits, other.edits)):
            for name, count in more.items():
                total[name] = total.get(name, 0) + count
        for filtered, stats in ((self.filtered, other.filtered), (self.unlabelled, other.unlabelled)):
            for name, each in stats.items():
                filtered[name] = filtered.get(name, FilterStats()) + each

    def to_json(self) -> dict[str, Json]:
        """What is kept with a finished part."""
        return asdict(self)

    @staticmethod
    def from_json(kept: Mapping[str, Any]) -> MiningCounts:
        """Read what `to_json` gave."""
        stats = {
            which: {source: FilterStats(**each) for source, each in kept[which].items()}
            for which in ("filtered", "unlabelled")
        }
        return MiningCounts(**{**kept, **stats})


def mine_part(plan: MiningPlan, start: int, stop: int) -> tuple[pa.Table, MiningCounts]:
    """Mine the anchors from ``start`` up to ``stop``; none depends on the others of its range.

    Returns a table of hits in order of anchors, and what was counted.
    """
    pool, settings, most = plan.pool, plan.settings, plan.most_positives
    positives = pool.positives.part(start, stop)
    if pool.kind is PoolKind.CLASSIFICATION and plan.near is not None:
        partner = _partners(plan, plan.near, start, stop)
        positives = Links(np.concatenate([[0], np.cumsum(partner >= 0)]), partner[partner >= 0])
    # For those without a positive nothing is searched.
    alone = np.diff(positives.indptr) == 0 if plan.near is not None else np.zeros(stop - start, dtype=bool)

    def judged(searcher: RowSource, least: Float32[np.ndarray, " range"], *, by_class: bool) -> Kept:
        """Search, and put the rules to what is found."""
        found = searcher.search(start, stop, plan.depth, by_class=by_class)
        hits = Hits(np.where(alone[:, None], np.int32(-1), found.rows), found.scores)
        linked, duplicates = (positives.indptr, positives.rows), None
        if settings.near_duplicate is not None:
            assert plan.near is not None
            duplicates = duplicates_of_positive(hits, plan.near.corpus, linked, settings.near_duplicate)
        labels = None if by_class or pool.anchor_labels is None else pool.anchor_labels[start:stop]
        return apply_rules(
            hits,
            settings.rules(most_positives=most, spare=by_class),
            positives=linked,
            least=least,
            duplicates=duplicates,
            query_labels=labels,
            corpus_labels=None if labels is None else pool.corpus_labels,
            most_positives=most,
            first_query=start,
            seed=settings.seed,
        )

    found: dict[str, list[Iterable[Hit]]] = {}
    counts = MiningCounts(anchors=stop - start, without_positive=int(alone.sum()))
    for searcher in plan.searchers:
        links = positives.pairs()
        least = least_positive(searcher.scores(start + links[0], links[1]), positives.indptr)
        kept = judged(searcher, least, by_class=True)
        found[searcher.name] = [
            _preferred(settings, searcher.name, start + place, place, kept, float(least[place]))
            for place in range(stop - start)
        ]
        counts.filtered[searcher.name] = kept.stats
        if pool.anchor_labels is not None:
            # Once more as if no class were known: what the labels spare us.
            counts.unlabelled[searcher.name] = judged(searcher, least, by_class=False).stats
    if plan.edits is not None:
        # An n-tuple needs all its negatives beside one positive.
        in_turn = settings.format != "n-tuple"
        made, counts.edits = plan.edits.search(start, stop, settings.negatives, positives, in_turn=in_turn)
        found[plan.edits.name] = [[] if lone else hits for hits, lone in zip(made, alone, strict=True)]
    rows: list[Hit] = []
    filled: Counter[int] = Counter()
    used: Counter[str] = Counter()
    for place in range(stop - start):
        chosen = _in_turn([found[name][place] for name in settings.sources], plan)
        filled[len(chosen)] += 1
        used.update(hit.source for hit in chosen)
        beside = positives.of(place)
        if pool.kind is PoolKind.CLASSIFICATION and len(beside):  # which row was taken as the positive
            chosen = [hit._replace(positive=int(beside[0])) for hit in chosen]
        rows += chosen
    counts.used = dict(used)
    counts.without_negatives = filled[0] - counts.without_positive
    counts.with_fewer = sum(count for size, count in filled.items() if 0 < size < settings.negatives)
    return table_of_hits(rows), counts


def _partners(plan: MiningPlan, near: NeighbourSource, start: int, stop: int) -> Int[np.ndarray, " range"]:
    """Choose another row of its class as the positive of each labelled text; -1 where there is none.

    Rows with the text of the anchor are passed over: a text is no positive of itself.
    """
    pool, labels = plan.pool, plan.pool.anchor_labels
    assert labels is not None
    own = labels[start:stop]
    if plan.settings.pair_with == "random":
        drawn = []
        inside = {label: np.flatnonzero(labels == label) for label in np.unique(own).tolist()}
        for i, label in enumerate(own.tolist()):
            free = np.setdiff1d(inside[label], pool.known.of(start + i))
            rng = np.random.default_rng([plan.settings.seed, start + i])
            drawn.append(rng.choice(free) if len(free) else -1)
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


def _preferred(
    settings: MiningSettings, source: str, anchor: int, place: int, kept: Kept, positive: float
) -> Iterator[Hit]:
    """The negatives left to one anchor, in the order in which they are taken."""
    order = np.flatnonzero(kept.rows[place] >= 0)
    if settings.sampling == "random":
        order = np.random.default_rng([settings.seed, anchor, *source.encode()]).permutation(order)
    for at in order.tolist():
        yield Hit(
            anchor=anchor,
            positive=ALL_POSITIVES,
            row=int(kept.rows[place, at]),
            text=None,
            source=source,
            score=float(kept.scores[place, at]),
            rank=int(kept.ranks[place, at]) + 1,
            positive_score=positive if math.isfinite(positive) else None,
            verifier=None,
            edit=None,
            seed=settings.seed,
        )


def _in_turn(sources: Sequence[Iterable[Hit]], plan: MiningPlan) -> list[Hit]:
    """Take from each source its best in turn, no text twice: scores of two sources do not compare."""
    chosen: dict[str, Hit] = {}
    waiting = deque(map(iter, sources))
    while waiting and len(chosen) < plan.settings.negatives:
        source = waiting.popleft()
        for hit in source:
            text = plan.pool.corpus[hit.row] if hit.text is None else hit.text
            if text not in chosen:
                chosen[text] = hit
                waiting.append(source)
                break
    hits = list(chosen.values())
    return sorted(hits, key=lambda hit: hit.rank) if plan.settings.sampling == "random" else hits
