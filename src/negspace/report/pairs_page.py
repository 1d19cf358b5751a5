"""The page of an audit of minimal pairs."""

from __future__ import annotations

from negspace.report import figures, pairs_views, views
from negspace.report.environment import template
from negspace.report.numbers import Summary

__all__ = ["render_pairs"]


def render_pairs(summary: Summary) -> str:
    """Write the page of one audit of minimal pairs.

    Args:
        summary: What ``audit.json`` holds. Nothing else is read.

    Returns:
        A complete HTML document that asks for nothing outside itself. The same summary gives the same bytes.
    """
    columns, seed_rows = pairs_views.seed_table(summary)
    return template("minimal_pairs.html.j2").render(
        summary=summary,
        title=views.title_of(summary),
        headlines=pairs_views.headlines(summary),
        scatter=figures.easy_against_near([summary], "scatter"),
        decided=figures.verdict_strip(summary, "verdict"),
        paradigms=pairs_views.paradigms(summary),
        pairs=pairs_views.pairs(summary),
        facts=pairs_views.facts(summary),
        seed_columns=columns,
        seed_rows=seed_rows,
    )
