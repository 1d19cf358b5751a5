"""From hits to rows that other libraries train on.

Column names and orders are those of sentence-transformers (which takes every column but ``label`` and
``labels`` as an input, in order), of TRL's preference format and of BLiMP.
"""

from __future__ import annotations

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
    """A negative of an anchor; its source, score, rank and so on are its provenance.

    Attributes:
        positive: Row of the positive beside which it stands, or `ALL_POSITIVES`.
        row: Row of the corpus, or `MADE`.
        score: Score by the source, the higher the harder.
        rank: Place among the candidates of the source, from 1.
        positive_score: Lowest score of the anchor's positives.
    """

    anchor: int
    positive: int
    row: int
    text: str | None
    source: str
    score: float
    rank: int
    positive_score: float | None
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
    held: list[Hit] = []
    for row in table.to_pylist():
        hit = Hit(**row)
        if held and held[-1].anchor != hit.anchor:
            yield tuple(held)
            held = []
        held.append(hit)
    if held:
        yield tuple(held)


class OutputRow(NamedTuple):
    """One row of the output, and the hits it shows in order; none for a row without a negative."""

    columns: Mapping[str, object]
    hits: tuple[Hit, ...] = ()


@dataclass(eq=False)
class Renderer:
    """Turns hits into rows, anchor by anchor in order.

    Attributes:
        prompted: Whether anchors are prompts, or stand themselves where an edit was made.
        short: Anchors left out because they had fewer negatives than the format needs.
        grouped: For contrast groups, number of groups so far.
        placed: For contrast groups, the texts that stand in a group already, folded.
    """

    pool: MiningPool
    negatives: int
    prompted: bool
    short: int = 0
    grouped: int = 0
    placed: set[str] = field(default_factory=set)

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


FORMATS: dict[str, Format] = {}
"""Forms of output by name; `_format` adds one."""

_Rows = Callable[[Renderer, tuple[Hit, ...]], Iterator[OutputRow]]


def _format(
    name: str,
    what: str,
    trains: str,
    fields: Callable[[int, bool], Sequence[tuple[str, pa.DataType]]],
    *,
    lists: bool = False,
    pairs: bool = True,
) -> Callable[[_Rows], _Rows]:
    def add(rows: _Rows) -> _Rows:
        FORMATS[name] = Format(name, what, trains, fields, rows, lists, pairs)
        return rows

    return add


def format_named(name: str) -> Format:
    """Find a format.

    Raises:
        PlanError: There is none of this name.
    """
    if name not in FORMATS:
        raise PlanError(f"there is no format '{name}'", hint=did_you_mean(name, FORMATS))
    return FORMATS[name]


def _texts(*names: str) -> list[tuple[str, pa.DataType]]:
    return [(name, _TEXT) for name in names]


@_format(
    "triplet",
    "an anchor, a positive and one negative",
    "sentence-transformers: `MultipleNegativesRankingLoss`, `TripletLoss`",
    lambda _n, _p: _texts("anchor", "positive", "negative"),
)
def _triplets(to: Renderer, hits: tuple[Hit, ...]) -> Iterator[OutputRow]:
    for positive, under in to.beside(hits).items():
        for hit in under:
            anchor = to.pool.anchors[hit.anchor]
            yield OutputRow({"anchor": anchor, "positive": positive, "negative": to.negative(hit)}, (hit,))


@_format(
    "n-tuple",
    "an anchor, a positive and all negatives; anchors with fewer than were asked for are left out",
    "sentence-transformers: `MultipleNegativesRankingLoss`",
    lambda n, _p: _texts("anchor", "positive", *(f"negative_{i}" for i in range(1, n + 1))),
    lists=True,
)
def _tuples(to: Renderer, hits: tuple[Hit, ...]) -> Iterator[OutputRow]:
    whole = {p: under[: to.negatives] for p, under in to.beside(hits).items() if len(under) >= to.negatives}
    to.short += not whole
    for positive, under in whole.items():
        negatives = {f"negative_{i}": to.negative(hit) for i, hit in enumerate(under, 1)}
        anchor = to.pool.anchors[under[0].anchor]
        yield OutputRow({"anchor": anchor, "positive": positive, **negatives}, tuple(under))


