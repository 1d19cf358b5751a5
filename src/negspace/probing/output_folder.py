"""The folder of a result: what is ours in it, what must not be in its way, and what is written there."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from negspace.data import write_text
from negspace.errors import StoreError
from negspace.probes import ProbeContext
from negspace.probing.findings import ProbeFindings
from negspace.probing.highlights import PAGES
from negspace.probing.parts import measure_some
from negspace.probing.report import probe_report

SUMMARY = "probe.json"
WORK = ".unfinished"
"""Folder of what is not finished."""

_AT_ONCE = 64  # fragments whose tokens are written at once
_FILES = ("report.html", SUMMARY, "traces.parquet", "fragments.parquet", "tokens.parquet")


def refuse_strangers(folder: Path) -> None:
    """Make sure that what a result would replace is an earlier result.

    Raises:
        StoreError: It is not.
    """
    there = [name for name in (*_FILES, PAGES) if (folder / name).exists()]
    if not there:
        return
    shaped = all((folder / name).is_dir() == (name == PAGES) for name in there)
    # A run that was killed while it moved its files has no summary, and its work folder still.
    if not shaped or not (_is_ours(folder / SUMMARY) or (folder / WORK).is_dir()):
        raise StoreError(
            f"{folder}: holds what is not known to be from an earlier probe, and would be replaced",
            got=", ".join(there),
            hint="choose another --out, or move it away",
        )


def _move_into(folder: Path, staged: Path) -> None:
    """Put a finished result in the place of an earlier one, the summary last."""
    try:
        for old in _pages(folder / PAGES):
            old.unlink()
        for name in _FILES:
            if not (staged / name).exists():  # tokens of an earlier run would not fit the other tables
                (folder / name).unlink(missing_ok=True)
        (folder / PAGES).mkdir(exist_ok=True)
        for page in _pages(staged / PAGES):
            page.replace(folder / PAGES / page.name)
        for file in sorted(staged.iterdir(), key=lambda each: each.name == SUMMARY):
            if file.is_file():
                file.replace(folder / file.name)
    except OSError as error:
        raise _unwritable(folder, error) from error


def _unwritable(path: Path, error: OSError) -> StoreError:
    got = error.strerror or str(error)
    return StoreError(f"{path}: cannot be written", got=got, hint="choose another --out")


def _pages(folder: Path) -> Iterable[Path]:
    """Pages of single fragments, which are named by a number; others are the user's."""
    return [page for page in folder.glob("*.html") if page.stem.isdecimal()]


def _is_ours(summary: Path) -> bool:
    try:
        return bool(json.loads(summary.read_text(encoding="utf-8"))["kind"] == "probe")
    except (OSError, ValueError, LookupError, TypeError):
        return False


def write_result(
    folder: Path, staged: Path, context: ProbeContext, traces: pa.Table, findings: ProbeFindings
) -> None:
    """Write ``traces.parquet``, ``fragments.parquet``, ``probe.json`` and the pages.

    Raises:
        StoreError: If one cannot be written.
    """
    from negspace.reports.html import render_pages

    _write_table(staged / "traces.parquet", [traces])
    fragments, roles = context.fragments, context.roles
    sampled = np.isin(np.arange(len(fragments)), context.sample)
    columns: dict[str, Any] = {
        "fragment": np.arange(len(fragments), dtype=np.int32),
        "place": list(fragments.places),
        "tokens": fragments.lengths,
        "sampled": sampled,
        **({} if roles is None else {"role": list(roles.names()), "reason": list(roles.reasons)}),
        "text": list(fragments.texts),
    }
    _write_table(staged / "fragments.parquet", [pa.table(columns)])
    if context.settings.tokens:
        _write_table(staged / "tokens.parquet", _token_rows(context))
    (staged / PAGES).mkdir()
    for path, page in render_pages(probe_report(findings)):
        write_text(staged / (path or "report.html"), page)
    write_text(staged / SUMMARY, json.dumps(findings.to_dict(), indent=1, allow_nan=False) + "\n")
    _move_into(folder, staged)


def _write_table(path: Path, rows: Iterable[pa.Table]) -> None:
    half = path.with_suffix(f".{os.getpid()}")
    writer: pq.ParquetWriter | None = None
    try:
        for some in rows:
            writer = writer or pq.ParquetWriter(half, some.schema)
            writer.write_table(some)
        assert writer is not None
        writer.close()
        half.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error


def _token_rows(context: ProbeContext) -> Iterator[pa.Table]:
    """A row a token; the first of a fragment is not scored, and has nulls."""
    fragments, model = context.fragments, replace(context.model, checkpoints=())
    texts = model.token_texts(range(int(model.network.get_input_embeddings().weight.shape[0])))
    for start in range(0, len(fragments), _AT_ONCE):
        context.report("writing tokens", start, len(fragments))
        rows = np.arange(start, min(start + _AT_ONCE, len(fragments)))
        inside = np.arange(fragments.tokens.shape[1]) < fragments.lengths[rows, None]
        which, places = np.nonzero(inside)
        ids = fragments.tokens[rows][inside]
        columns = {
            "fragment": pa.array(rows[which], pa.int32()),
            "position": pa.array(places, pa.int32()),
            "token": pa.array(ids, pa.int32()),
            "text": pa.array([texts[token] for token in ids.tolist()], pa.string()),
        }
        for probe in context.token_probes():
            probed = measure_some(probe, model, fragments, rows, context.batch, tokens=True)
            for trace in probed.tokens:
                columns[trace.metric] = _column(trace.values[inside])
        yield pa.table(columns)


def _column(values: np.ndarray) -> pa.Array:
    if values.ndim > 1:
        flat = values.reshape(-1)
        # An id below 0 stands for none.
        none = flat < 0 if np.issubdtype(flat.dtype, np.integer) else np.isnan(flat)
        flat = pa.array(flat, mask=none)
        return pa.FixedSizeListArray.from_arrays(flat, values.shape[1])
    return pa.array(values.astype(np.float32), from_pandas=True)
