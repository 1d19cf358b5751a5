"""What a probe leaves behind: the tidy table, the summary and the pages."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from negspace.data import write_text
from negspace.errors import StoreError
from negspace.probing.findings import summarise
from negspace.probing.plan import Plan
from negspace.probing.result import ProbeResult
from negspace.probing.target import PAGES, SUMMARY, move_into
from negspace.probing.token_table import token_rows
from negspace.probing.traces import SCHEMA, TraceTable

__all__ = ["write_result"]


def write_result(
    folder: Path, staged: Path, key: str, plan: Plan, table: TraceTable, *, check: bool
) -> ProbeResult:
    """Write ``traces.parquet``, ``fragments.parquet``, ``probe.json`` and the pages.

    Args:
        folder: Where; it exists, and holds nothing of the user's that would be replaced.
        staged: An empty folder beside, where all is made before anything is replaced.
        key: SHA-256 (hex) of all that decides the result.
        plan: What ran.
        table: What was measured.
        check: Whether gradients are compared with a loop of one fragment at a time.

    Raises:
        StoreError: If one cannot be written.
    """
    from negspace.report.probe_page import render_fragment, render_probe  # noqa: PLC0415 - matplotlib

    traces = pa.concat_tables([SCHEMA.empty_table(), *table.tidy()]).unify_dictionaries()
    _write_table(staged / "traces.parquet", [traces])
    _write_table(staged / "fragments.parquet", [_fragment_rows(plan)])
    if plan.settings.tokens:
        _write_table(staged / "tokens.parquet", token_rows(plan))
    summary = summarise(key, plan, table, check=check)
    (staged / PAGES).mkdir()
    for chosen in summary["chosen"]:
        write_text(staged / chosen["page"], render_fragment(summary, chosen))
    write_text(staged / SUMMARY, json.dumps(summary, indent=1, allow_nan=False) + "\n")
    write_text(staged / "report.html", render_probe(summary))
    move_into(folder, staged)
    return ProbeResult(folder / "report.html", traces, summary)


def _fragment_rows(plan: Plan) -> pa.Table:
    fragments = plan.inputs.fragments
    sampled = np.zeros(len(fragments), dtype=bool)
    sampled[plan.sample] = True
    columns: dict[str, Any] = {
        "fragment": np.arange(len(fragments), dtype=np.int32),
        "place": list(fragments.places),
        "tokens": fragments.lengths,
        "sampled": sampled,
    }
    if plan.roles is not None:
        columns |= {"role": list(plan.roles.names()), "reason": list(plan.roles.reasons)}
    return pa.table({**columns, "text": list(fragments.texts)})


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
        raise StoreError(
            f"{path}: cannot be written", got=error.strerror or str(error), hint="choose another --out"
        ) from error
