"""The ``edits`` source: small changes of a valid text that a verifier proves to be invalid."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping

import numpy as np

from negspace.mining.formats import ALL_POSITIVES, MADE, Hit
from negspace.mining.pool import Links, MiningPool, PoolKind, folded
from negspace.perturbations import Validity, Verifier, search
from negspace.records import Json


class EditSource:
    """Proven near misses of each anchor's text; for pairs, of its positives."""

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
        """Make the n nearest proven near misses of each of a range of anchors.

        Args:
            start: First anchor.
            stop: The anchor after the last.
            n: Near misses of each text, at most. None is the text of the anchor or of a positive.
            positives: Positives of each anchor of the range.
            in_turn: Several positives of an anchor take turns; else all hits of the first come first.

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
            hits = [
                hit
                for number, (positive, text) in enumerate(texts)
                for hit in self._edits(anchor, number, positive, text, n, spared, counts)
            ]
            # Sorting is stable: of one rank, the first positive's comes first.
            found.append(sorted(hits, key=lambda hit: hit.rank) if in_turn else hits)
        return found, dict(counts)

    def _edits(
        self,
        anchor: int,
        number: int,
        positive: int,
        text: str,
        n: int,
        spared: set[str],
        counts: Counter[str],
    ) -> list[Hit]:
        rng = np.random.default_rng([self.seed, anchor, number])
        start, goal = Validity.VALID, Validity.INVALID
        done = search(text, self.verifier, start=start, goal=goal, rng=rng, n=n + len(spared))
        kept = [edit for edit in done.kept if folded(edit.text) not in spared][:n]
        counts.update(originals=1, tried=done.tried, unknown=done.unknown, kept=len(kept))
        if done.proof.validity is not Validity.VALID:
            counts["not_valid" if done.proof.validity is Validity.INVALID else "not_known"] += 1
        return [
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
