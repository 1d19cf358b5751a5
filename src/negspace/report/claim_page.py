"""The lab's pages: one claim with its evidence, and the list of all claims."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from negspace.report import claim_figures, claim_views
from negspace.report.effect_strip import effect_strip
from negspace.report.environment import relative_link, template
from negspace.report.numbers import Summary, bounds, percent

__all__ = ["render_claim", "render_lab"]


def render_claim(summary: Summary) -> str:
    """Write the page of one claim.

    Args:
        summary: What ``negspace lab run --json`` prints. Means, effects, margins and the heights of curves
            are shares, and are shown in per cent and points. Nothing else is read.

    Returns:
        A complete HTML document that asks for nothing outside itself. The same summary gives the same
        bytes.
    """
    parts = [(part, _part(part, index)) for index, part in enumerate(summary["parts"])]
    return template("claim.html.j2").render(
        summary=summary,
        published=[shown for part, shown in parts if not part["control"]],
        controls=[shown for part, shown in parts if part["control"]],
        axis=(claim_figures.AXIS_LEFT, claim_figures.AXIS_RIGHT),
    )


def render_lab(summaries: Sequence[Summary], links: Mapping[str, str] | None = None) -> str:
    """Write the index page: one row a claim.

    Args:
        summaries: Of all claims, each as for :func:`render_claim`.
        links: For a claim's name, where its page lies, relative to this one.

    Returns:
        A complete HTML document that asks for nothing outside itself.
    """
    relative = {name: relative_link(path) for name, path in (links or {}).items()}
    rows = []
    for summary in summaries:
        published = claim_views.parts_of(summary, control=False)
        controls = claim_views.parts_of(summary, control=True)
        rows.append(
            {
                "summary": summary,
                "link": relative.get(summary["claim"]),
                "published": claim_views.outcomes(published),
                "controls": claim_views.outcomes(controls),
                "headline": claim_views.headline(summary),
                "agreement": claim_views.agreement(published),
            }
        )
    return template("lab.html.j2").render(rows=rows)


@dataclass(frozen=True)
class _Card:
    """A hypothesis as the template's verdict card takes it."""

    verdict: Mapping[str, Any]
    hypothesis: Summary
    compared: str
    published: float | None
    drawing: Markup | None


@dataclass(frozen=True)
class _Strips:
    """A group of figures with the drawing of each, and the axis below them."""

    group: claim_views.Group
    drawings: tuple[Markup | None, ...]
    axis: Markup | None
    has_published: bool


def _part(part: Summary, index: int) -> dict[str, Any]:
    """One part of a claim, ready for its template; ``index`` starts the names of its drawings."""
    groups = claim_views.groups(part)
    return {
        "part": part,
        "cards": [_card(h, f"p{index}-h{place}") for place, h in enumerate(part["hypotheses"])],
        "outcomes": claim_views.outcomes([part]),
        "agreement": claim_views.agreement([part]),
        "groups": groups,
        "has_published": any(figure["published"] is not None for figure in part["figures"]),
        "strips": _strips(part, groups, f"p{index}-s"),
        "seed_tables": [_seed_table(part, group) for group in groups],
        "curves": [_curve(curve, f"p{index}-c{place}") for place, curve in enumerate(part["curves"])],
        "diverged": claim_views.diverged(part),
        "facts": claim_views.plan_facts(part),
        "tables": claim_views.plan_tables(part),
        "plan": json.dumps(part["plan"], indent=1, ensure_ascii=False),
    }


def _card(hypothesis: Summary, name: str) -> _Card:
    published = claim_views.published_effect(hypothesis)
    return _Card(
        verdict={
            "outcome": hypothesis["verdict"],
            "question": hypothesis["says"],
            **{key: hypothesis[key] for key in ("reason", "margin", "mde", "p_value", "seeds_needed")},
        },
        hypothesis=hypothesis,
        compared=claim_views.compared(hypothesis),
        published=published,
        drawing=effect_strip(
            hypothesis["delta"],
            bounds(hypothesis["ci"]),
            hypothesis["margin"],
            name,
            level=hypothesis["level"],
            no_less=hypothesis["claim"] == "no less",
            per_seed=claim_views.differences(hypothesis),
            published=published,
        ),
    )


def _strips(part: Summary, groups: Sequence[claim_views.Group], name: str) -> list[_Strips]:
    """Every seed of every arm, one drawing an arm; all of a part share their limits."""
    limits = claim_figures.limits_of(part["figures"])
    if limits is None:
        return []
    drawn = []
    for number, group in enumerate(groups):
        has_published = any(figure["published"] is not None for figure in group.figures)
        drawings = tuple(
            claim_figures.seed_row(
                figure, part["seeds"], limits, f"{name}{number}-{row}", lanes=3 if has_published else 2
            )
            for row, figure in enumerate(group.figures)
        )
        axis = claim_figures.axis_of(limits, f"{name}{number}-axis")
        drawn.append(_Strips(group, drawings, axis, has_published))
    return drawn


def _seed_table(part: Summary, group: claim_views.Group) -> list[tuple[int, list[str]]]:
    """Each seed with its value for every arm of the group, in words."""
    columns = [figure["per_seed"] for figure in group.figures]
    return [
        (seed, [percent(column[place]) if place < len(column) else percent(None) for column in columns])
        for place, seed in enumerate(part["seeds"])
    ]


def _curve(curve: Summary, name: str) -> dict[str, Any]:
    columns, rows = claim_views.curve_table(curve)
    places = claim_views.x_values(curve)
    return {
        "curve": curve,
        "panels": claim_figures.curve_panels(curve, name),
        "rungs": None if claim_views.is_numeric(curve, places) else [claim_views.quantity(x) for x in places],
        "logarithmic": claim_figures.is_logarithmic(curve),
        "has_published": bool(curve["published"]),
        "columns": columns,
        "rows": rows,
    }
