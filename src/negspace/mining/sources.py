"""Where negatives come from: neighbours by vectors, shared rare words, a learner's confusions, proven edits.

Each source of rows gives the best rows for an anchor with a score, the higher the harder, and the score of
any row for any anchor on the same scale, so that margins to the positive can be asked of every source.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from negspace.errors import MissingExtraError
from negspace.execution import run_jobs
from negspace.mining.formats import ALL_POSITIVES, MADE, Hit
from negspace.mining.pool import Links, MiningPool, PoolKind, folded
from negspace.models import FOLDS, TfidfLearner, out_of_fold
from negspace.perturbations import Validity, Verifier, search
from negspace.records import Json
from negspace.search import Hits, cluster_rows, embed, group_links, nearest, pair_scores, top_k

Positions: TypeAlias = Int[np.ndarray, " pairs"]

_WORD = re.compile(r"(?u)\b\w+\b")
_METHOD, _K1, _B = "lucene", 1.5, 0.75
_CHUNK = 256  # queries that a thread takes at once


@runtime_checkable
class RowSource(Protocol):
    """Finds rows of the corpus for anchors."""

    @property
    def name(self) -> str:
        """As provenance and the command line name the source."""

    @property
    def score(self) -> str:
        """What the score is, in a sentence."""

    def describe(self) -> Mapping[str, Json]:
        """All that decides the hits."""

    def search(self, start: int, stop: int, k: int, *, by_class: bool) -> Hits:
        """The k best rows for the anchors from ``start`` up to ``stop``, known non-negatives passed over.

        ``by_class`` passes over rows of the anchor's own class, too.
        """

    def scores(self, anchors: Positions, rows: Positions) -> Float32[np.ndarray, " pairs"]:
        """The score of given rows for given anchors."""


class NeighbourSource:
    """The nearest rows by cosine."""

    name = "neighbours"
    score = "cosine of the anchor's and the row's vectors"

    def __init__(
        self,
        pool: MiningPool,
        anchors: Float32[np.ndarray, "anchors dims"],
        corpus: Float32[np.ndarray, "rows dims"],
        embedder: Mapping[str, Json],
        *,
        memory: int,
        workers: int,
    ) -> None:
        self.pool, self.anchors, self.corpus = pool, anchors, corpus
        self._embedder, self._memory, self._workers = embedder, memory, workers
        # A text without content is equally far from everything: nothing is near it.
        self._content: Bool[np.ndarray, " anchors"] = np.asarray(anchors.any(axis=1))
        self._last: tuple[tuple[int, int, int], Hits] | None = None

    def describe(self) -> Mapping[str, Json]:
        """The embedder."""
        return {"source": self.name, "embedder": self._embedder}

    def search(self, start: int, stop: int, k: int, *, by_class: bool) -> Hits:
        """The k nearest rows; ties in the order of the corpus."""
        # Asked twice for each part of labelled texts: for the positives, and for what classes spare.
        asked = (start, stop, k)
        if not by_class and self._last is not None and self._last[0] == asked:
            return self._last[1]
        known = self.pool.known.part(start, stop)
        labels = self.pool.anchor_labels if by_class else None
        hits = top_k(
            self.anchors[start:stop],
            self.corpus,
            k,
            query_labels=None if labels is None else labels[start:stop],
            corpus_labels=None if labels is None else self.pool.corpus_labels,
            passed_over=(known.indptr, known.rows),
            memory=self._memory,
            workers=self._workers,
        )
        hits.rows[~self._content[start:stop]] = -1
        if not by_class:
            self._last = (asked, hits)
        return hits

    def nearest_of_label(
        self, anchors: Int[np.ndarray, " asked"], label: int, k: int
    ) -> Int[np.ndarray, "asked {k}"]:
        """The k nearest rows of one label, -1 where there are fewer; never the anchor's own text."""
        assert self.pool.corpus_labels is not None
        inside = np.flatnonzero(self.pool.corpus_labels == label)
        place = np.full(len(self.corpus), -1)
        place[inside] = np.arange(len(inside))
        known = [place[self.pool.known.of(int(anchor))] for anchor in anchors]
        known = [rows[rows >= 0] for rows in known]
        indptr = np.concatenate([[0], np.cumsum([len(rows) for rows in known])]).astype(np.int64)
        indices = np.concatenate([np.empty(0, np.int64), *known]).astype(np.int64)
        hits = top_k(
            self.anchors[anchors],
            self.corpus[inside],
            k,
            passed_over=(indptr, indices),
            memory=self._memory,
            workers=self._workers,
        )
        found = (hits.rows >= 0) & self._content[anchors][:, None]
        return np.where(found, inside[hits.rows], -1)

    def scores(self, anchors: Positions, rows: Positions) -> Float32[np.ndarray, " pairs"]:
        """Cosines, summed in double precision as those of hits are."""
        return pair_scores(self.anchors, anchors, self.corpus, rows)


