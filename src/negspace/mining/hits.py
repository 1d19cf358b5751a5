"""The negatives found for a range of anchors, as an Arrow table: what parts hold and outputs are made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import pyarrow as pa

__all__ = ["ALL_POSITIVES", "MADE", "PROVENANCE", "SCHEMA", "AnchorHits", "Hit", "by_anchor"]

ALL_POSITIVES = -1
"""In ``positive``: the hit is a negative beside each positive of its anchor."""

MADE = -1
"""In ``row``: the negative is no row of the corpus; ``text`` holds it."""

SCHEMA = pa.schema(
    [
        ("anchor", pa.int64()),
        ("positive", pa.int64()),
        ("row", pa.int64()),
        ("text", pa.string()),
        ("source", pa.string()),
        ("score", pa.float64()),
        ("rank", pa.int64()),
        ("positive_score", pa.float64()),
        ("verifier", pa.string()),
        ("edit", pa.string()),
        ("seed", pa.int64()),
    ]
)
PROVENANCE = ("source", "score", "rank", "positive_score", "verifier", "edit", "seed")
"""The columns that say where a negative came from."""

Hit: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class AnchorHits:
    """All hits of one anchor, the hardest first.

    Attributes:
        anchor: Position of the anchor.
        hits: Its hits, as rows of `SCHEMA`.
    """

    anchor: int
    hits: tuple[Hit, ...]


def by_anchor(table: pa.Table) -> Iterator[AnchorHits]:
    """Give the hits of each anchor that has any, in order."""
    held: list[Hit] = []
    for hit in table.to_pylist():
        if held and held[-1]["anchor"] != hit["anchor"]:
            yield AnchorHits(held[0]["anchor"], tuple(held))
            held = []
        held.append(hit)
    if held:
        yield AnchorHits(held[0]["anchor"], tuple(held))
