"""From hits to rows that other libraries train on.

Column names and orders are those of sentence-transformers (which takes every column but ``label`` and
``labels`` as an input, in order), of TRL's preference format and of BLiMP.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import pyarrow as pa

from negspace.errors import PlanError, did_you_mean
from negspace.mining.pool import MiningPool, PoolKind, folded

ALL_POSITIVES = -1
"""In ``positive``: the hit is a negative beside each positive of its anchor."""

MADE = -1
"""In ``row``: the negative is no row of the corpus; ``text`` holds it."""

PREFIX = "negspace_"
"""Before the names of provenance columns in an output: a trainer takes ``score`` for a label."""


class Hit(NamedTuple):
    """A negative of an anchor; its source, score, rank and so on are its provenance."""

    anchor: int
    positive: int  # row of the positive beside which it stands, or `ALL_POSITIVES`
    row: int  # row of the corpus, or `MADE`
    text: str | None
    source: str
    score: float  # score by the source, the higher the harder
    rank: int  # place among the candidates of the source, from 1
    positive_score: float | None  # lowest score of the anchor's positives
    verifier: str | None
    edit: str | None
    seed: int


_TEXT, _INT, _FLOAT = pa.string(), pa.int64(), pa.float64()

HITS = pa.schema(
    [
        *((name, _INT) for name in ("anchor", "positive", "row")),
        *((name, _TEXT) for name in ("text", "source")),
        *(("score", _FLOAT), ("rank", _INT), ("positive_score", _FLOAT)),
        *(("verifier", _TEXT), ("edit", _TEXT), ("seed", _INT)),
    ]
)
"""Columns of a table of hits."""

PROVENANCE = pa.schema([each for each in HITS if each.name not in {"anchor", "positive", "row", "text"}])
"""The columns that say where a negative came from."""


def table_of_hits(hits: Iterable[Hit]) -> pa.Table:
    """Lay hits under each other."""
    return pa.Table.from_pylist([hit._asdict() for hit in hits], schema=HITS)


def by_anchor(table: pa.Table) -> Iterator[tuple[Hit, ...]]:
    """Give the hits of each anchor that has any, in order."""
    hits = (Hit(**row) for row in table.to_pylist())
    return (tuple(some) for _, some in itertools.groupby(hits, key=lambda hit: hit.anchor))


class OutputRow(NamedTuple):
    """One row of the output, and the hits it shows in order; none for a row without a negative."""

    columns: Mapping[str, object]
    hits: tuple[Hit, ...] = ()


@dataclass(eq=False)
class Renderer:
    """Turns hits into rows, anchor by anchor in order."""

    pool: MiningPool
    negatives: int
    prompted: bool  # whether anchors are prompts, or stand themselves where an edit was made
    rows: int = 0  # rows rendered
    shown: int = 0  # negatives in them, each as often as it stands there
    # For each source of rows, its negatives that are of the anchor's own class (`same`), of another (`other`)
    # or of none that is known (`unknown`); empty where no classes are known.
    classes: dict[str, Counter[str]] = field(default_factory=dict)
    short: int = 0  # anchors left out because they had fewer negatives than the format needs
    grouped: int = 0  # for contrast groups, number of groups so far
    # for contrast groups, the texts that stand in a group already, folded
    placed: set[str] = field(default_factory=set)

    def count(self, row: OutputRow) -> None:
        """Count a row that was rendered, and how the classes of its negatives stand to the anchor's."""
        self.rows += 1
        self.shown += len(row.hits)
        own, other = self.pool.anchor_labels, self.pool.corpus_labels
        for hit in row.hits:
            if own is not None and other is not None and hit.row != MADE:  # an edit has no class
                one, two = int(own[hit.anchor]), int(other[hit.row])
                kind = "unknown" if min(one, two) < 0 else "same" if one == two else "other"
                self.classes.setdefault(hit.source, Counter())[kind] += 1

    def negative(self, hit: Hit) -> str:
        """Text of a hit."""
        return str(hit.text) if hit.row == MADE else self.pool.corpus[hit.row]

    def positives(self, hit: Hit) -> list[str]:
        """The positives that a hit is a negative beside."""
        if hit.positive != ALL_POSITIVES:
            return [self.pool.corpus[hit.positive]]
        return [self.pool.corpus[row] for row in self.pool.positives.of(hit.anchor)]

    def beside(self, hits: Iterable[Hit]) -> dict[str, list[Hit]]:
        """The hits of an anchor under each of its positives."""
        under: dict[str, list[Hit]] = {}
        for hit in hits:
            for positive in self.positives(hit):
                under.setdefault(positive, []).append(hit)
        return under

    def originals(self, hit: Hit) -> list[str]:
        """What a negative is the counterpart of: the positives of a pair, else the row itself."""
        return self.positives(hit) if self.pool.kind is PoolKind.PAIRS else [self.pool.anchors[hit.anchor]]


