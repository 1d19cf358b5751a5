"""The pages of a probe: an index of all fragments, and one for each that was chosen.

The templates escape whatever they are given. Two things enter as they are: the page's own script, which the
content security policy names by its hash, and the fragments as JSON, in an element that is not executed.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import math
import posixpath
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from negspace.report import probe_figures, probe_tokens, probe_views
from negspace.report.environment import relative_link, template
from negspace.report.numbers import NONE, Summary, count, number
from negspace.report.probe_figures import Line
from negspace.report.probe_map import fragment_map
from negspace.report.probe_views import ROLES, Column, measured, one_line
from negspace.report.words import visible

__all__ = ["render_fragment", "render_probe"]

_INDEX = "report.html"
# What could end the element that holds the data, or a line of it in an old script engine.
_ENDING = "<>&\u2028\u2029"
_ON = ("itself", "reference")
_FEWEST = 5  # of fewer values the 5 % and 95 % quantiles are next to the least and the greatest


@dataclass(frozen=True)
class _Script:
    """A page's only script, and its hash as the content security policy names it."""

    source: Markup
    digest: str


@dataclass(frozen=True)
class _Value:
    """One measure of one fragment beside the corpus's, in words.

    Attributes:
        name: Of the measure.
        unit: Of its values.
        here: The fragment's own value.
        n: On how many fragments the measure is defined.
        quantiles: Of these, the 5, 50 and 95 % quantiles; in the place of the median why there are none.
        below: Share of these that are lower; None where they are too few, or there is no value here.
    """

    name: str
    unit: str
    here: str
    n: int
    quantiles: tuple[str, str, str]
    below: float | None


def render_probe(summary: Summary) -> str:
    """Write the index page of a probe.

    Args:
        summary: What ``probe.json`` holds. Nothing else is read.

    Returns:
        A complete HTML document that asks for nothing outside itself. The same summary gives the same bytes.
    """
    pages = {each["row"]: relative_link(each["page"]) for each in summary["chosen"]}
    columns = probe_views.columns_of(summary)
    coverage = summary["coverage"]
    return template("probe.html.j2").render(
        summary=summary,
        script=_script("probe_table.js"),
        title=probe_views.title_of(summary),
        headlines=probe_views.headlines(summary, columns),
        roles=probe_views.roles(summary),
        deciding=probe_views.deciding(summary),
        role_names=_role_names(summary),
        map=fragment_map(summary, columns, "map"),
        columns=list(columns.values()),
        rankings=probe_views.tallest(summary, columns, pages),
        chosen=_chosen(summary),
        panels=_corpus_panels(summary),
        temperature=_temperature(summary["temperature"]),
        retention=None
        if summary["retention"] is None
        else probe_figures.retention_curve(summary["retention"], "retention"),
        noise=_noise(summary),
        volatility_unit=_volatility_unit(summary),
        volatile=_volatile(summary),
        warning=None if coverage is None else coverage["warning"],
        missing=probe_views.missing(summary),
        facts=probe_views.facts(summary),
        measures=summary["measures"],
        data=_data(summary, pages),
        measured=measured,
        fragments_of=probe_views.fragments_of,
        correlation=_correlation,
        ROLES=ROLES,
    )


def render_fragment(summary: Summary, chosen: Summary) -> str:
    """Write the page of one fragment.

    Args:
        summary: What ``probe.json`` holds.
        chosen: One of its ``chosen``; the page belongs where its ``page`` says, relative to the index, which
            is ``report.html``.

    Returns:
        A complete HTML document that asks for nothing outside itself. The same summary gives the same bytes.
    """
    depth = posixpath.normpath(relative_link(chosen["page"])).count("/")
    tokens = probe_tokens.tokens(chosen["tokens"])
    return template("probe_fragment.html.j2").render(
        summary=summary,
        chosen=chosen,
        script=_script("probe_tokens.js"),
        title=probe_views.title_of(summary),
        place=one_line(chosen["place"]),
        back="./" + "../" * depth + _INDEX,
        tokens=tokens,
        scored=sum(token.predicted for token in tokens),
        coloured=any(token.step is not None for token in tokens),
        legend=probe_tokens.legend(),
        values=_values(summary, chosen),
        panels=_fragment_panels(summary, chosen),
        temperature=_temperature(chosen["temperature"]),
    )


def _script(name: str) -> _Script:
    source = template(name).render()
    digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
    return _Script(Markup(source), f"sha256-{digest}")  # noqa: S704  a file of this room, which holds no data


def _data(summary: Summary, pages: dict[int, str]) -> Markup:
    """All fragments as JSON that can stand inside an element: a row each, numbers to five digits."""
    names = _role_names(summary)
    place_of = {role: at for at, role in enumerate(names)}
    said_columns = [visible(name) for name in summary["columns"]]
    rows = [
        [
            each["row"],
            one_line(each["place"]),
            one_line(each["excerpt"]),
            each["tokens"],
            None if each["role"] is None else place_of[each["role"]],
            *_short(each["values"]),
        ]
        for each in summary["fragments"]
    ]
    said_roles = [visible(name) for name in names]
    data = {"columns": said_columns, "roles": said_roles, "pages": pages, "rows": rows}
    said = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for char in _ENDING:
        said = said.replace(char, f"\\u{ord(char):04x}")
    return Markup(said)  # noqa: S704  escaped for the element it stands in


