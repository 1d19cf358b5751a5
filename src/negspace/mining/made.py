"""The ``edits`` source: small changes of a valid text that a verifier proves to be invalid."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence, Set

import numpy as np

from negspace.mining.hits import ALL_POSITIVES, MADE, Hit
from negspace.mining.pool import Kind, Links, Pool, folded
from negspace.perturbations import Validity, Verifier, search
from negspace.records import Json

__all__ = ["Edits"]


class Edits:
    """Proven near misses of each anchor's text; for pairs, of its positives.

    Args:
        pool: What is mined.
        verifier: Proves that a text is valid, and that an edit of it is not.
        seed: Of the edits that are tried; each text has its own stream.
    """

    name = "edits"
    score = "1 - character edit distance / length of the longer text"

    def __init__(self, pool: Pool, verifier: Verifier, *, seed: int) -> None:
        self.pool, self.verifier, self.seed = pool, verifier, seed

    def describe(self) -> Mapping[str, Json]:
        """The verifier."""
        return {"source": self.name, "verifier": dict(self.verifier.describe())}

    def search(
        self, start: int, stop: int, n: int, positives: Links, *, in_turn: bool = True
    ) -> tuple[list[list[Hit]], dict[str, int]]:
        """Make the n nearest proven near misses of each of a range of anchors.

        Args:
            start: First anchor.
            stop: The anchor after the last.
            n: Near misses of each text, at most. None is the text of the anchor or of a positive.
            positives: Of each anchor of the range.
            in_turn: Several positives of an anchor take turns; else all hits of the first come first.

        Returns:
            Hits of each anchor, the nearest of a text first; and what was counted: originals ``not_valid`` or
            ``not_known``, ``tried`` edits, edits of ``unknown`` validity, ``kept``.
        """
        counts: Counter[str] = Counter()
        found = []
        for anchor in range(start, stop):
            right = [(row, self.pool.corpus[row]) for row in positives.of(anchor - start).tolist()]
            texts = right if self.pool.kind is Kind.PAIRS else [(ALL_POSITIVES, self.pool.anchors[anchor])]
            spared = {folded(self.pool.anchors[anchor]), *(folded(text) for _, text in right)}
            hits = self._of(anchor, texts, n, spared, counts)
            # Sorting is stable: of one rank, the first positive's comes first.
            found.append(sorted(hits, key=lambda hit: int(hit["rank"])) if in_turn else hits)
        return found, dict(counts)

    def _of(
        self, anchor: int, texts: Sequence[tuple[int, str]], n: int, spared: Set[str], counts: Counter[str]
    ) -> list[Hit]:
        hits: list[Hit] = []
        for number, (positive, text) in enumerate(texts):
            rng = np.random.default_rng([self.seed, anchor, number])
            done = search(
                text, self.verifier, start=Validity.VALID, goal=Validity.INVALID, rng=rng, n=n + len(spared)
            )
            kept = [edit for edit in done.kept if folded(edit.text) not in spared][:n]
            counts["originals"] += 1
            counts["tried"] += done.tried
            counts["unknown"] += done.unknown
            counts["kept"] += len(kept)
            if done.proof.validity is not Validity.VALID:
                counts["not_valid" if done.proof.validity is Validity.INVALID else "not_known"] += 1
            for rank, edit in enumerate(kept, 1):
                longest = max(len(text), len(edit.text), 1)
                hits.append(
                    {
                        "anchor": anchor,
                        "positive": positive,
                        "row": MADE,
                        "text": edit.text,
                        "source": self.name,
                        "score": 1 - edit.distance / longest,
                        "rank": rank,
                        "positive_score": None,
                        "verifier": edit.verifier,
                        "edit": json.dumps(edit.describe(), ensure_ascii=False),
                        "seed": self.seed,
                    }
                )
        return hits
