"""Where a result goes, what must not be in its way, and writing it there."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from negspace.data import CARD, STREAMED, RowSink, open_folder, open_rows
from negspace.errors import DataError, StoreError
from negspace.mining.findings import SCHEMA, Findings
from negspace.mining.formats import MADE, PROVENANCE, Format, Renderer, by_anchor

SUMMARY = "mined.json"

_PROVENANCE = "provenance.parquet"
_SPLIT = "train"
_OURS = frozenset({CARD, SUMMARY, _PROVENANCE, _SPLIT, "dataset_dict.json", "report.html"})
_OURS_IN_SPLIT = ("data-*-of-*.arrow", "dataset_info.json", "state.json", "cache-*.arrow")
_NOT_WRITTEN = frozenset(
    {".csv", ".tsv", ".json", ".ndjson", ".txt", ".arrow", ".gz", ".bz2", ".xz", ".zst", ".lz4", ".zip"}
)


@dataclass(frozen=True)
class OutputPlace:
    """Where the result goes."""

    path: Path
    is_folder: bool

    @property
    def provenance(self) -> Path:
        """The side file: one row for each negative."""
        if self.is_folder:
            return self.path / _PROVENANCE
        return self.path.with_name(f"{self.path.stem}.provenance{self.path.suffix}")

    @property
    def summary(self) -> Path:
        """The settings and the false-negative report, as JSON."""
        return self.path / SUMMARY if self.is_folder else self.path.with_name(f"{self.path.stem}.{SUMMARY}")

    @property
    def work(self) -> Path:
        """The folder of what is not finished, beside the result."""
        return self.path.parent / f".{self.path.name}.mining"


def output_place(out: str | Path, inputs: Iterable[str | Path] = ()) -> OutputPlace:
    """Tell a file from a folder by its suffix, and make sure that nothing of the user's is in the way.

    Raises:
        DataError: The suffix is of a format that cannot be written.
        StoreError: The result would replace an input, or what is no earlier result.
    """
    path = Path(out).expanduser()
    if path.name in {"", ".."}:  # "." and its like: a folder, whose name is needed
        path = path.resolve()
    suffix = path.suffix.lower()
    if suffix in _NOT_WRITTEN:
        raise DataError(
            f"{path}: not a format that is written here",
            got="".join(path.suffixes[-2:]),
            hint=f"end it in {' or '.join(STREAMED)}, or give no suffix for a Hugging Face dataset folder",
        )
    if path.name.lower() in STREAMED:
        raise DataError(f"{path}: a suffix without a name", hint=f"write a name before it: mined{path.name}")
    place = OutputPlace(path, is_folder=suffix not in STREAMED)
    _refuse_inputs(place, inputs)
    _refuse_strangers(place)
    return place


def _refuse_strangers(place: OutputPlace) -> None:
    """Make sure that what the result would replace is an earlier result, and nothing beside."""
    path = place.path
    if path.is_dir() != place.is_folder and path.exists():
        kind = "file" if place.is_folder else "folder"
        raise StoreError(f"{path}: a {kind} of this name is in the way", hint="choose another --out")
    if not place.is_folder:
        there = [each for each in (path, place.provenance, place.summary) if each.exists()]
        if there and not _is_ours(place):
            beside = f"no {place.summary.name} of such a run beside it" if there[0] != place.summary else None
            raise StoreError(
                f"{there[0]}: is there already, is not known to be from an earlier run, and would be "
                "replaced",
                got=beside,
                hint="choose another --out, or move the file away",
            )
        return
    names = sorted(each.name for each in path.iterdir()) if path.exists() else []
    strange = [name for name in names if name not in _OURS]
    if (path / _SPLIT).is_dir():
        inside = sorted((path / _SPLIT).iterdir())
        known = [each for each in inside if any(each.match(pattern) for pattern in _OURS_IN_SPLIT)]
        strange += [f"{_SPLIT}/{each.name}" for each in inside if each not in known]
    if names and (strange or not _is_ours(place)):
        raise StoreError(
            f"{path}: the folder holds something else than an earlier result, and would be replaced",
            got=", ".join(strange or names),
            hint="choose another --out, or empty the folder",
        )


def _is_ours(place: OutputPlace) -> bool:
    try:
        summary = json.loads(place.summary.read_text(encoding="utf-8"))
        ours = bool(summary["schema"] == SCHEMA)
        named = Path(summary["output"]["path"]).name
    except (OSError, ValueError, LookupError, TypeError):
        return False
    if place.is_folder:
        return ours
    # "o.jsonl" and "o.parquet" share one summary: it speaks for the file it names, or one with its side file.
    return ours and (not place.path.exists() or named == place.path.name or place.provenance.exists())


def _refuse_inputs(place: OutputPlace, inputs: Iterable[str | Path]) -> None:
    written = (place.path, place.provenance, place.summary)
    for each in inputs:
        read = Path(each).expanduser()
        if place.is_folder or place.work.exists():
            inside = (place.path, place.work) if place.is_folder else (place.work,)
            if any(read.resolve().is_relative_to(folder.resolve()) for folder in inside):
                raise StoreError(
                    f"{place.path}: holds what is read, and would be replaced",
                    got=str(read),
                    hint="choose another --out",
                )
        if any(_same(read, path) for path in written):
            raise StoreError(
                f"{read}: is read, and would be replaced by the result",
                got=f"--out {place.path}",
                hint="choose another --out",
            )


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:  # one of them is not there
        return one.resolve() == other.resolve()


def stage_output(
    place: OutputPlace,
    staged: Path,
    parts: Iterable[pa.Table],
    form: Format,
    renderer: Renderer,
    *,
    provenance: bool,
    fingerprint: str,
) -> OutputPlace:
    """Render the parts, in order, into an empty folder on the same file system; the renderer counts.

    ``provenance`` has the rows themselves say where their negatives came from; ``fingerprint`` is the hash of
    all that decides the rows. Without a row to write it is a `DataError`.
    """
    new = OutputPlace(staged / place.path.name, place.is_folder)
    schema = form.schema(renderer.negatives, prompted=renderer.prompted, provenance=provenance)
    opened: AbstractContextManager[RowSink] = (
        open_folder(new.path, schema, fingerprint=fingerprint)
        if place.is_folder
        else open_rows(new.path, schema)
    )
    positions = ("output_row", "slot", "anchor", "row")
    side_schema = pa.schema([*((name, pa.int64()) for name in positions), *PROVENANCE])
    with opened as sink, open_rows(new.provenance, side_schema) as side:
        for hits in itertools.chain.from_iterable(map(by_anchor, parts)):
            for row in form.rows(renderer, hits):
                for slot, hit in enumerate(row.hits, 1):
                    at = (sink.rows, slot, hit.anchor, None if hit.row == MADE else hit.row)
                    named = {name: getattr(hit, name) for name in PROVENANCE.names}
                    side.write([{**dict(zip(positions, at, strict=True)), **named}])
                renderer.count(row)
                sink.write([form.with_provenance(row) if provenance else row.columns])
    if not sink.rows:
        raise DataError(
            f"{renderer.pool.source}: no anchor has a negative left, so there is nothing to write",
            got=f"{len(renderer.pool)} anchors",
            hint="loosen the margins or scores, widen --range-max, or take another --source",
        )
    return new


def publish(new: OutputPlace, place: OutputPlace, findings: Findings, card: str) -> None:
    """Move what was staged to its place, with what was found, unless something else stands there by now."""
    new.summary.write_text(json.dumps(findings.to_dict(), indent=2, allow_nan=False) + "\n", encoding="utf-8")
    if place.is_folder:
        (new.path / CARD).write_text(card, encoding="utf-8")
    # Once more: hours may have passed since the first look.
    _refuse_strangers(place)
    try:
        if not place.is_folder:
            new.summary.replace(place.summary)
            new.provenance.replace(place.provenance)
            new.path.replace(place.path)
        elif place.path.exists():
            old = new.path.with_name("replaced")
            place.path.rename(old)
            new.path.rename(place.path)
            shutil.rmtree(old, ignore_errors=True)
        else:
            new.path.rename(place.path)
    except OSError as error:
        raise StoreError(
            f"{place.path}: cannot be written",
            got=error.strerror or str(error),
            hint="choose a place that you may write to",
        ) from error