@dataclass(frozen=True)
class Format:
    """One form of output.

    Attributes:
        trains: What takes it, for the card.
        fields: Columns, from the number of negatives and whether there are prompts.
        lists: Whether a row shows several hits, so that their provenance is lists.
        pairs: Whether rows need a positive beside the anchor.
    """

    name: str
    what: str
    trains: str
    fields: Callable[[int, bool], Sequence[tuple[str, pa.DataType]]]
    rows: Callable[[Renderer, tuple[Hit, ...]], Iterator[OutputRow]]
    lists: bool = False
    pairs: bool = True

    def schema(self, negatives: int, *, prompted: bool, provenance: bool) -> pa.Schema:
        """Names and types of the output's columns."""
        fields = list(self.fields(negatives, prompted))
        if provenance:
            fields += [
                (PREFIX + each.name, pa.list_(each.type) if self.lists else each.type) for each in PROVENANCE
            ]
        return pa.schema(fields)

    def with_provenance(self, row: OutputRow) -> Mapping[str, object]:
        """The columns of a row, and where its hits came from."""
        columns: dict[str, object] = dict(row.columns)
        for name in PROVENANCE.names:
            values = [getattr(hit, name) for hit in row.hits]
            columns[PREFIX + name] = values if self.lists else (values[0] if values else None)
        return columns


def _triplets(to: Renderer, hits: tuple[Hit, ...]) -> Iterator[OutputRow]:
    anchor = to.pool.anchors[hits[0].anchor]
    for positive, under in to.beside(hits).items():
        for hit in under:
            yield OutputRow({"anchor": anchor, "positive": positive, "negative": to.negative(hit)}, (hit,))


def _tuples(to: Renderer, hits: tuple[Hit, ...]) -> Iterator[OutputRow]:
    whole = {p: under[: to.negatives] for p, under in to.beside(hits).items() if len(under) >= to.negatives}
    to.short += not whole
    anchor = to.pool.anchors[hits[0].anchor]
    for positive, under in whole.items():
        negatives = {f"negative_{i}": to.negative(hit) for i, hit in enumerate(under, 1)}
        yield OutputRow({"anchor": anchor, "positive": positive, **negatives}, tuple(under))


def _labelled_pairs(to: Renderer, hits: tuple[Hit, ...]) -> Iterator[OutputRow]:
    anchor = to.pool.anchors[hits[0].anchor]
    for positive in to.beside(hits):
        if positive != anchor:  # a plain corpus has no other
            yield OutputRow({"sentence1": anchor, "sentence2": positive, "label": 1})
    for hit in hits:
        yield OutputRow({"sentence1": anchor, "sentence2": to.negative(hit), "label": 0}, (hit,))


def _labelled_lists(to: Renderer, hits: tuple[Hit, ...]) -> Iterator[OutputRow]:
    positives = to.beside(hits)
    docs = [*positives, *map(to.negative, hits)]
    labels = [1] * len(positives) + [0] * len(hits)
    yield OutputRow({"query": to.pool.anchors[hits[0].anchor], "docs": docs, "labels": labels}, hits)


def _preferences(to: Renderer, hits: tuple[Hit, ...]) -> Iterator[OutputRow]:
    prompt = {"prompt": to.pool.anchors[hits[0].anchor]} if to.prompted else {}
    for hit in hits:
        for chosen in to.positives(hit) if to.prompted else to.originals(hit):
            yield OutputRow({**prompt, "chosen": chosen, "rejected": to.negative(hit)}, (hit,))