class Bm25Source:
    """Rows that share rare words with the anchor: BM25 (Robertson & Zaragoza 2009), by the library bm25s."""

    name = "bm25"
    score = "BM25 score of the row, the anchor being the query; not bounded"

    def __init__(self, pool: MiningPool, *, workers: int) -> None:
        try:
            import bm25s
        except ImportError as error:
            raise MissingExtraError("the source bm25", "mine") from error
        self.pool = pool
        self._version: str = bm25s.__version__
        self._workers = workers
        self._index: Any = bm25s.BM25(method=_METHOD, k1=_K1, b=_B, backend="numpy")
        split = [_words(text) for text in pool.corpus]
        self._has_words = any(split)
        if self._has_words:  # an index of nothing cannot be made
            self._index.index(split, show_progress=False)

    def describe(self) -> Mapping[str, Json]:
        """The settings and the library's version."""
        return {"source": self.name, "method": _METHOD, "k1": _K1, "b": _B, "bm25s": self._version}

    def search(self, start: int, stop: int, k: int, *, by_class: bool) -> Hits:
        """The k best rows that share a word with the anchor; ties in the order of the corpus."""
        hits = Hits.none(stop - start, k)
        known, labels = self.pool.known.part(start, stop), self.pool.anchor_labels

        def fill(first: int, last: int) -> None:
            for query in range(first, last):
                scores = self._scores(start + query)
                scores[known.of(query)] = 0
                if by_class and labels is not None:
                    scores[self.pool.corpus_labels == labels[start + query]] = 0
                rows = np.flatnonzero(scores > 0)
                if len(rows) > k:
                    rows = rows[scores[rows] >= np.partition(scores[rows], -k)[-k]]
                rows = rows[np.argsort(-scores[rows], kind="stable")[:k]]
                hits.rows[query, : len(rows)] = rows
                hits.scores[query, : len(rows)] = scores[rows]

        chunks = [(first, min(first + _CHUNK, stop - start)) for first in range(0, stop - start, _CHUNK)]
        for _ in run_jobs(fill, chunks, workers=self._workers, threads=True):
            pass
        return hits

    def scores(self, anchors: Positions, rows: Positions) -> Float32[np.ndarray, " pairs"]:
        """BM25 scores; 0 where no word is shared."""
        found = np.zeros(len(anchors), dtype=np.float32)
        order = np.argsort(anchors, kind="stable")
        for same in np.split(order, np.flatnonzero(np.diff(anchors[order])) + 1):
            if len(same):
                found[same] = self._scores(int(anchors[same[0]]))[rows[same]]
        return found

    def _scores(self, anchor: int) -> Float32[np.ndarray, " rows"]:
        words = _words(self.pool.anchors[anchor])
        if not words or not self._has_words:
            return np.zeros(len(self.pool.corpus), dtype=np.float32)
        return np.asarray(self._index.get_scores(words), dtype=np.float32)


def _words(text: str) -> list[str]:
    # No stop words are left out: "not" and "no" are where near misses differ.
    return _WORD.findall(text.casefold())


class ModelSource:
    """Rows of the label that a learner is most inclined to give the anchor in place of its own.

    The learner predicts each row from folds that hold neither it nor its near-duplicates or group. Of all
    labels but the anchor's own the most probable one is taken, and its rows, nearest to the anchor first.
    """

    name = "model"
    score = (
        "probability that the learner, fitted without the anchor and its near-duplicates, gives the anchor "
        "the label of the row; rows of one label are ranked by nearness"
    )

    def __init__(
        self,
        pool: MiningPool,
        probabilities: Float[np.ndarray, "anchors labels"],
        near: NeighbourSource,
        learner: Mapping[str, Json],
    ) -> None:
        assert pool.anchor_labels is not None
        self.pool, self.near, self.probabilities = pool, near, probabilities
        self._labels: Int[np.ndarray, " anchors"] = pool.anchor_labels
        self._learner = learner

    def describe(self) -> Mapping[str, Json]:
        """The learner and the folds, and what tells near from far."""
        return {
            "source": self.name,
            "learner": self._learner,
            "folds": FOLDS,
            "within_a_label": self.near.describe(),
        }

    def search(self, start: int, stop: int, k: int, *, by_class: bool) -> Hits:
        """Rows of the label each anchor is taken for; its own label is asked only without classes."""
        hits = Hits.none(stop - start, k)
        chances = self.probabilities[start:stop].copy()
        if by_class:
            chances[np.arange(stop - start), self._labels[start:stop]] = -1.0
        taken_for = chances.argmax(axis=1)
        for label in np.unique(taken_for):
            asked = np.flatnonzero(taken_for == label)
            rows = self.near.nearest_of_label(start + asked, int(label), k)
            hits.rows[asked] = rows
            score = chances[asked, label][:, None].astype(np.float32)
            hits.scores[asked] = np.where(rows >= 0, score, -np.inf)
        return hits

    def scores(self, anchors: Positions, rows: Positions) -> Float32[np.ndarray, " pairs"]:
        """Probability of the row's label for the anchor."""
        return np.asarray(self.probabilities[anchors, self._labels[rows]], dtype=np.float32)


