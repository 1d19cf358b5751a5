"""Writing what was mined: a file or a dataset folder, and beside each where every negative came from."""

from __future__ import annotations

import json
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from negspace.data.writing import CARD, RowSink, open_folder, open_rows
from negspace.errors import DataError, StoreError
from negspace.mining.findings import Findings
from negspace.mining.formats import Format, Renderer, provenance_schema
from negspace.mining.hits import MADE, PROVENANCE, Hit, by_anchor
from negspace.mining.pool import Pool
from negspace.mining.target import Target, refuse_strangers

__all__ = ["Written", "write_output"]


@dataclass(frozen=True)
class Written:
    """What writing counted.

    Attributes:
        rows: Rows of the output.
        negatives: Negatives in them, each as often as it stands there.
        short: Anchors left out because the format needs more negatives than they had.
        classes: For each source of rows, its negatives that are of the anchor's own class (``same``), of
            another (``other``) or of none that is known (``unknown``); empty where no classes are known.
    """

    rows: int
    negatives: int
    short: int
    classes: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


def write_output(
    target: Target,
    staged: Path,
    parts: Callable[[], Iterator[pa.Table]],
    form: Format,
    renderer: Renderer,
    *,
    provenance: bool,
    fingerprint: str,
    describe: Callable[[Written], tuple[Findings, str]],
) -> Findings:
    """Render the parts in order, and move the result to its place.

    Args:
        target: The place.
        staged: An empty folder on the same file system.
        parts: Gives the hits of every part, in order.
        form: Form of the rows.
        renderer: Turns hits into rows.
        provenance: Whether the rows themselves say where their negatives came from.
        fingerprint: Of all that decides the rows, hex.
        describe: Makes the findings and the card, once the rows are counted.

    Returns:
        The findings.

    Raises:
        DataError: There is no row to write.
        StoreError: The place cannot be written, or something else has come to stand there.
    """
    new = Target(staged / target.path.name, target.is_folder)
    schema = form.schema(renderer.negatives, prompted=renderer.prompted, provenance=provenance)
    opened: AbstractContextManager[RowSink] = (
        open_folder(new.path, schema, fingerprint=fingerprint)
        if target.is_folder
        else open_rows(new.path, schema)
    )
    classes: defaultdict[str, Counter[str]] = defaultdict(Counter)
    with opened as sink, open_rows(new.provenance, provenance_schema()) as side:
        for table in parts():
            for found in by_anchor(table):
                for made in form.rows(renderer, found):
                    side.write(_provenance(sink.rows, made.hits))
                    _count_classes(classes, renderer.pool, made.hits)
                    sink.write([form.with_provenance(made) if provenance else made.row])
    written = Written(sink.rows, side.rows, renderer.short, classes)
    if not written.rows:
        raise DataError(
            f"{renderer.pool.source}: no anchor has a negative left, so there is nothing to write",
            got=f"{len(renderer.pool)} anchors",
            hint="loosen the margins or scores, widen --range-max, or take another --source",
        )
    findings, card = describe(written)
    new.summary.write_text(json.dumps(findings.to_dict(), indent=2, allow_nan=False) + "\n", encoding="utf-8")
    if target.is_folder:
        (new.path / CARD).write_text(card, encoding="utf-8")
    # Once more: hours may have passed since the first look.
    refuse_strangers(target)
    _move(new, target)
    return findings


def _count_classes(classes: defaultdict[str, Counter[str]], pool: Pool, hits: tuple[Hit, ...]) -> None:
    """Add the classes of a row's negatives; an edit has none."""
    if pool.anchor_labels is None or pool.corpus_labels is None:
        return
    for hit in hits:
        if hit["row"] != MADE:
            own, other = int(pool.anchor_labels[hit["anchor"]]), int(pool.corpus_labels[hit["row"]])
            known = own >= 0 and other >= 0
            classes[hit["source"]]["unknown" if not known else "same" if own == other else "other"] += 1


def _provenance(row: int, hits: tuple[Mapping[str, Any], ...]) -> Iterator[dict[str, Any]]:
    for slot, hit in enumerate(hits, 1):
        yield {
            "output_row": row,
            "slot": slot,
            "anchor": hit["anchor"],
            "row": None if hit["row"] == MADE else hit["row"],
            **{name: hit[name] for name in PROVENANCE},
        }


def _move(new: Target, target: Target) -> None:
    try:
        if target.is_folder:
            if target.path.exists():
                old = new.path.with_name("replaced")
                target.path.rename(old)
                new.path.rename(target.path)
                shutil.rmtree(old, ignore_errors=True)
            else:
                new.path.rename(target.path)
            return
        new.summary.replace(target.summary)
        new.provenance.replace(target.provenance)
        new.path.replace(target.path)
    except OSError as error:
        raise StoreError(
            f"{target.path}: cannot be written",
            got=error.strerror or str(error),
            hint="choose a place that you may write to",
        ) from error