def _minimal_pairs(to: Renderer, hits: tuple[Hit, ...]) -> Iterator[OutputRow]:
    for hit in hits:
        for good in to.originals(hit):
            yield OutputRow({"sentence_good": good, "sentence_bad": to.negative(hit)}, (hit,))


def _groups(to: Renderer, hits: tuple[Hit, ...]) -> Iterator[OutputRow]:
    """Each text stands in one group: a text in two groups would join them at every split."""
    labels, names = to.pool.corpus_labels, to.pool.label_names
    originals: dict[str, list[Hit]] = {}
    if labels is not None and any(hit.row != MADE for hit in hits):
        own = names[labels[hits[0].anchor]]
        originals[to.pool.anchors[hits[0].anchor]] = list(hits)
        label_of = {hit: names[labels[hit.row]] for hit in hits}
    else:  # a text that is proven valid, and edits of it that are proven not to be
        own, label_of = "valid", dict.fromkeys(hits, "invalid")
        for hit in hits:
            originals.setdefault(to.originals(hit)[0], []).append(hit)
    for original, near in originals.items():
        if folded(original) in to.placed:
            continue
        distinct: dict[str, Hit] = {}
        for hit in near:
            distinct.setdefault(folded(to.negative(hit)), hit)
        free = {text: hit for text, hit in distinct.items() if text not in to.placed}
        if not free:
            to.short += 1
            continue
        to.placed |= {folded(original), *free}
        group = str(to.grouped)
        to.grouped += 1
        yield OutputRow({"text": original, "label": own, "group": group})
        for hit in free.values():
            yield OutputRow({"text": to.negative(hit), "label": label_of[hit], "group": group}, (hit,))


def _texts(*names: str) -> list[tuple[str, pa.DataType]]:
    return [(name, _TEXT) for name in names]


_ALL = (
    Format(
        "triplet",
        "an anchor, a positive and one negative",
        "sentence-transformers: `MultipleNegativesRankingLoss`, `TripletLoss`",
        lambda _n, _p: _texts("anchor", "positive", "negative"),
        _triplets,
    ),
    Format(
        "n-tuple",
        "an anchor, a positive and all negatives; anchors with fewer than were asked for are left out",
        "sentence-transformers: `MultipleNegativesRankingLoss`",
        lambda n, _p: _texts("anchor", "positive", *(f"negative_{i}" for i in range(1, n + 1))),
        _tuples,
        lists=True,
    ),
    Format(
        "labelled-pair",
        "two texts, and whether the second is a positive (1) or a negative (0) of the first",
        "sentence-transformers: `ContrastiveLoss`, `BinaryCrossEntropyLoss`",
        lambda _n, _p: [*_texts("sentence1", "sentence2"), ("label", _INT)],
        _labelled_pairs,
    ),
    Format(
        "labelled-list",
        "a query, its positives and negatives, and which is which",
        "sentence-transformers, cross-encoders: `LambdaLoss`, `ListNetLoss`",
        lambda _n, _p: [("query", _TEXT), ("docs", pa.list_(_TEXT)), ("labels", pa.list_(_INT))],
        _labelled_lists,
        lists=True,
    ),
    Format(
        "preference",
        "a prompt, the chosen and the rejected text",
        "TRL: `DPOTrainer`",
        lambda _n, prompted: _texts(*(["prompt"] if prompted else []), "chosen", "rejected"),
        _preferences,
    ),
    Format(
        "minimal-pair",
        "a good text and its near miss",
        "evaluation by the likelihood of the good and the bad sentence",
        lambda _n, _p: _texts("sentence_good", "sentence_bad"),
        _minimal_pairs,
        pairs=False,
    ),
    Format(
        "groups",
        "a text and its label; a group is a row and its near misses",
        "`negspace audit DATA --group group`",
        lambda _n, _p: _texts("text", "label", "group"),
        _groups,
        pairs=False,
    ),
)
FORMATS: Mapping[str, Format] = {each.name: each for each in _ALL}
"""Forms of output by name."""


def format_named(name: str) -> Format:
    """Find a format, or a `PlanError` with the nearest name."""
    if name not in FORMATS:
        raise PlanError(f"there is no format '{name}'", hint=did_you_mean(name, FORMATS))
    return FORMATS[name]
