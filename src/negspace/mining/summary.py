"""From what was counted and written to what a run found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from jaxtyping import Float32

from negspace._version import __version__
from negspace.mining.findings import (
    SCHEMA,
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
from negspace.mining.formats import FORMATS, MADE, Hit, Renderer, by_anchor
from negspace.mining.mining_part import MiningCounts, MiningPlan
from negspace.mining.output import OutputPlace
from negspace.mining.pool import PoolKind
from negspace.records import Json

RULES: Mapping[str, tuple[str, str]] = {
    "duplicate": ("near_duplicate", "near-duplicates of a positive"),
    "absolute": ("absolute_margin", "not below the positive by the absolute margin"),
    "relative": ("relative_margin", "not below the positive by the relative margin"),
    "above": ("max_score", "above the highest score"),
    "below": ("min_score", "below the lowest score"),
    "rank": ("range_min", "outside the range of ranks"),
}
"""Rules in their order, by their names in `FilterStats`: the setting, and what it drops."""

_BINS = 24
_EXAMPLES = 12
_LONGEST_TEXT = 20_000


@dataclass(eq=False)
class Totals:
    """What adds up over parts: counts, scores, and the hardest hits as examples."""

    counts: MiningCounts = field(default_factory=MiningCounts)
    # for each source, scores of its hits
    scores: dict[str, list[Float32[np.ndarray, " hits"]]] = field(default_factory=dict)
    # for each source, scores of the positives of its anchors
    positives: dict[str, list[Float32[np.ndarray, " anchors"]]] = field(default_factory=dict)
    _hardest: list[tuple[float, Hit]] = field(default_factory=list)

    def add(self, hits: pa.Table, counts: MiningCounts) -> None:
        """Add one part."""
        self.counts.add(counts)
        source = np.array(hits["source"].to_pylist(), dtype=object)
        anchor = hits["anchor"].to_numpy()
        score = hits["score"].to_numpy().astype(np.float32)
        positive = hits["positive_score"].to_numpy(zero_copy_only=False).astype(np.float32)
        for name in sorted(set(source.tolist())):
            mine = np.flatnonzero(source == name)
            first = positive[mine[np.unique(anchor[mine], return_index=True)[1]]]
            self.scores.setdefault(name, []).append(score[mine])
            self.positives.setdefault(name, []).append(first[np.isfinite(first)])
        for found in by_anchor(hits):
            self._hardest.append(((found[0].positive_score or 0.0) - found[0].score, found[0]))
        self._hardest = sorted(self._hardest, key=lambda each: (each[0], each[1].anchor))[: 4 * _EXAMPLES]

    def hardest(self) -> list[Hit]:
        """The hits that stand highest against their positive, each text once."""
        shown: dict[object, Hit] = {}
        for _, hit in self._hardest:
            shown.setdefault(hit.text if hit.row == MADE else hit.row, hit)
        return list(shown.values())[:_EXAMPLES]


def summarise(
    plan: MiningPlan,
    sources: Sequence[Mapping[str, Json]],
    totals: Totals,
    renderer: Renderer,
    place: OutputPlace,
    key: str,
) -> Findings:
    """Put together what a mining run found."""
    pool, settings, counts = plan.pool, plan.settings, totals.counts
    form = FORMATS[settings.format]
    schema = form.schema(settings.negatives, prompted=renderer.prompted, provenance=settings.provenance)
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
            path=str(place.path),
            form="Hugging Face dataset folder" if place.is_folder else place.path.suffix.lstrip("."),
            format=form.name,
            a_row_is=form.what,
            columns=schema.names,
            rows=renderer.rows,
            negatives=renderer.shown,
            provenance=str(place.provenance),
            left_out_short=renderer.short,
        ),
        anchors=AnchorCounts(
            all=counts.anchors,
            without_positive=counts.without_positive,
            without_negatives=counts.without_negatives,
            with_fewer=counts.with_fewer,
            negatives=dict(counts.used),
        ),
        control=Control(
            classes_known=pool.anchor_labels is not None,
            candidates={name: stats.seen for name, stats in counts.filtered.items()},
            kept={name: stats.left + stats.taken for name, stats in counts.filtered.items()},
            dropped=tuple(
                Dropped(name, setting, what, limit, getattr(stats, rule), stats.seen)
                for name, stats in counts.filtered.items()
                for rule, (setting, what) in RULES.items()
                # Nobody asked for a rule without a limit; ranks are always bounded.
                if (limit := getattr(settings, setting)) is not None and (rule != "rank" or limit)
            ),
            same_class=tuple(_same_class(counts, renderer)),
        ),
        edits=dict(counts.edits) if plan.edits is not None else None,
        scores={name: _scores(totals, name) for name in settings.sources if name in totals.scores},
        examples=tuple(_example(plan, renderer, hit) for hit in totals.hardest()),
        warnings=tuple(_warnings(plan, counts, renderer)),
    )


def _same_class(counts: MiningCounts, renderer: Renderer) -> Iterator[SameClass]:
    """Shares of hits of known class that had the anchor's own."""

    def share(part: int, whole: int) -> float | None:
        return round(part / whole, 6) if whole else None

    for name, stats in counts.unlabelled.items():
        after = renderer.classes.get(name, Counter())
        known = after["same"] + after["other"]
        yield SameClass(
            source=name,
            before=share(stats.first_same_class, stats.first),
            by_rules=share(stats.taken_same_class, stats.taken_known),
            after=share(after["same"], known),
            hits_before=stats.first,
            hits_after=known,
            hits_unknown=after["unknown"],
            anchors_full_by_rules=stats.queries - stats.short,
        )


