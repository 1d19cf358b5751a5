"""The lab's pages as files: one a claim, and one over all of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from negspace.data import check_writable, write_text
from negspace.records import Json
from negspace.report import render_claim, render_lab
from negspace.study import Progress

__all__ = ["save_claim", "save_lab"]

Summary = Mapping[str, Json]


def save_claim(summary: Summary, folder: Path) -> Path:
    """Write a claim's page and the summary it shows, as ``NAME.html`` and ``NAME.json``.

    Args:
        summary: What ``negspace lab run --json`` prints of the claim.
        folder: Made if need be; files of an earlier run are replaced.

    Returns:
        Path of the page.

    Raises:
        StoreError: If the folder cannot be written.
    """
    check_writable(folder)
    page = render_claim(summary)
    path = folder / f"{summary['claim']}.html"
    write_text(path.with_suffix(".json"), json.dumps(summary, indent=2, allow_nan=False) + "\n")
    write_text(path, page)
    return path


def save_lab(summaries: Sequence[Summary], folder: Path, *, progress: Progress | None = None) -> Path:
    """Write the pages of claims, and ``index.html`` over all of them.

    Args:
        summaries: Of the claims, in the order of the index.
        folder: Made if need be; files of an earlier report are replaced.
        progress: Told after every claim.

    Returns:
        Path of the index.

    Raises:
        StoreError: If the folder cannot be written.
    """
    links = {}
    for done, summary in enumerate(summaries):
        name = str(summary["claim"])
        if progress is not None:
            progress(f"page of {name}", done, len(summaries))
        links[name] = save_claim(summary, folder).name
    index = folder / "index.html"
    write_text(index, render_lab(summaries, links))
    return index
