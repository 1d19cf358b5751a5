"""From hits to rows that other libraries train on.

Column names and orders are those of sentence-transformers (which takes every column but ``label`` and
``labels`` as an input, in order), of TRL's preference format and of BLiMP.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from negspace.errors import PlanError, did_you_mean
from negspace.mining.hits import ALL_POSITIVES, MADE, PROVENANCE, SCHEMA, AnchorHits, Hit
from negspace.mining.pool import Kind, Pool, folded

__all__ = ["FORMATS", "PREFIX", "Format", "Made", "Renderer", "format_named", "provenance_schema"]

PREFIX = "negspace_"
"""Before the names of provenance columns in an output: a trainer takes ``score`` for a label."""

Row = Mapping[str, object]


@dataclass(frozen=True)
class Made:
    """One row of the output.

    Attributes:
        row: Its columns.
        hits: The hits it shows, in order; none for a row without a negative.
    """

    row: Row
    hits: tuple[Hit, ...]


@dataclass(eq=False)
class Renderer:
    """Turns hits into rows, anchor by anchor in order.

    Attributes:
        pool: What was mined.
        negatives: Negatives asked for an anchor.
        prompted: Whether anchors are prompts, or stand themselves where an edit was made.
        short: Anchors left out because they had fewer negatives than the format needs.
        placed: For contrast groups, the texts that stand in a group already, folded.
        grouped: For contrast groups, number of groups so far.
    """

    pool: Pool
    negatives: int
    prompted: bool
    short: int = 0
    grouped: int = 0
    placed: set[str] = field(default_factory=set)

    def negative(self, hit: Hit) -> str:
        """Text of a hit."""
        return str(hit["text"]) if hit["row"] == MADE else self.pool.corpus[hit["row"]]

    def positives(self, anchor: int, hit: Hit) -> list[str]:
        """The positives that a hit is a negative beside."""
        if hit["positive"] != ALL_POSITIVES:
            return [self.pool.corpus[hit["positive"]]]
        return [self.pool.corpus[row] for row in self.pool.positives.of(anchor)]

    def unplaced(self, hits: Iterable[Hit]) -> list[Hit]:
        """Of some hits those whose texts stand in no group yet, no text twice."""
        free: dict[str, Hit] = {}
        for hit in hits:
            free.setdefault(folded(self.negative(hit)), hit)
        return [hit for text, hit in free.items() if text not in self.placed]

    def beside(self, found: AnchorHits) -> dict[str, list[Hit]]:
        """The hits of an anchor under each of its positives."""
        under: dict[str, list[Hit]] = {}
        for hit in found.hits:
            for positive in self.positives(found.anchor, hit):
                under.setdefault(positive, []).append(hit)
        return under

    def originals(self, anchor: int, hit: Hit) -> list[str]:
        """What a negative is the counterpart of: the positives of a pair, else the row itself."""
        if self.pool.kind is Kind.PAIRS:
            return self.positives(anchor, hit)
        return [self.pool.anchors[anchor]]


@dataclass(frozen=True)
class Format:
    """One form of output.

    Attributes:
        name: As the command line names it.
        what: What a row is.
        fields: Columns, from the number of negatives and whether there are prompts.
        rows: Renders the hits of one anchor.
        lists: Whether a row shows several hits, so that their provenance is lists.
        pairs: Whether rows need a positive beside the anchor.
    """

    name: str
    what: str
    fields: Callable[[int, bool], list[tuple[str, pa.DataType]]]
    rows: Callable[[Renderer, AnchorHits], Iterator[Made]]
    lists: bool = False
    pairs: bool = True

    def schema(self, negatives: int, *, prompted: bool, provenance: bool) -> pa.Schema:
        """Names and types of the output's columns."""
        fields = self.fields(negatives, prompted)
        if provenance:
            kinds = [(name, SCHEMA.field(name).type) for name in PROVENANCE]
            fields += [(PREFIX + name, pa.list_(kind) if self.lists else kind) for name, kind in kinds]
        return pa.schema(fields)

    def with_provenance(self, made: Made) -> Row:
        """The columns of a row, and where its hits came from."""
        columns: dict[str, object] = dict(made.row)
        for name in PROVENANCE:
            values = [hit[name] for hit in made.hits]
            columns[PREFIX + name] = values if self.lists else (values[0] if values else None)
        return columns


def format_named(name: str) -> Format:
    """Find a format.

    Raises:
        PlanError: There is none of this name.
    """
    if name not in FORMATS:
        raise PlanError(f"there is no format '{name}'", hint=did_you_mean(name, FORMATS))
    return FORMATS[name]


def provenance_schema() -> pa.Schema:
    """Of the side file: one row for each negative of each row of the output."""
    fields = [("output_row", pa.int64()), ("slot", pa.int64()), ("anchor", pa.int64()), ("row", pa.int64())]
    return pa.schema([*fields, *((name, SCHEMA.field(name).type) for name in PROVENANCE)])


def _triplets(to: Renderer, found: AnchorHits) -> Iterator[Made]:
    anchor = to.pool.anchors[found.anchor]
    for positive, hits in to.beside(found).items():
        for hit in hits:
            yield Made({"anchor": anchor, "positive": positive, "negative": to.negative(hit)}, (hit,))