@_format(
    "labelled-pair",
    "two texts, and whether the second is a positive (1) or a negative (0) of the first",
    "sentence-transformers: `ContrastiveLoss`, `BinaryCrossEntropyLoss`",
    lambda _n, _p: [*_texts("sentence1", "sentence2"), ("label", _INT)],
)
def _labelled_pairs(to: Renderer, hits: tuple[Hit, ...]) -> Iterator[OutputRow]:
    anchor = to.pool.anchors[hits[0].anchor]
    for positive in to.beside(hits):
        if positive != anchor:  # a plain corpus has no other
            yield OutputRow({"sentence1": anchor, "sentence2": positive, "label": 1})
    for hit in hits:
        yield OutputRow({"sentence1": anchor, "sentence2": to.negative(hit), "label": 0}, (hit,))


@_format(
    "labelled-list",
    "a query, its positives and negatives, and which is which",
    "sentence-transformers, cross-encoders: `LambdaLoss`, `ListNetLoss`",
    lambda _n, _p: [("query", _TEXT), ("docs", pa.list_(_TEXT)), ("labels", pa.list_(_INT))],
    lists=True,
)
def _labelled_lists(to: Renderer, hits: tuple[Hit, ...]) -> Iterator[OutputRow]:
    positives = to.beside(hits)
    docs = [*positives, *map(to.negative, hits)]
    labels = [1] * len(positives) + [0] * len(hits)
    yield OutputRow({"query": to.pool.anchors[hits[0].anchor], "docs": docs, "labels": labels}, hits)


@_format(
    "preference",
    "a prompt, the chosen and the rejected text",
    "TRL: `DPOTrainer`",
    lambda _n, prompted: _texts(*(["prompt"] if prompted else []), "chosen", "rejected"),
)
def _preferences(to: Renderer, hits: tuple[Hit, ...]) -> Iterator[OutputRow]:
    prompt = {"prompt": to.pool.anchors[hits[0].anchor]} if to.prompted else {}
    for hit in hits:
        for chosen in to.positives(hit) if to.prompted else to.originals(hit):
            yield OutputRow({**prompt, "chosen": chosen, "rejected": to.negative(hit)}, (hit,))


@_format(
    "minimal-pair",
    "a good text and its near miss",
    "evaluation by the likelihood of the good and the bad sentence",
    lambda _n, _p: _texts("sentence_good", "sentence_bad"),
    pairs=False,
)
def _minimal_pairs(to: Renderer, hits: tuple[Hit, ...]) -> Iterator[OutputRow]:
    for hit in hits:
        for good in to.originals(hit):
            yield OutputRow({"sentence_good": good, "sentence_bad": to.negative(hit)}, (hit,))


@_format(
    "groups",
    "a text and its label; a group is a row and its near misses",
    "`negspace audit DATA --group group`",
    lambda _n, _p: _texts("text", "label", "group"),
    pairs=False,
)
def _groups(to: Renderer, hits: tuple[Hit, ...]) -> Iterator[OutputRow]:
    """Each text stands in one group: a text in two groups would join them at every split."""
    labels, names = to.pool.corpus_labels, to.pool.label_names
    if labels is not None and any(hit.row != MADE for hit in hits):
        anchor = hits[0].anchor
        texts = {to.pool.anchors[anchor]: list(hits)}
        own, other = names[labels[anchor]], [names[labels[hit.row]] for hit in hits]
        yield from _grouped(to, texts, own, dict(zip(hits, other, strict=True)))
        return
    # A text that is proven valid, and edits of it that are proven not to be.
    originals: dict[str, list[Hit]] = {}
    for hit in hits:
        originals.setdefault(to.originals(hit)[0], []).append(hit)
    yield from _grouped(to, originals, "valid", dict.fromkeys(hits, "invalid"))


def _grouped(
    to: Renderer, originals: Mapping[str, Sequence[Hit]], label: str, labels: Mapping[Hit, str]
) -> Iterator[OutputRow]:
    """Each text with its label, and its near misses with theirs; none that stands in a group already."""
    for original, hits in originals.items():
        if folded(original) in to.placed:
            continue
        distinct: dict[str, Hit] = {}
        for hit in hits:
            distinct.setdefault(folded(to.negative(hit)), hit)
        free = {text: hit for text, hit in distinct.items() if text not in to.placed}
        if not free:
            to.short += 1
            continue
        to.placed |= {folded(original), *free}
        group = str(to.grouped)
        to.grouped += 1
        yield OutputRow({"text": original, "label": label, "group": group})
        for hit in free.values():
            yield OutputRow({"text": to.negative(hit), "label": labels[hit], "group": group}, (hit,))