def _scores(totals: Totals, name: str) -> Scores:
    negatives = np.concatenate(totals.scores[name]).astype(np.float64)
    positives = np.concatenate(totals.positives[name]).astype(np.float64)
    both = np.concatenate([negatives, positives])
    low, high = float(both.min()), float(both.max())
    edges = np.linspace(low, high if high > low else low + 1.0, _BINS + 1)

    def distribution(values: np.ndarray) -> Distribution:
        quantiles = np.quantile(values, [0, 0.25, 0.5, 0.75, 1])
        return Distribution(
            n=len(values),
            mean=round(float(values.mean()), 6),
            min_to_max=[round(float(value), 6) for value in quantiles],
            histogram=np.histogram(values, bins=edges)[0].tolist(),
        )

    return Scores(
        edges=[round(float(edge), 6) for edge in edges],
        negatives=distribution(negatives),
        positives=distribution(positives) if len(positives) else None,
    )


def _example(plan: MiningPlan, renderer: Renderer, hit: Hit) -> Example:
    pool, made = plan.pool, hit.row == MADE
    positives = renderer.positives(hit) if pool.kind is not PoolKind.CORPUS else []
    own = None if pool.anchor_labels is None else int(pool.anchor_labels[hit.anchor])
    other = -1 if made or pool.corpus_labels is None else int(pool.corpus_labels[hit.row])
    return Example(
        anchor=pool.anchors[hit.anchor][:_LONGEST_TEXT],
        anchor_label=None if own is None else pool.label_names[own],
        positive=positives[0][:_LONGEST_TEXT] if positives else None,
        original=(renderer.originals(hit) or [""])[0][:_LONGEST_TEXT] if made else None,
        negative=renderer.negative(hit)[:_LONGEST_TEXT],
        negative_label=pool.label_names[other] if other >= 0 else None,
        source=hit.source,
        score=round(hit.score, 6),
        rank=hit.rank,
        positive_score=None if hit.positive_score is None else round(hit.positive_score, 6),
        verifier=hit.verifier,
    )


def _warnings(plan: MiningPlan, counts: MiningCounts, renderer: Renderer) -> Iterator[str]:
    settings = plan.settings
    yield from plan.pool.notes
    searched = set(settings.sources) - {"edits"}
    if plan.pool.kind is PoolKind.CORPUS and searched:
        yield (
            "a plain corpus says nothing of what belongs together: any of these negatives may mean the same "
            "as its anchor, and the anchor stands as its own positive"
        )
    of_all = f"of {counts.anchors} anchors"
    if counts.without_positive:
        yield (
            f"{counts.without_positive} {of_all} have no positive: no other row of their class, or no word "
            "that tells where they stand"
        )
    if counts.without_negatives:
        left_out = f"{counts.without_negatives} {of_all} have no negative left and are left out"
        yield (
            left_out
            if not searched
            else (
                f"{left_out}: none of the {plan.depth} candidates that were looked at keeps the rules "
                "(--range-max looks further)"
            )
        )
    if counts.with_fewer:
        yield f"{counts.with_fewer} {of_all} have fewer than {settings.negatives} negatives"
    if settings.format == "n-tuple" and renderer.short:
        yield f"{renderer.short} anchors are left out: an n-tuple needs all {settings.negatives}"
    if settings.format == "groups" and renderer.short:
        yield (
            f"{renderer.short} anchors are in no group of their own: "
            "each of their near misses stands in another"
        )
    unknown = sum(each.get("unknown", 0) for each in renderer.classes.values())
    if unknown:
        yield (
            f"{unknown} of {renderer.shown} negatives have no known class: they may be of their anchor's "
            "own, and stand in no share of same-class hits"
        )
    not_proven = counts.edits.get("not_valid", 0) + counts.edits.get("not_known", 0)
    if not_proven:
        yield (
            f"{not_proven} of {counts.edits['originals']} texts are not proven valid, "
            "and nothing is made of them"
        )
