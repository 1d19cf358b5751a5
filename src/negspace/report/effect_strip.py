"""Moved to :mod:`negspace.reports.charts`."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from negspace.reports.charts import effect_chart

__all__ = ["effect_strip"]


def effect_strip(
    effect: float | None,
    ci: tuple[float, float] | None,
    margin: float | None,
    name: str,
    *,
    level: float = 0.95,
    no_less: bool = False,
    per_seed: Sequence[float | None] = (),
    published: float | None = None,
) -> Markup | None:
    """Draw what a verdict was decided on."""
    chart = effect_chart(
        effect, ci, margin, level=level, no_less=no_less, per_seed=per_seed, published=published
    )
    return None if chart is None else chart.draw(name, chart.alt)
