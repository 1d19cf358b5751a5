"""The sections of a probe's index page, each from the findings to blocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np

from negspace.probing.findings import ProbeFindings
from negspace.probing.fragment_map import ROLES, ColumnValues, FragmentMap, in_order, role_mark
from negspace.probing.fragment_report import layer_chart, role_of
from negspace.reports import blocks as b
from negspace.reports.charts import draw_with
from negspace.reports.numbers import NONE, count, measured, number, percent, plural, sentence

_DECIDING: Mapping[str, str] = {
    "surprise": "how far the loss of networks that never saw it lies above what they expect",
    "explained": "what reading the context gains over word frequencies",
    "memorised": "the share of the loss that seeing it gains",
    "confirmed": "how much of that gain lies at words that a fragment stating the same has too",
    "ordered": "where the networks overfit the corpus, what its words gain by the order they have",
}
_KEPT_BESIDE = {"clean", "seen", "told", "sharp_surprise", "retold"}  # they decide nothing
_ROLE_COLOURS = {"structure": "accent", "fact": "series-2", "noise": "warn"}
_TOP = 20
HALF_GONE = " is gone after {} steps on others, at the median."
_CHARTS = "negspace.probing.charts"


def role_shares(findings: ProbeFindings) -> Iterator[b.Block]:
    """Each role and how many fragments have it; then what decided."""
    assert findings.roles is not None
    counts, total = findings.roles.counts, sum(findings.roles.counts.values())
    parts = []
    for role in in_order(counts):
        share, colour = counts[role] / (total or 1), _ROLE_COLOURS.get(role, "line")
        said = percent(counts[role] / total if total else None)
        meaning = ROLES.get(role, "")
        parts.append(b.Share(role, count(counts[role]), share, said, colour, meaning, role_mark(role)))
    yield b.Shares(tuple(parts), ("role", "fragments", "share"), "Roles of the fragments")
    deciding = [name for name in findings.roles.quantities if name not in _KEPT_BESIDE]
    if deciding:
        said = "; ".join(_DECIDING.get(name, name) for name in deciding)
        yield b.Paragraph(("Decided by: ", said, "."), style="small")


def map_chart(findings: ProbeFindings, placed: FragmentMap) -> b.Chart:
    """The map with how to read it."""
    across, up, total = placed.across.column, placed.up.column, findings.corpus.fragments
    reading = (
        "What one step on a fragment does for other text, and how much of its own gain lasts. To the right, "
        "the step lowers the reference's loss; further up, the gain outlives more of what comes after."
        if placed.wanted
        else "Transfer against retention could not be drawn: no fragment has both. These two metrics stand "
        "in for them."
    )
    some = f"All {count(placed.n)}" if placed.n == total else f"{count(placed.n)} of {count(total)}"
    drawn = [f"{some} fragments have both metrics."]
    if placed.dots < placed.n:
        drawn.append(f"{count(placed.dots)} of them, evenly over the corpus, are drawn.")
    if placed.beyond:
        lie, are = ("lies", "is") if placed.beyond == 1 else ("lie", "are")
        drawn.append(f"{count(placed.beyond)} {lie} beyond an edge and {are} drawn on it.")
    drawn.append("Rest the pointer on a dot to read its numbers.")
    notes: list[b.Block] = [
        b.Paragraph(reading, style="reading"),
        b.Paragraph(("Across: ", *_unit(across), ". Up: ", *_unit(up), ".")),
        b.Paragraph(" ".join(drawn)),
    ]
    roles = [(role, rows) for role, rows in placed.rows.items() if role is not None]
    if roles:
        signs = ((role_mark(role), (b.given(role), f", {count(len(of))}")) for role, of in roles)
        notes.append(b.Key(tuple(signs)))
    said = "A fragment's place on this map is no part of the rule that gave it its role."
    notes.append(b.Paragraph(said if roles else "The fragments have no roles."))
    alt = f"{across.name} against {up.name}, {count(placed.dots)} fragments."
    return b.Chart(alt, draw_with(_CHARTS, "draw_map", placed), notes=tuple(notes))


def _unit(column: ColumnValues) -> tuple[str | b.Span, ...]:
    return (b.given(column.name), ", ", b.given(column.unit)) if column.unit else (b.given(column.name),)


def fragments_section(findings: ProbeFindings, columns: Mapping[str, ColumnValues]) -> b.Section:
    """All fragments, ranked by any number; what each number is; those with pages."""
    pages = {each.row: each.page for each in findings.chosen}
    found = sorted(each.role for each in findings.fragments if each.role is not None)
    rows = tuple(
        b.ExplorerRow(f.row, f.place, f.excerpt, f.tokens, f.role, f.values, pages.get(f.row, ""))
        for f in findings.fragments
    )
    plain = tuple(
        b.Details(("Highest by ", b.given(column.name)), (_highest(findings, column, pages),), open=not at)
        for at, column in enumerate(columns.values())
    )
    shown = tuple((column.name, column.unit) for column in columns.values())
    signs = tuple((role, role_mark(role)) for role in in_order(found))
    blocks: list[b.Block] = [b.Explorer(shown, rows, signs, plain=plain)]
    if columns:
        each_metric = (columns_table(columns, brief=False),)
        blocks.append(b.Details("What each metric is, and where the corpus lies", each_metric))
    if findings.chosen:
        excerpts = {each.row: each.excerpt for each in findings.fragments}
        closely = []
        for each in findings.chosen:
            under = (b.given(excerpts.get(each.row, "")),)
            place = b.Cell(b.link(each.place, each.page), under=under)
            closely.append((sentence(each.why), place, role_of(each.role)))
        table = b.Table(("why", "fragment", "role"), tuple(closely), label="Read closely", head=1)
        intro = "Fragments with a page of their own: every token coloured by pressure, every layer."
        blocks.append(b.Section("Read closely", (table,), intro=intro))
    n = len(findings.fragments)
    many = f"All {count(n)}, ranked by any metric." if n > 1 else "There is one."
    many += " What each metric is stands below the table."
    return b.Section(
        "Fragments", tuple(blocks), many if columns else "Nothing was measured of the fragments."
    )


def _highest(findings: ProbeFindings, column: ColumnValues, pages: Mapping[int, str]) -> b.Table:
    rows = []
    for at in np.argsort(-column.values, kind="stable")[: min(_TOP, column.n)].tolist():
        each = findings.fragments[at]
        place = b.link(each.place, pages[each.row]) if each.row in pages else b.given(each.place)
        shown = b.Cell(place, under=(b.given(each.excerpt),))
        rows.append((measured(float(column.values[at])), role_of(each.role), shown))
    caption = (*_unit(column), f"; the {len(rows)} highest of {count(column.n)}")
    return b.Table((*b.numeric("value"), "role", "fragment"), tuple(rows), caption, style="dense", head=2)


def columns_table(columns: Mapping[str, ColumnValues], *, brief: bool) -> b.Table:
    """Where the corpus lies on each number; in brief, without units and meanings."""
    rows: list[tuple[b.Text | b.Cell, ...]] = []
    for column in columns.values():
        quantiles = [measured(value) for value in column.quantiles] or [NONE] * 3
        under: tuple[b.Text, ...] = () if brief else tuple(x for x in (column.unit, column.meaning) if x)
        rows.append((b.Cell(b.given(column.name), under=under), *quantiles, count(column.n)))
    caption = "" if brief else "Over fragments: the quantiles of each metric, and how many have it"
    heads = b.numeric("5\u00a0%", "median", "95\u00a0%", "fragments")
    return b.Table(("metric", *heads), tuple(rows), caption, label="Metrics", style="compact")


def retention_chart(findings: ProbeFindings) -> b.Chart | None:
    """What is left of the own gain; None where nothing is known."""
    curve = findings.retention
    if curve is None:
        return None
    known = [(lag, v) for lag, v in zip(curve.lags, curve.median, strict=False) if number(v) is not None]
    if not known:
        return None
    half = number(curve.half_life)
    said = "; ".join(f"{percent(value)} after {count(lag)}" for lag, value in known)
    reading = f"Half of a fragment's own gain{HALF_GONE.format(measured(half))}"
    if half is None:
        reading = "No half-life: most fragments lose too little, or too few were measured."
    note = (
        "Share of its own gain that is left, estimated at the stepped model from one gradient of other "
        f"fragments. Line: median of {count(curve.n)} sampled fragments. Band: the middle half of them. "
        f"Dotted: a half{'' if half is None else '; dashed: the half-life'}."
    )
    alt, drawn = f"Median share of the own gain left: {said}.", draw_with(_CHARTS, "draw_retention", curve)
    return b.Chart(alt, drawn, notes=(b.Paragraph(reading, style="reading"), b.Paragraph(note)))


def noise_sections(findings: ProbeFindings) -> Iterator[b.Section]:
    """The gradient noise scale, if it was measured."""
    scale = findings.noise_scale
    if scale is None:
        return
    lines = ((tuple(scale.layers.values()), (), ()),)
    panel = layer_chart(tuple(scale.layers), lines, "Noise scale", "Noise scale by layer", scale.unit)
    said = f" {scale.unit}, over all layers and {plural(findings.corpus.fragments, 'fragment')}."
    total = b.Paragraph((b.strong(measured(scale.total)), said))
    intro = "How many fragments a batch needs before their gradients agree more than they differ."
    yield b.Section("Gradient noise scale", (total, *((b.Panels((panel,)),) if panel else ())), intro=intro)


def volatile_sections(findings: ProbeFindings) -> Iterator[b.Section]:
    """The token types that move most and least, if they were looked at."""
    if findings.volatile is None:
        return
    from negspace.reports.html import token_name

    tables = []
    for which in ("most", "least"):
        some, name = getattr(findings.volatile, which), f"{which.capitalize()} volatile"
        rows = tuple((b.code(token_name(t.token)), count(t.count), measured(t.value)) for t in some)
        heads: tuple[b.Column | b.Text, ...] = ("token", *b.numeric("seen", "volatility"))
        tables.append(b.Table(heads, rows or (("none", "", ""),), name, style="dense"))
    unit = findings.units.get("volatility")
    intro = "How much a token's representation moves from one context to another."
    intro += f" {sentence(f'Unit: {unit}')}" if unit else ""
    shown = b.Panels(tuple(tables), align="start")
    yield b.Section("Tokens that move, tokens that stay", (shown,), intro=intro)


def correlation(value: float | None, minus: str = "−") -> str:
    """A correlation to two digits."""
    value = number(value)
    return NONE if value is None else f"{value:.2f}".replace("-", minus)


def agreement_table(findings: ProbeFindings) -> b.Table:
    """First-order numbers beside exact ones."""
    rows = tuple(
        (
            b.given(a.first_order),
            b.given(a.exact),
            correlation(a.spearman),
            correlation(a.pearson),
            count(a.n),
        )
        for a in findings.agreement
    )
    numbers = b.numeric("Spearman", "Pearson", "fragments")
    return b.Table(
        ("first order", "exact", *numbers), rows, label="First order against exact", style="compact"
    )


def check_sections(findings: ProbeFindings) -> Iterator[b.Section]:
    """What gradients cover, and how right they are, as far as that was measured."""
    coverage, check = findings.coverage, findings.check
    if coverage is not None:
        rows = []
        for each in coverage.rows:
            why = (sentence(each.reason),) if each.reason else ()
            tone: Literal["", "warn"] = "" if each.status == "measured" else "warn"
            status = b.Cell(b.given(each.status), under=why, tone=tone)
            rows.append((b.given(each.kind), status, count(each.parameters), count(each.tensors)))
        heads: tuple[b.Column | b.Text, ...] = ("kind", "status", *b.numeric("parameters", "tensors"))
        table = b.Table(heads, tuple(rows), label="Coverage ledger", style="compact")
        intro = f"{percent(coverage.share)} of the parameters are in the gradients measured."
        yield b.Section("Coverage", (table,), intro=intro, id="coverage")
    if check is not None:
        facts = (
            ("Largest error of a norm", f"{measured(check.largest_norm_error)}, relative"),
            ("Largest error of a dot product", f"{measured(check.largest_dot_error)}, relative"),
            ("Time", f"{measured(check.overhead)} times a plain forward and backward pass"),
        )
        some = plural(check.fragments, "fragment")
        intro = f"Against one backward pass a fragment, on {some} of this corpus and this model."
        yield b.Section("Check", (b.Facts(facts),), intro=intro)