def _short(values: Sequence[float | None]) -> list[float | None]:
    return [None if v is None or not math.isfinite(v) else float(f"{v:.5g}") for v in values]


def _role_names(summary: Summary) -> list[str]:
    found = {each["role"] for each in summary["fragments"]} - {None}
    return [role for role in ROLES if role in found] + sorted(found - set(ROLES))


def _chosen(summary: Summary) -> list[tuple[str, str, str, str | None, str]]:
    """Why each was chosen, its place, excerpt, role and page."""
    excerpts = {each["row"]: each["excerpt"] for each in summary["fragments"]}
    return [
        (
            each["why"],
            one_line(each["place"]),
            one_line(excerpts.get(each["row"], "")),
            each["role"],
            relative_link(each["page"]),
        )
        for each in summary["chosen"]
    ]


def _corpus_panels(summary: Summary) -> list[tuple[str, str, Markup]]:
    """For each measure by layer: its name, unit and n, and the drawing."""
    panels = []
    for place, each in enumerate(summary["layers"]):
        line = Line(tuple(each["median"]), tuple(each["low"]), tuple(each["high"]))
        drawn = probe_figures.layer_panel(each["layers"], [line], f"layers-{place}", "Median")
        if drawn is not None:
            unit = f"{each['unit']}; " if each["unit"] else ""
            panels.append(
                (f"{each['probe']}: {each['measure']}", unit + probe_views.fragments_of(each["n"]), drawn)
            )
    return panels


def _fragment_panels(summary: Summary, chosen: Summary) -> list[tuple[str, str, Markup]]:
    """For each measure by layer of one fragment: its name, its unit, itself and the reference together."""
    units = {f"{each['probe']} {each['measure']}": each["unit"] for each in summary["layers"]}
    units |= {each["measure"]: each["unit"] for each in summary["layers"]}
    panels = []
    names = list(dict.fromkeys(each["measure"] for each in chosen["layers"]))
    for place, name in enumerate(names):
        of = [each for each in chosen["layers"] if each["measure"] == name]
        layers = list(dict.fromkeys(itertools.chain.from_iterable(each["layers"] for each in of)))
        lines = [_on(of, on, layers) for on in _ON]
        drawn = probe_figures.layer_panel(layers, lines, f"layers-{place}", "This fragment")
        if drawn is not None:
            panels.append((name, units.get(name) or units.get(f"{name} on itself") or "", drawn))
    return panels


def _on(rows: Sequence[Summary], on: str, layers: Sequence[str]) -> Line:
    """One measure on the fragment itself or on the reference, in the order of ``layers``."""
    values = {
        layer: value
        for row in rows
        if row["on"] == on
        for layer, value in zip(row["layers"], row["values"], strict=False)
    }
    return Line(tuple(values.get(layer) for layer in layers))


def _temperature(curve: Summary | None) -> Markup | None:
    return None if curve is None else probe_figures.temperature_curve(curve, "temperature")


def _noise(summary: Summary) -> dict[str, Markup | None] | None:
    scale = summary["noise_scale"]
    if scale is None:
        return None
    layers = list(scale["layers"])
    line = Line(tuple(scale["layers"].values()))
    return {"drawn": probe_figures.layer_panel(layers, [line], "noise", "Noise scale") if layers else None}


def _volatility_unit(summary: Summary) -> str:
    unit = summary["units"].get("volatility")
    return f"Unit: {unit}" if unit else ""


def _volatile(summary: Summary) -> list[tuple[str, list[dict[str, str]]]]:
    if summary["volatile"] is None:
        return []
    return [
        (
            name,
            [
                {
                    "token": probe_tokens.named(row["token"]),
                    "count": count(row["count"]),
                    "value": measured(row["value"]),
                }
                for row in summary["volatile"][key]
            ],
        )
        for name, key in (("Most volatile", "most"), ("Least volatile", "least"))
    ]


def _correlation(value: float | None) -> str:
    value = number(value)
    return NONE if value is None else f"{value:.2f}".replace("-", "−")


def _values(summary: Summary, chosen: Summary) -> list[_Value]:
    values = []
    for of, value in zip(probe_views.columns_of(summary).values(), chosen["values"], strict=True):
        enough = of.n >= _FEWEST
        below = of.below(value) if enough else None
        values.append(_Value(of.name, of.unit, measured(value), of.n, _quantiles(of, enough=enough), below))
    return values


def _quantiles(of: Column, *, enough: bool) -> tuple[str, str, str]:
    if not enough:
        return NONE, "too few" if of.n else NONE, NONE
    low, middle, high = map(measured, of.quantiles)
    return low, middle, high
