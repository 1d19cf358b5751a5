"""The page of a curation. The template escapes whatever it is given."""

from __future__ import annotations

from negspace.report import selection_figures, selection_views
from negspace.report.effect_strip import effect_strip
from negspace.report.environment import template
from negspace.report.numbers import Summary, bounds

__all__ = ["render_selection"]


def render_selection(summary: Summary) -> str:
    """Write the page of one curation.

    Args:
        summary: What ``curation.json`` holds. Nothing else is read.

    Returns:
        A complete HTML document that asks for nothing outside itself. The same summary gives the same bytes.
    """
    trial = summary["trial"]
    return template("selection.html.j2").render(
        summary=summary,
        trial=trial,
        title=selection_views.title_of(summary),
        headline=selection_views.headline(summary),
        tests={} if trial is None else selection_views.tests_of(trial),
        strips=[] if trial is None else selection_figures.trial_strips(trial),
        results=[] if trial is None else selection_views.results(trial),
        cards=[] if trial is None else _cards(trial),
        asked=selection_views.asked,
        reason=selection_views.reason,
        composition=selection_views.composition(summary),
        chosen=selection_views.chosen(summary),
        rejected=selection_views.rejected(summary),
        worklist=selection_views.worklist(summary),
        method=selection_views.method(summary),
        facts=selection_views.facts(summary),
    )


def _cards(trial: Summary) -> list[tuple[Summary, object]]:
    """The verdicts that decided, each with its drawing."""
    winner = {"name": trial["winner"]}
    return [
        (
            {
                **verdict,
                "question": f"“{trial['winner']}”: {selection_views.asked(verdict['question'])}",
                "reason": selection_views.reason(winner, verdict),
            },
            effect_strip(
                verdict["effect"],
                bounds(verdict["ci"]),
                verdict["margin"],
                f"verdict-{place}",
                no_less=verdict["margin"] > 0,
            ),
        )
        for place, verdict in enumerate(selection_views.decisive(trial))
    ]
