"""From what the parts of a mining run counted to its findings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Float32

from negspace._version import __version__
from negspace.mining.assemble import DROPPING, Plan
from negspace.mining.findings import (
    AnchorCounts,
    Control,
    Distribution,
    Dropped,
    Example,
    Findings,
    MinedData,
    MinedOutput,
    SameClass,
    Scores,
)
from negspace.mining.formats import FORMATS, Renderer
from negspace.mining.hits import MADE, by_anchor
from negspace.mining.outputs import Written
from negspace.mining.pool import Kind, Pool
from negspace.mining.settings import Settings
from negspace.mining.target import SCHEMA, Target
from negspace.records import Json

__all__ = ["SCHEMA", "Tally", "summarise"]

RULES: Mapping[str, tuple[str, str]] = {
    "duplicate": ("near_duplicate", "near-duplicates of a positive"),
    "absolute": ("absolute_margin", "not below the positive by the absolute margin"),
    "relative": ("relative_margin", "not below the positive by the relative margin"),
    "above": ("max_score", "above the highest score"),
    "below": ("min_score", "below the lowest score"),
    "rank": ("range_min", "outside the range of ranks"),
}
"""For each rule its setting, and what it drops."""

_BINS = 24
_EXAMPLES = 12
_LONGEST_TEXT = 20_000


@dataclass(eq=False)
class Tally:
    """What adds up over parts: counts, scores, and the hardest hits as examples.

    Attributes:
        counts: Sums of the counts of all parts.
        scores: For each source, scores of its hits.
        positives: For each source, scores of the positives of its anchors.
    """

    counts: dict[str, Any] = field(default_factory=dict)
    scores: dict[str, list[Float32[np.ndarray, " hits"]]] = field(default_factory=dict)
    positives: dict[str, list[Float32[np.ndarray, " anchors"]]] = field(default_factory=dict)
    _hardest: list[tuple[float, int, Mapping[str, Any]]] = field(default_factory=list)

    def add(self, hits: pa.Table, counts: Mapping[str, Any]) -> None:
        """Add one part."""
        _add(self.counts, counts)
        for name, score, positive in _by_source(hits):
            self.scores.setdefault(name, []).append(score)
            self.positives.setdefault(name, []).append(positive)
        for found in by_anchor(hits):
            hit = found.hits[0]
            above = hit["score"] - (hit["positive_score"] or 0.0)
            self._hardest.append((-above, found.anchor, hit))
        self._hardest = sorted(self._hardest, key=lambda each: each[:2])[: 4 * _EXAMPLES]

    def hardest(self) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """The hits that stand highest against their positive, each text shown once."""
        seen: set[object] = set()
        shown = 0
        for _, anchor, hit in self._hardest:
            key = hit["text"] if hit["row"] == MADE else hit["row"]
            if key not in seen and shown < _EXAMPLES:
                seen.add(key)
                shown += 1
                yield anchor, hit


def summarise(
    plan: Plan,
    sources: Sequence[Mapping[str, Json]],
    tally: Tally,
    written: Written,
    renderer: Renderer,
    target: Target,
    key: str,
) -> Findings:
    """Put together what a mining run found."""
    pool, settings, counts = plan.pool, plan.settings, tally.counts
    form = FORMATS[settings.format]
    return Findings(
        schema=SCHEMA,
        version=__version__,
        key=key,
        data=MinedData(
            kind=pool.kind.value,
            path=pool.source,
            files=dict(pool.files),
            columns=dict(pool.columns),
            anchors=len(pool),
            corpus=len(pool.corpus),
            classes=len(pool.label_names) if pool.anchor_labels is not None else None,
            fingerprint=pool.fingerprint,
        ),
        settings=settings.describe(),
        sources=sources,
        vectors=None if plan.near is None else dict(plan.near.describe()),
        output=MinedOutput(
            path=str(target.path),
            form="Hugging Face dataset folder" if target.is_folder else target.path.suffix.lstrip("."),
            format=form.name,
            a_row_is=form.what,
            columns=form.schema(
                settings.negatives, prompted=renderer.prompted, provenance=settings.provenance
            ).names,
            rows=written.rows,
            negatives=written.negatives,
            provenance=str(target.provenance),
            left_out_short=written.short,
        ),
        anchors=AnchorCounts(
            all=counts["anchors"],
            without_positive=counts["without_positive"],
            without_negatives=counts["without_negatives"],
            with_fewer=counts["with_fewer"],
            negatives=counts["used"],
        ),
        control=_control(pool, settings, counts, written),
        edits=counts.get("edits"),
        scores={name: _scores(tally, name) for name in settings.sources if name in tally.scores},
        examples=tuple(_example(pool, renderer, anchor, hit) for anchor, hit in tally.hardest()),
        warnings=tuple(_warnings(plan, counts, written)),
    )


def _control(pool: Pool, settings: Settings, counts: Mapping[str, Any], written: Written) -> Control:
    """What each rule dropped, and the shares of hits of known class that had the anchor's own."""
    dropped = [
        Dropped(
            source=name,
            rule=RULES[rule][0],
            what=RULES[rule][1],
            limit=getattr(settings, RULES[rule][0]),
            dropped=counted["dropped"][rule],
            of=counted["candidates"],
        )
        for name, counted in counts["sources"].items()
        for rule in DROPPING
        # Nobody asked for a rule without a limit; ranks are always bounded.
        if getattr(settings, RULES[rule][0]) is not None and (rule != "rank" or settings.range_min)
    ]
    same = []
    for name, found in counts["same_class"].items():
        after = written.classes.get(name, {})
        known = after.get("same", 0) + after.get("other", 0)
        same.append(
            SameClass(
                source=name,
                before=_share(*found["before"]),
                by_rules=_share(*found["by_rules"]),
                after=_share(after.get("same", 0), known),
                hits_before=found["before"][1],
                hits_after=known,
                hits_unknown=after.get("unknown", 0),
                anchors_full_by_rules=found["anchors_full"],
            )
        )
    return Control(
        classes_known=pool.anchor_labels is not None,
        candidates={name: counted["candidates"] for name, counted in counts["sources"].items()},
        kept={name: counted["kept"] for name, counted in counts["sources"].items()},
        dropped=tuple(dropped),
        same_class=tuple(same),
    )


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None


