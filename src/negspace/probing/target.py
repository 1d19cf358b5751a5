"""The folder of a result: what is ours in it, and what must not be in its way."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from negspace.errors import StoreError

__all__ = ["PAGES", "SUMMARY", "WORK", "move_into", "refuse_strangers"]

SUMMARY = "probe.json"
PAGES = "fragments"
"""Folder of the pages of single fragments."""
WORK = ".unfinished"
"""Folder of what is not finished."""

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


def move_into(folder: Path, staged: Path) -> None:
    """Put a finished result in the place of an earlier one, the summary last.

    Raises:
        StoreError: If a file cannot be moved.
    """
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
        raise StoreError(
            f"{folder}: cannot be written", got=error.strerror or str(error), hint="choose another --out"
        ) from error


def _pages(folder: Path) -> Iterable[Path]:
    """Pages of single fragments, which are named by a number; others are the user's."""
    return [page for page in folder.glob("*.html") if page.stem.isdecimal()]


def _is_ours(summary: Path) -> bool:
    try:
        return bool(json.loads(summary.read_text(encoding="utf-8"))["kind"] == "probe")
    except (OSError, ValueError, LookupError, TypeError):
        return False