def _tuples(to: Renderer, found: AnchorHits) -> Iterator[Made]:
    anchor = to.pool.anchors[found.anchor]
    whole = {p: hits[: to.negatives] for p, hits in to.beside(found).items() if len(hits) >= to.negatives}
    to.short += not whole
    for positive, hits in whole.items():
        negatives = {f"negative_{i}": to.negative(hit) for i, hit in enumerate(hits, 1)}
        yield Made({"anchor": anchor, "positive": positive, **negatives}, tuple(hits))


def _labelled_pairs(to: Renderer, found: AnchorHits) -> Iterator[Made]:
    anchor = to.pool.anchors[found.anchor]
    for positive in to.beside(found):
        if positive != anchor:  # a plain corpus has no other
            yield Made({"sentence1": anchor, "sentence2": positive, "label": 1}, ())
    for hit in found.hits:
        yield Made({"sentence1": anchor, "sentence2": to.negative(hit), "label": 0}, (hit,))


def _labelled_lists(to: Renderer, found: AnchorHits) -> Iterator[Made]:
    under = to.beside(found)
    docs = [*under, *map(to.negative, found.hits)]
    labels = [1] * len(under) + [0] * len(found.hits)
    yield Made({"query": to.pool.anchors[found.anchor], "docs": docs, "labels": labels}, found.hits)


def _preferences(to: Renderer, found: AnchorHits) -> Iterator[Made]:
    prompt = {"prompt": to.pool.anchors[found.anchor]} if to.prompted else {}
    for hit in found.hits:
        chosen = to.positives(found.anchor, hit) if to.prompted else to.originals(found.anchor, hit)
        for text in chosen:
            yield Made({**prompt, "chosen": text, "rejected": to.negative(hit)}, (hit,))


def _minimal_pairs(to: Renderer, found: AnchorHits) -> Iterator[Made]:
    for hit in found.hits:
        for good in to.originals(found.anchor, hit):
            yield Made({"sentence_good": good, "sentence_bad": to.negative(hit)}, (hit,))


def _groups(to: Renderer, found: AnchorHits) -> Iterator[Made]:
    """Each text stands in one group: a text in two groups would join them at every split."""
    labels, names = to.pool.corpus_labels, to.pool.label_names
    if labels is None or all(hit["row"] == MADE for hit in found.hits):
        yield from _verified_groups(to, found)
        return
    yield from _group(
        to,
        (to.pool.anchors[found.anchor], names[labels[found.anchor]]),
        found.hits,
        lambda hit: names[labels[hit["row"]]],
    )


def _verified_groups(to: Renderer, found: AnchorHits) -> Iterator[Made]:
    """A text that is proven valid, and edits of it that are proven not to be."""
    originals: dict[str, list[Hit]] = {}
    for hit in found.hits:
        originals.setdefault(to.originals(found.anchor, hit)[0], []).append(hit)
    for original, hits in originals.items():
        yield from _group(to, (original, "valid"), hits, lambda _hit: "invalid")


def _group(
    to: Renderer, first: tuple[str, str], hits: Iterable[Hit], label: Callable[[Hit], str]
) -> Iterator[Made]:
    """A text with its label, and its near misses with theirs."""
    text = folded(first[0])
    if text in to.placed:
        return
    free = to.unplaced(hits)
    if not free:
        to.short += 1
        return
    to.placed |= {text, *(folded(to.negative(hit)) for hit in free)}
    name = str(to.grouped)
    to.grouped += 1
    yield Made({"text": first[0], "label": first[1], "group": name}, ())
    for hit in free:
        yield Made({"text": to.negative(hit), "label": label(hit), "group": name}, (hit,))


_TEXT, _INT = pa.string(), pa.int64()

FORMATS: Mapping[str, Format] = {
    form.name: form
    for form in (
        Format(
            "triplet",
            "an anchor, a positive and one negative",
            lambda _n, _p: [("anchor", _TEXT), ("positive", _TEXT), ("negative", _TEXT)],
            _triplets,
        ),
        Format(
            "n-tuple",
            "an anchor, a positive and all negatives; anchors with fewer than were asked for are left out",
            lambda n, _p: [(name, _TEXT) for name in ("anchor", "positive", *_numbered(n))],
            _tuples,
            lists=True,
        ),
        Format(
            "labelled-pair",
            "two texts, and whether the second is a positive (1) or a negative (0) of the first",
            lambda _n, _p: [("sentence1", _TEXT), ("sentence2", _TEXT), ("label", _INT)],
            _labelled_pairs,
        ),
        Format(
            "labelled-list",
            "a query, its positives and negatives, and which is which",
            lambda _n, _p: [("query", _TEXT), ("docs", pa.list_(_TEXT)), ("labels", pa.list_(_INT))],
            _labelled_lists,
            lists=True,
        ),
        Format(
            "preference",
            "a prompt, the chosen and the rejected text",
            lambda _n, p: [(name, _TEXT) for name in (*(["prompt"] if p else []), "chosen", "rejected")],
            _preferences,
        ),
        Format(
            "minimal-pair",
            "a good text and its near miss",
            lambda _n, _p: [("sentence_good", _TEXT), ("sentence_bad", _TEXT)],
            _minimal_pairs,
            pairs=False,
        ),
        Format(
            "groups",
            "a text and its label; a group is a row and its near misses",
            lambda _n, _p: [("text", _TEXT), ("label", _TEXT), ("group", _TEXT)],
            _groups,
            pairs=False,
        ),
    )
}


def _numbered(negatives: int) -> list[str]:
    return [f"negative_{i}" for i in range(1, negatives + 1)]
