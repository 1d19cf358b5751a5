"""Writing what was mined: a file or a dataset folder, and beside each where every negative came from."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from negspace.datasets.folders import CARD, open_folder
from negspace.datasets.streaming import STREAMED, RowSink, open_rows
from negspace.errors import DataError, StoreError
from negspace.mining.formats import Format, Renderer, provenance_schema
from negspace.mining.hits import MADE, PROVENANCE, by_anchor

__all__ = ["SUMMARY", "Target", "Written", "target_of", "write_output"]

SUMMARY = "mined.json"


@dataclass(frozen=True)
class Target:
    """Where the result goes.

    Attributes:
        path: The file, or the folder.
        is_folder: Whether it is a dataset folder.
    """

    path: Path
    is_folder: bool

    @property
    def provenance(self) -> Path:
        """The side file: one row for each negative."""
        if self.is_folder:
            return self.path / "provenance.parquet"
        return self.path.with_name(f"{self.path.stem}.provenance{self.path.suffix}")

    @property
    def summary(self) -> Path:
        """The settings and the false-negative report, as JSON."""
        return self.path / SUMMARY if self.is_folder else self.path.with_name(f"{self.path.stem}.{SUMMARY}")


@dataclass(frozen=True)
class Written:
    """What writing counted.

    Attributes:
        rows: Rows of the output.
        negatives: Negatives in them, each as often as it stands there.
        short: Anchors left out because the format needs more negatives than they had.
    """

    rows: int
    negatives: int
    short: int


def target_of(out: str | Path) -> Target:
    """Tell a file from a folder by its suffix, and make sure that nothing of the user's is in the way.

    Raises:
        DataError: The suffix is of a format that cannot be written.
        StoreError: A folder of this name holds something else than an earlier result.
    """
    path = Path(out).expanduser()
    suffix = path.suffix.lower()
    if suffix in STREAMED:
        if path.is_dir():
            raise StoreError(f"{path}: a folder of this name is in the way", do="choose another --out")
        return Target(path, is_folder=False)
    if suffix in {".csv", ".tsv", ".json", ".ndjson", ".txt", ".arrow"}:
        raise DataError(
            f"{path}: not a format that is written here",
            came=suffix,
            do=f"end it in {' or '.join(STREAMED)}, or give no suffix for a Hugging Face dataset folder",
        )
    if path.is_file():
        raise StoreError(f"{path}: a file of this name is in the way", do="choose another --out")
    if path.is_dir() and any(path.iterdir()) and not (path / SUMMARY).is_file():
        raise StoreError(
            f"{path}: the folder holds something else, and would be replaced",
            came=", ".join(sorted(each.name for each in path.iterdir())),
            do="choose another --out, or empty the folder",
        )
    return Target(path, is_folder=True)


def write_output(
    target: Target,
    staged: Path,
    parts: Callable[[], Iterator[pa.Table]],
    form: Format,
    renderer: Renderer,
    *,
    provenance: bool,
    fingerprint: str,
    describe: Callable[[Written], tuple[dict[str, Any], str]],
) -> dict[str, Any]:
    """Render the parts in order, and move the result to its place.

    Args:
        target: The place.
        staged: An empty folder on the same file system.
        parts: Gives the hits of every part, in order.
        form: Form of the rows.
        renderer: Turns hits into rows.
        provenance: Whether the rows themselves say where their negatives came from.
        fingerprint: Of all that decides the rows, hex.
        describe: Makes the summary and the card, once the rows are counted.

    Returns:
        The summary.

    Raises:
        DataError: There is no row to write.
        StoreError: The place cannot be written.
    """
    new = Target(staged / target.path.name, target.is_folder)
    schema = form.schema(renderer.negatives, prompted=renderer.prompted, provenance=provenance)
    opened: AbstractContextManager[RowSink] = (
        open_folder(new.path, schema, fingerprint=fingerprint)
        if target.is_folder
        else open_rows(new.path, schema)
    )
    with opened as sink, open_rows(new.provenance, provenance_schema()) as side:
        for table in parts():
            for found in by_anchor(table):
                for made in form.rows(renderer, found):
                    side.write(_provenance(sink.rows, made.hits))
                    sink.write([form.with_provenance(made) if provenance else made.row])
    written = Written(sink.rows, side.rows, renderer.short)
    if not written.rows:
        raise DataError(
            f"{renderer.pool.source}: no anchor has a negative left, so there is nothing to write",
            came=f"{len(renderer.pool)} anchors",
            do="loosen the margins or scores, widen --range-max, or take another --source",
        )
    summary, card = describe(written)
    new.summary.write_text(json.dumps(summary, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    if target.is_folder:
        (new.path / CARD).write_text(card, encoding="utf-8")
    _move(new, target)
    return summary


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
            came=error.strerror or str(error),
            do="choose a place that you may write to",
        ) from error