def _by_source(
    hits: pa.Table,
) -> Iterator[tuple[str, Float32[np.ndarray, " hits"], Float32[np.ndarray, " anchors"]]]:
    source = np.array(hits["source"].to_pylist(), dtype=object)
    anchor = hits["anchor"].to_numpy()
    score = hits["score"].to_numpy().astype(np.float32)
    positive = hits["positive_score"].to_numpy(zero_copy_only=False).astype(np.float32)
    for name in sorted(set(source.tolist())):
        mine = np.flatnonzero(source == name)
        _, first = np.unique(anchor[mine], return_index=True)
        of_positives = positive[mine[first]]
        yield name, score[mine], of_positives[np.isfinite(of_positives)]


def _scores(tally: Tally, name: str) -> Scores:
    negatives = np.concatenate(tally.scores[name]).astype(np.float64)
    positives = np.concatenate(tally.positives[name]).astype(np.float64)
    both = np.concatenate([negatives, positives])
    low, high = float(both.min()), float(both.max())
    edges = np.linspace(low, high if high > low else low + 1.0, _BINS + 1)
    return Scores(
        edges=[round(float(edge), 6) for edge in edges],
        negatives=_distribution(negatives, edges),
        positives=_distribution(positives, edges) if len(positives) else None,
    )


def _distribution(values: np.ndarray, edges: np.ndarray) -> Distribution:
    quantiles = np.quantile(values, [0, 0.25, 0.5, 0.75, 1])
    return Distribution(
        n=len(values),
        mean=round(float(values.mean()), 6),
        min_to_max=[round(float(value), 6) for value in quantiles],
        histogram=np.histogram(values, bins=edges)[0].tolist(),
    )


def _example(pool: Pool, renderer: Renderer, anchor: int, hit: Mapping[str, Any]) -> Example:
    labels, names = pool.corpus_labels, pool.label_names
    positives = renderer.positives(anchor, hit)
    made = hit["row"] == MADE
    known = labels is not None and not made and labels[hit["row"]] >= 0
    return Example(
        anchor=pool.anchors[anchor][:_LONGEST_TEXT],
        anchor_label=names[pool.anchor_labels[anchor]] if pool.anchor_labels is not None else None,
        positive=positives[0][:_LONGEST_TEXT] if positives and pool.kind is not Kind.CORPUS else None,
        original=(renderer.originals(anchor, hit) or [""])[0][:_LONGEST_TEXT] if made else None,
        negative=renderer.negative(hit)[:_LONGEST_TEXT],
        negative_label=names[labels[hit["row"]]] if known and labels is not None else None,
        source=hit["source"],
        score=round(hit["score"], 6),
        rank=hit["rank"],
        positive_score=None if hit["positive_score"] is None else round(hit["positive_score"], 6),
        verifier=hit["verifier"],
    )


def _warnings(plan: Plan, counts: Mapping[str, Any], written: Written) -> list[str]:
    pool, settings = plan.pool, plan.settings
    found = list(pool.notes)
    searched = set(settings.sources) - {"edits"}
    if pool.kind is Kind.CORPUS and searched:
        found.append(
            "a plain corpus says nothing of what belongs together: any of these negatives may mean the same "
            "as its anchor, and the anchor stands as its own positive"
        )
    if lone := counts["without_positive"]:
        found.append(
            f"{lone} of {counts['anchors']} anchors have no positive: no other row of their class, or no "
            "word that tells where they stand"
        )
    if none := counts["without_negatives"]:
        found.append(
            f"{none} of {counts['anchors']} anchors have no negative left and are left out: none of the "
            f"{plan.depth} candidates that were looked at keeps the rules (--range-max looks further)"
            if searched
            else f"{none} of {counts['anchors']} anchors have no negative left and are left out"
        )
    if fewer := counts["with_fewer"]:
        found.append(f"{fewer} of {counts['anchors']} anchors have fewer than {settings.negatives} negatives")
    if settings.format == "n-tuple" and written.short:
        found.append(f"{written.short} anchors are left out: an n-tuple needs all {settings.negatives}")
    if settings.format == "groups" and written.short:
        found.append(
            f"{written.short} anchors are in no group of their own: "
            "each of their near misses stands in another"
        )
    unknown = sum(each.get("unknown", 0) for each in written.classes.values())
    if unknown:
        found.append(
            f"{unknown} of {written.negatives} negatives have no known class: they may be of their anchor's "
            "own, and stand in no share of same-class hits"
        )
    if edits := counts.get("edits"):
        not_proven = edits.get("not_valid", 0) + edits.get("not_known", 0)
        if not_proven:
            found.append(
                f"{not_proven} of {edits['originals']} texts are not proven valid, "
                "and nothing is made of them"
            )
    return found


def _add(total: dict[str, Any], more: Mapping[str, Any]) -> None:
    for name, value in more.items():
        if isinstance(value, Mapping):
            _add(total.setdefault(name, {}), value)
        elif isinstance(value, list):
            total[name] = [a + b for a, b in zip(total.get(name, [0] * len(value)), value, strict=True)]
        else:
            total[name] = total.get(name, 0) + value
