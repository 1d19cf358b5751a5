"""The page of a mining run. The template escapes whatever it is given."""

from __future__ import annotations

from negspace.report import mining_figures, mining_views
from negspace.report.environment import template
from negspace.report.numbers import Summary

__all__ = ["render_mining"]


def render_mining(summary: Summary) -> str:
    """Write the page of a mining run.

    Args:
        summary: What ``mined.json`` holds. Nothing else is read.

    Returns:
        A complete HTML document that asks for nothing outside itself. The same summary gives the same bytes.
    """
    scores = {source["source"]: source["score"] for source in summary["sources"]}
    return template("mining.html.j2").render(
        summary=summary,
        title=mining_views.title_of(summary),
        headlines=mining_views.headlines(summary),
        rules=mining_views.rule_rows(summary),
        same_class=mining_views.same_class_rows(summary),
        examples=mining_views.examples(summary),
        facts=mining_views.facts(summary),
        histograms=[
            (name, scores[name], of_source, mining_figures.score_histogram(of_source, f"scores-{index}"))
            for index, (name, of_source) in enumerate(summary["scores"].items())
        ],
    )