def predict_out_of_fold(
    pool: MiningPool, learner: TfidfLearner, *, seed: int, workers: int
) -> Float[np.ndarray, "anchors labels"]:
    """Predict every row by a model that saw neither it nor its near-duplicates or group."""
    labels, n_labels = pool.anchor_labels, len(pool.label_names)
    assert labels is not None
    embedding = embed(pool.anchors)
    given = group_links(np.arange(len(pool)) if pool.groups is None else pool.groups)
    clusters = cluster_rows(embedding, nearest(embedding, labels).links, given).of_row
    return out_of_fold(pool.anchors, labels, clusters, n_labels, seed=seed, workers=workers, learner=learner)


class EditSource:
    """Proven near misses of each anchor's text; for pairs, of its positives.

    The verifier proves that a text is valid, and that an edit of it is not. Each text has a random stream of
    its own.
    """

    name = "edits"
    score = "1 - character edit distance / length of the longer text"

    def __init__(self, pool: MiningPool, verifier: Verifier, *, seed: int) -> None:
        self.pool, self.verifier, self.seed = pool, verifier, seed

    def describe(self) -> Mapping[str, Json]:
        """The verifier."""
        return {"source": self.name, "verifier": dict(self.verifier.describe())}

    def search(
        self, start: int, stop: int, n: int, positives: Links, *, in_turn: bool = True
    ) -> tuple[list[list[Hit]], dict[str, int]]:
        """Make the n nearest proven near misses of each anchor from ``start`` up to ``stop``.

        None is the text of the anchor or of a positive. Several positives of an anchor take turns with
        ``in_turn``; else all hits of the first come first.

        Returns:
            Hits of each anchor, the nearest of a text first; and what was counted: originals ``not_valid`` or
            ``not_known``, ``tried`` edits, edits of ``unknown`` validity, ``kept``.
        """
        counts: Counter[str] = Counter()
        found = []
        for anchor in range(start, stop):
            right = [(row, self.pool.corpus[row]) for row in positives.of(anchor - start).tolist()]
            pairs = self.pool.kind is PoolKind.PAIRS
            texts = right if pairs else [(ALL_POSITIVES, self.pool.anchors[anchor])]
            spared = {folded(self.pool.anchors[anchor]), *(folded(text) for _, text in right)}
            hits: list[Hit] = []
            for number, (positive, text) in enumerate(texts):
                rng = np.random.default_rng([self.seed, anchor, number])
                goal, most = Validity.INVALID, n + len(spared)
                done = search(text, self.verifier, start=Validity.VALID, goal=goal, rng=rng, n=most)
                kept = [edit for edit in done.kept if folded(edit.text) not in spared][:n]
                counts.update(originals=1, tried=done.tried, unknown=done.unknown, kept=len(kept))
                if done.proof.validity is not Validity.VALID:
                    counts["not_valid" if done.proof.validity is Validity.INVALID else "not_known"] += 1
                hits += [
                    Hit(
                        anchor=anchor,
                        positive=positive,
                        row=MADE,
                        text=edit.text,
                        source=self.name,
                        score=1 - edit.distance / max(len(text), len(edit.text), 1),
                        rank=rank,
                        positive_score=None,
                        verifier=edit.verifier,
                        edit=json.dumps(edit.describe(), ensure_ascii=False),
                        seed=self.seed,
                    )
                    for rank, edit in enumerate(kept, 1)
                ]
            # Sorting is stable: of one rank, the first positive's comes first.
            found.append(sorted(hits, key=lambda hit: hit.rank) if in_turn else hits)
        return found, dict(counts)
