"""What is mined: anchors, the rows that may be their negatives, and what is known of both."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from jaxtyping import Int

from negspace.data import Dataset
from negspace.data.corpora import Corpus
from negspace.data.pairs import Pairs
from negspace.store import content_hash

__all__ = ["Kind", "Links", "Pool", "SameTexts", "folded", "from_classification", "from_corpus", "from_pairs"]

UNKNOWN_CLASS = -1


class Kind(StrEnum):
    """What was given, and so what an anchor and its positive are."""

    CLASSIFICATION = "classification"
    """Labelled texts: an anchor is a row, its positive another row of its class."""
    PAIRS = "pairs"
    """Anchors with their positives."""
    CORPUS = "corpus"
    """Texts alone: an anchor is a row, and its own positive."""


@dataclass(frozen=True, eq=False)
class Links:
    """For each anchor some rows of the corpus, in compressed form.

    Attributes:
        indptr: Where in ``rows`` each anchor's rows begin; one longer than there are anchors.
        rows: Positions in the corpus.
    """

    indptr: Int[np.ndarray, " anchors_and_one"]
    rows: Int[np.ndarray, " links"]

    def of(self, anchor: int) -> Int[np.ndarray, " linked"]:
        """The rows of one anchor."""
        return self.rows[self.indptr[anchor] : self.indptr[anchor + 1]]

    def part(self, start: int, stop: int) -> Links:
        """The links of a range of anchors, counted from the first of them."""
        indptr = self.indptr[start : stop + 1]
        return Links(indptr - indptr[0], self.rows[indptr[0] : indptr[-1]])

    def pairs(self) -> tuple[Int[np.ndarray, " links"], Int[np.ndarray, " links"]]:
        """Anchor and row of every link."""
        return np.repeat(np.arange(len(self.indptr) - 1), np.diff(self.indptr)), self.rows


@dataclass(frozen=True, eq=False)
class SameTexts:
    """Rows of the corpus with the text of an anchor or of one of its positives, found when asked for.

    Texts are the same if they are after Unicode normalisation (NFKC), in whatever case, and after every run
    of whitespace has become one space.

    Attributes:
        anchor_text: Number of each anchor's text; -1 where no row has it.
        row_text: Number of each row's text.
        order: Rows, those of one text together.
        starts: Where in ``order`` the rows of each text begin, and the end.
        positives: Of each anchor.
    """

    anchor_text: Int[np.ndarray, " anchors"]
    row_text: Int[np.ndarray, " rows"]
    order: Int[np.ndarray, " rows"]
    starts: Int[np.ndarray, " texts_and_one"]
    positives: Links

    @staticmethod
    def among(anchors: Sequence[str], corpus: Sequence[str], positives: Links) -> SameTexts:
        """Number the texts."""
        number: dict[str, int] = {}
        row_text = np.array([number.setdefault(folded(t), len(number)) for t in corpus], dtype=np.int64)
        anchor_text = np.array([number.get(folded(t), -1) for t in anchors], dtype=np.int64)
        order = np.argsort(row_text, kind="stable")
        starts = np.searchsorted(row_text[order], np.arange(len(number) + 1))
        return SameTexts(anchor_text, row_text, order, starts, positives)

    def part(self, start: int, stop: int) -> Links:
        """The rows for a range of anchors, counted from the first of them."""
        own = np.flatnonzero(self.anchor_text[start:stop] >= 0)
        linked, row = self.positives.part(start, stop).pairs()
        anchor = np.concatenate([own, linked])
        text = np.concatenate([self.anchor_text[start + own], self.row_text[row]])
        anchor, text = np.unique(np.stack([anchor, text], axis=1), axis=0).T
        counts = np.diff(self.starts)[text]
        ends = np.cumsum(counts)
        within = np.arange(counts.sum()) - np.repeat(ends - counts, counts)
        rows = self.order[np.repeat(self.starts[text], counts) + within]
        owner = np.repeat(anchor, counts)
        indptr = np.searchsorted(owner, np.arange(stop - start + 1))
        return Links(indptr.astype(np.int64), rows.astype(np.int64))

    def of(self, anchor: int) -> Int[np.ndarray, " same"]:
        """The rows for one anchor."""
        return self.part(anchor, anchor + 1).rows


@dataclass(frozen=True, eq=False)
class Pool:
    """Anchors and the corpus that their negatives come from.

    Attributes:
        kind: What was given.
        anchors: One text each.
        corpus: The rows that may be negatives. For classification and plain corpora these are the anchors.
        positives: Of each anchor; empty for classification, where they are chosen while mining.
        known: For each anchor the rows with its own text or that of a positive: no negatives of it.
        anchor_labels: Class of each anchor, or None where no classes are known.
        corpus_labels: Class of each row of the corpus; -1 where it is not known.
        label_names: Names of the classes.
        source: Where the anchors came from, for messages.
        columns: Which column is what.
        files: Path and number of rows of what was read, for reports.
        fingerprint: SHA-256 (hex) of the content that was read.
        groups: For classification, given group of each row, or None.
        notes: What the user should know, a sentence each.
    """

    kind: Kind
    anchors: tuple[str, ...]
    corpus: tuple[str, ...]
    positives: Links
    known: SameTexts
    anchor_labels: Int[np.ndarray, " anchors"] | None
    corpus_labels: Int[np.ndarray, " rows"] | None
    label_names: tuple[str, ...]
    source: str
    columns: Mapping[str, str]
    files: Mapping[str, int]
    fingerprint: str
    groups: Int[np.ndarray, " anchors"] | None = None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.anchors)

    @property
    def is_one_set(self) -> bool:
        """Whether the anchors are the corpus, row by row."""
        return self.kind is not Kind.PAIRS


def from_classification(dataset: Dataset) -> Pool:
    """Each labelled text is an anchor and may be a negative of the anchors of other classes."""
    examples = dataset.examples
    texts = examples.texts
    columns = {"text": dataset.columns.text, "label": dataset.columns.label}
    return Pool(
        Kind.CLASSIFICATION,
        texts,
        texts,
        _no_links(len(texts)),
        SameTexts.among(texts, texts, _no_links(len(texts))),
        examples.labels,
        examples.labels,
        examples.label_names,
        examples.source,
        columns,
        {examples.source: len(texts)},
        content_hash({"kind": "classification", "rows": examples.fingerprint}),
        examples.groups,
        _contradictions(dataset),
    )


def from_pairs(pairs: Pairs, corpus: Corpus | None) -> Pool:
    """Each distinct anchor with its positives; the corpus is the positives, or the one that is given.

    Positives come first in the corpus, then the rows of a given one that are no positive.
    """
    rows, labels = pairs.positives, pairs.positive_labels
    files = {pairs.source: len(pairs)}
    if corpus is not None:
        first = set(rows)
        added = tuple(dict.fromkeys(text for text in corpus.texts if text not in first))
        rows = (*rows, *added)
        files[corpus.source] = len(corpus)
        if labels is not None:
            labels = np.concatenate([labels, np.full(len(added), UNKNOWN_CLASS)])
    indptr = np.searchsorted(pairs.links[:, 0], np.arange(len(pairs.anchors) + 1))
    positives = Links(indptr.astype(np.int64), pairs.links[:, 1].copy())
    columns = {"anchor": pairs.columns.anchor, "positive": pairs.columns.positive}
    return Pool(
        Kind.PAIRS,
        pairs.anchors,
        rows,
        positives,
        SameTexts.among(pairs.anchors, rows, positives),
        pairs.labels,
        labels,
        pairs.label_names,
        pairs.source,
        columns if pairs.columns.label is None else {**columns, "label": pairs.columns.label},
        files,
        content_hash(
            {
                "kind": "pairs",
                "rows": pairs.fingerprint,
                "corpus": None if corpus is None else corpus.fingerprint,
            }
        ),
        notes=() if pairs.labels is not None else (_UNLABELLED_PAIRS,),
    )


def from_corpus(corpus: Corpus) -> Pool:
    """Each text is an anchor, and its own positive."""
    texts = corpus.texts
    own = Links(np.arange(len(texts) + 1), np.arange(len(texts)))
    return Pool(
        Kind.CORPUS,
        texts,
        texts,
        own,
        SameTexts.among(texts, texts, own),
        None,
        None,
        (),
        corpus.source,
        {"text": corpus.column},
        {corpus.source: len(corpus)},
        content_hash({"kind": "corpus", "rows": corpus.fingerprint}),
    )


_UNLABELLED_PAIRS = (
    "no classes are known: how many of the negatives answer their anchor too cannot be counted, only kept "
    "down by margins"
)


def _no_links(anchors: int) -> Links:
    return Links(np.zeros(anchors + 1, dtype=np.int64), np.empty(0, dtype=np.int64))


def folded(text: str) -> str:
    """What makes two texts the same: NFKC, in whatever case, every run of whitespace one space."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _contradictions(dataset: Dataset) -> tuple[str, ...]:
    """Say which texts stand in the data with several labels; none is a negative of its own text."""
    labels: dict[str, set[int]] = {}
    for text, label in zip(dataset.examples.texts, dataset.examples.labels.tolist(), strict=True):
        labels.setdefault(folded(text), set()).add(label)
    several = sum(len(found) > 1 for found in labels.values())
    if not several:
        return ()
    return (f"{several} texts stand in the data with more than one label; no text is a negative of itself",)
