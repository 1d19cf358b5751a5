"""What is mined: anchors, the rows that may be their negatives, and what is known of both."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from jaxtyping import Int

from negspace.data import (
    LABEL_NAMES,
    Corpus,
    Dataset,
    Pairs,
    Table,
    known_columns,
    looks_like_pairs,
    read,
    read_corpus,
    read_pairs,
    read_table,
)
from negspace.errors import PlanError
from negspace.store import content_hash

UNKNOWN_CLASS = -1

_UNLABELLED_PAIRS = (
    "no classes are known: how many of the negatives answer their anchor too cannot be counted, only kept "
    "down by margins"
)


class PoolKind(StrEnum):
    """What was given, and so what an anchor and its positive are."""

    CLASSIFICATION = "classification"
    """Labelled texts: an anchor is a row, its positive another row of its class."""
    PAIRS = "pairs"
    """Anchors with their positives."""
    CORPUS = "corpus"
    """Texts alone: an anchor is a row, and its own positive."""


@dataclass(frozen=True, eq=False)
class Links:
    """For each anchor some rows of the corpus, in compressed form."""

    # where in ``rows`` each anchor's rows begin; one longer than there are anchors
    indptr: Int[np.ndarray, " anchors_and_one"]
    rows: Int[np.ndarray, " links"]  # positions in the corpus

    @staticmethod
    def none(anchors: int) -> Links:
        """No row for any anchor."""
        return Links(np.zeros(anchors + 1, dtype=np.int64), np.empty(0, dtype=np.int64))

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

    Texts are the same if `folded` makes them equal.
    """

    anchor_text: Int[np.ndarray, " anchors"]  # number of each anchor's text; -1 where no row has it
    row_text: Int[np.ndarray, " rows"]  # number of each row's text
    order: Int[np.ndarray, " rows"]  # rows, those of one text together
    starts: Int[np.ndarray, " texts_and_one"]  # where in ``order`` the rows of each text begin, and the end
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
class MiningPool:
    """Anchors and the corpus that their negatives come from."""

    kind: PoolKind
    anchors: tuple[str, ...]
    # The rows that may be negatives. For classification and plain corpora these are the anchors.
    corpus: tuple[str, ...]
    positives: Links  # positives of each anchor; empty for classification, where they are chosen while mining
    known: SameTexts  # for each anchor the rows with its own text or that of a positive: no negatives of it
    # class of each anchor, or None where no classes are known
    anchor_labels: Int[np.ndarray, " anchors"] | None
    # class of each row of the corpus; -1 where it is not known
    corpus_labels: Int[np.ndarray, " rows"] | None
    label_names: tuple[str, ...]
    source: str
    columns: Mapping[str, str]
    files: Mapping[str, int]
    fingerprint: str
    groups: Int[np.ndarray, " anchors"] | None = None  # for classification, given group of each row, or None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.anchors)

    @property
    def is_one_set(self) -> bool:
        """Whether the anchors are the corpus, row by row."""
        return self.kind is not PoolKind.PAIRS


def read_pool(
    data: object,
    *,
    corpus: object | None = None,
    text: str | None = None,
    label: str | None = None,
    group: str | None = None,
    anchor: str | None = None,
    positive: str | None = None,
) -> MiningPool:
    """Read what is to be mined.

    Pairs are what has columns of an anchor and a positive, by name or by flag; labelled texts what has a
    label, by name or by flag; anything else with a text is a plain corpus. Only pairs take a corpus beside
    them.
    """
    table = read_table(data)
    kind = _kind(table, text=text, label=label, anchor=anchor, positive=positive)
    if corpus is not None and kind is not PoolKind.PAIRS:
        raise PlanError(
            f"{table.source}: a separate corpus goes with pairs, and this is a {kind}",
            hint="give pairs (columns 'anchor' and 'positive'), or leave --corpus out",
        )
    if kind is PoolKind.PAIRS:
        pairs = read_pairs(table, anchor=anchor, positive=positive, label=label)
        return _pairs(pairs, None if corpus is None else read_corpus(corpus, text=text))
    if kind is PoolKind.CLASSIFICATION:
        return _classification(read(table, text=text, label=label, group=group))
    return _corpus(read_corpus(table, text=text))


def folded(text: str) -> str:
    """What makes two texts the same: NFKC, in whatever case, every run of whitespace one space."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _kind(
    table: Table, *, text: str | None, label: str | None, anchor: str | None, positive: str | None
) -> PoolKind:
    if anchor is not None or positive is not None:
        return PoolKind.PAIRS
    # With pairs, --text names a column of the corpus.
    if text is None or text not in table.columns:
        named = {"anchor", "positive"} <= {name.strip().casefold() for name in table.columns}
        if named if label is not None else looks_like_pairs(table):
            return PoolKind.PAIRS
    if label is not None or known_columns(table, "label", LABEL_NAMES, [text] if text else ()):
        return PoolKind.CLASSIFICATION
    return PoolKind.CORPUS


def _classification(dataset: Dataset) -> MiningPool:
    """Each labelled text is an anchor and may be a negative of the anchors of other classes."""
    examples = dataset.examples
    texts, none = examples.texts, Links.none(len(examples.texts))
    labels: dict[str, set[int]] = {}
    for text, label in zip(texts, examples.labels.tolist(), strict=True):
        labels.setdefault(folded(text), set()).add(label)
    several = sum(len(found) > 1 for found in labels.values())
    note = f"{several} texts stand in the data with more than one label; no text is a negative of itself"
    return MiningPool(
        kind=PoolKind.CLASSIFICATION,
        anchors=texts,
        corpus=texts,
        positives=none,
        known=SameTexts.among(texts, texts, none),
        anchor_labels=examples.labels,
        corpus_labels=examples.labels,
        label_names=examples.label_names,
        source=examples.source,
        columns={"text": dataset.columns.text, "label": dataset.columns.label},
        files={examples.source: len(texts)},
        fingerprint=content_hash({"kind": "classification", "rows": examples.fingerprint}),
        groups=examples.groups,
        notes=(note,) if several else (),
    )


def _pairs(pairs: Pairs, corpus: Corpus | None) -> MiningPool:
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
    read_content = {"rows": pairs.fingerprint, "corpus": None if corpus is None else corpus.fingerprint}
    return MiningPool(
        kind=PoolKind.PAIRS,
        anchors=pairs.anchors,
        corpus=rows,
        positives=positives,
        known=SameTexts.among(pairs.anchors, rows, positives),
        anchor_labels=pairs.labels,
        corpus_labels=labels,
        label_names=pairs.label_names,
        source=pairs.source,
        columns=columns if pairs.columns.label is None else {**columns, "label": pairs.columns.label},
        files=files,
        fingerprint=content_hash({"kind": "pairs", **read_content}),
        notes=() if pairs.labels is not None else (_UNLABELLED_PAIRS,),
    )


def _corpus(corpus: Corpus) -> MiningPool:
    """Each text is an anchor, and its own positive."""
    texts = corpus.texts
    own = Links(np.arange(len(texts) + 1), np.arange(len(texts)))
    return MiningPool(
        kind=PoolKind.CORPUS,
        anchors=texts,
        corpus=texts,
        positives=own,
        known=SameTexts.among(texts, texts, own),
        anchor_labels=None,
        corpus_labels=None,
        label_names=(),
        source=corpus.source,
        columns={"text": corpus.column},
        files={corpus.source: len(corpus)},
        fingerprint=content_hash({"kind": "corpus", "rows": corpus.fingerprint}),
    )
