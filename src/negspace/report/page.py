"""Summaries as HTML: one audit, several side by side, and the short block for notebooks.

The templates escape whatever they are given, and every string passes :func:`visible` on its way.
Only drawings made by this room, which are serialised and hold numbers alone, enter as markup.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

from negspace.report import figures, numbers, pairs_views, views
from negspace.report.environment import relative_link, template
from negspace.report.numbers import Summary
from negspace.report.pairs_page import render_pairs

__all__ = ["fragment", "render", "render_comparison"]

_HEADLINES = ("easy", "near_miss", "gap", "pair_consistency")


def render(summary: Summary) -> str:
    """Write the page of one audit, of labelled texts or of minimal pairs.

    Args:
        summary: What ``audit.json`` holds. Nothing else is read.

    Returns:
        A complete HTML document that asks for nothing outside itself. The same summary gives the
        same bytes.
    """
    if pairs_views.is_of_pairs(summary):
        return render_pairs(summary)
    columns, seed_rows = views.seed_table(summary)
    return template("audit.html.j2").render(
        summary=summary,
        title=views.title_of(summary),
        headlines=views.headlines(summary),
        scatter=figures.easy_against_near([summary], "scatter"),
        strip=figures.seed_strip(summary, "strip"),
        curve=figures.boundary_curve([summary], "curve"),
        decided=figures.verdict_strip(summary, "verdict"),
        chance=figures.chance(summary),
        pairs=views.pairs(summary),
        roles=views.role_rows(summary),
        measures=views.measures(summary),
        facts=views.facts(summary),
        seed_columns=columns,
        seed_rows=seed_rows,
        source=_source(summary),
    )


def render_comparison(
    title: str,
    intro: str,
    audits: Sequence[tuple[str, Summary]],
    links: Mapping[str, str] | None = None,
) -> str:
    """Write a page with several audits side by side.

    Args:
        title: Title of the page.
        intro: What is compared and why, in a sentence or two.
        audits: A name and a summary of each; differences are taken from the first.
        links: For a name, where its full report lies, relative to this page.

    Returns:
        A complete HTML document that asks for nothing outside itself.
    """
    summaries = [summary for _, summary in audits]
    relative = {name: relative_link(path) for name, path in (links or {}).items()}
    return template("comparison.html.j2").render(
        title=title,
        intro=intro,
        audits=[
            {
                "name": name,
                "summary": summary,
                "link": relative.get(name),
                "decided": figures.verdict_strip(summary, f"verdict-{index}"),
            }
            for index, (name, summary) in enumerate(audits)
        ],
        table=_side_by_side(summaries),
        scatter=figures.easy_against_near(summaries, "scatter"),
        curve=figures.boundary_curve(summaries, "curve"),
    )


def fragment(summary: Summary) -> str:
    """Write the short block that a notebook shows: verdict, headline figures, the plot of the seeds.

    Styles are inline and colours follow the notebook's own, so nothing leaks in or out.
    """
    digest = hashlib.sha256(json.dumps(summary, sort_keys=True, default=str).encode()).hexdigest()
    name = f"negspace-{digest[:12]}"
    return template("fragment.html.j2").render(
        summary=summary,
        title=views.title_of(summary),
        headlines=(pairs_views if pairs_views.is_of_pairs(summary) else views).headlines(summary),
        scatter=figures.easy_against_near([summary], name) or figures.seed_strip(summary, name),
    )


def _source(summary: Summary) -> str:
    near = summary["near_miss"]
    return "" if near is None else views.SOURCES.get(near["source"], near["source"])


def _side_by_side(summaries: Sequence[Summary]) -> list[dict[str, object]]:
    """A row for each headline figure: each audit's figure, and the differences from the first."""
    shown = [views.headlines(summary) for summary in summaries]
    rows: list[dict[str, object]] = []
    for place, key in enumerate(_HEADLINES):
        means = [None if s[key] is None else numbers.number(s[key]["mean"]) for s in summaries]
        differences = [
            None if mean is None or means[0] is None else numbers.points(mean - means[0], signed=True)
            for mean in means[1:]
        ]
        figures_of = [headline[place] for headline in shown]
        rows.append({"name": figures_of[0].name, "figures": figures_of, "differences": differences})
    return rows
