"""Minimal pairs in the terminal: the paradigms of an audit, the least accurate first."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from negspace.report import pairs_views
from negspace.report.numbers import Summary
from negspace.report.terminal_parts import flat, plain_table
from negspace.report.words import visible

__all__ = ["paradigm_lines"]

_SHOWN = 20


def paradigm_lines(summary: Summary) -> Iterator[RenderableType]:
    """The table of paradigms; of many, those that are most wrong."""
    found = pairs_views.paradigms(summary)
    table = plain_table()
    table.add_column("Paradigm", no_wrap=True, overflow="ellipsis")
    for name in ("near miss", "per token", "easy", "margin"):
        table.add_column(name, justify="right", no_wrap=True)
    for each in found[:_SHOWN]:
        values = (each.near, each.per_token, each.easy, each.margin)
        table.add_row(Text(visible(each.name)), *(flat(value) for value, _ in values))
    yield table
    if len(found) > _SHOWN:
        yield Text(f"and {len(found) - _SHOWN} more, which are in the report", style="dim")
