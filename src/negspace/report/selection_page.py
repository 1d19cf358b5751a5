"""A curation as a page."""

from __future__ import annotations

from negspace.report.numbers import Summary

__all__ = ["render_selection"]


def render_selection(summary: Summary) -> str:
    """Write the page of one curation.

    Args:
        summary: What ``curation.json`` holds. Nothing else is read.
    """
    return str(summary)
