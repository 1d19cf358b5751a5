"""The page of one fragment: its tokens, its numbers beside the corpus's, its layers."""

from __future__ import annotations

import bisect
import itertools
import posixpath
from collections.abc import Iterator, Mapping, Sequence

from negspace.probing.findings import Highlight, ProbeFindings, TemperatureCurve, TokenFacts
from negspace.probing.fragment_map import ColumnValues, role_mark
from negspace.reports import blocks as b
from negspace.reports.charts import draw_with
from negspace.reports.numbers import NONE, count, file_name, measured, number, percent, sentence

# Of a weak model nearly all pressures lie near 1, of a strong one near 0: equal steps would be one colour.
STEPS = (0.1, 0.5, 0.8, 0.95, 0.99)
"""Where one colour of pressure ends and the next begins; the same on every page."""

_FEWEST = 5  # of fewer values the 5 % and 95 % quantiles are next to the least and the greatest
_ON = ("itself", "reference")
_UNMEASURED = "Not measured on this fragment."
_CHARTS = "negspace.probing.charts"
_Values = Sequence[float | None]


def fragment_report(
    findings: ProbeFindings, chosen: Highlight, columns: Mapping[str, ColumnValues]
) -> b.Report:
    """Show one fragment; its page belongs where its ``page`` says, relative to the index."""
    title = file_name(findings.corpus.source)
    back = "../" * posixpath.normpath(chosen.page).count("/") + "report.html"
    role: b.Text = () if chosen.role is None else (" Role: ", *b.pieces(role_of(chosen.role)), ".")
    charts = tuple(_panels(findings, chosen))
    on = ((b.Mark.of_series(place), f"on {'the ' * place}{what}") for place, what in enumerate(_ON))
    signs, step = b.Key(tuple(on), across=True), "What one step on this fragment does inside the model."
    unmeasured = b.Section("Layer by layer", intro=_UNMEASURED)
    beside = (_values(chosen, columns),) if columns else ()
    quantiles = "Quantiles over the n fragments that have the metric."
    return b.Report(
        kind=f"fragment {chosen.row}",
        title=chosen.place,
        subtitle=(sentence(chosen.why), *b.pieces(role)),
        intro=() if chosen.reason is None else (b.Paragraph(sentence(chosen.reason)),),
        sections=(
            _tokens(chosen),
            b.Section(
                "Beside the corpus", beside, quantiles if columns else "Nothing was measured.", "values"
            ),
            b.Section("Layer by layer", (signs, b.Panels(charts)), step) if charts else unmeasured,
            _temperature(chosen),
        ),
        warnings=None,
        footer=(
            b.link(f"All fragments of {title}", back),
            f" · negspace {findings.version} · everything here comes from ",
            b.code("probe.json"),
        ),
        back=b.link(title, back),
    )


def role_of(role: str | None) -> b.Text:
    """A role with its sign, which differs in shape as well as in colour."""
    return b.soft(NONE) if role is None else (b.mark(role_mark(role)), " ", b.given(role))


def temperature_chart(curve: TemperatureCurve, reading: str, note: str) -> b.Chart | None:
    """Where the probability goes as the temperature rises; None where no number is known."""
    said = []
    for part in ("truth", "near", "rest"):
        known = [value for value in getattr(curve, part) if number(value) is not None]
        if known:
            said.append(f"{part} from {percent(known[0])} to {percent(known[-1])}")
    if not said:
        return None
    names = ("the true token", "near competitors: its neighbours in embedding space", "all the rest")
    key = b.Key(tuple((b.Mark.of_series(place), name) for place, name in enumerate(names)))
    alt = f"Share of the probability over {len(curve.temperatures)} temperatures: {'; '.join(said)}."
    notes = (b.Paragraph(reading, style="reading"), b.Paragraph(note), key)
    return b.Chart(alt, draw_with(_CHARTS, "draw_temperature", curve), notes=notes)


def layer_chart(
    layers: Sequence[str], lines: Sequence[tuple[_Values, _Values, _Values]], what: str, title: str, note: str
) -> b.Chart | None:
    """A metric over the layers; None where no line has a value."""
    if not any(number(value) is not None for values, _, _ in lines for value in values):
        return None
    first = [v for v in map(number, lines[0][0]) if v is not None]
    first = first or [v for line in lines for part in line for v in map(number, part) if v is not None]
    alt = f"{what} over {len(layers)} layers, from {measured(min(first))} to {measured(max(first))}."
    drawn = draw_with(_CHARTS, "draw_layers", tuple(layers), tuple(lines))
    return b.Chart(alt, drawn, title=b.given(title), subtitle=b.given(note) if note else "", x_name="layer")


def _tokens(chosen: Highlight) -> b.Section:
    coloured = any(number(token.pressure) is not None for token in chosen.tokens)
    if not chosen.tokens:
        return b.Section("Tokens", intro="No tokens were kept.")
    ends = [f"{end:g}" for end in STEPS]
    between = [f"{low} to {high}" for low, high in itertools.pairwise(ends)]
    how = "How hard the softmax pushes down what is not the next token."
    how = how if coloured else "Pressure was not measured."
    shown = b.TokenMap(
        tuple(_token(token) for token in chosen.tokens),
        legend=(f"below {ends[0]}", *between, f"{ends[-1]} and above") if coloured else (),
        without="read, not predicted",
        label="Colours of pressure",
        rivals="pushes down",
    )
    how += (
        " Point at a token, or reach it with the keyboard and go on with the arrow keys, to read its loss, "
        "its pressure and what it pushes down. A break that belongs to a token is marked ↵."
    )
    return b.Section("Tokens by pressure" if coloured else "Tokens", (shown,), intro=how)


def _token(token: TokenFacts) -> b.Token:
    from negspace.reports.html import token_name

    pressure, loss = number(token.pressure), number(token.loss)
    if pressure is None and loss is None:
        return b.Token(token.text, None, "read, not predicted")
    step = 0 if pressure is None else bisect.bisect_right(STEPS, pressure)
    rivals = tuple((token_name(text), percent(share)) for text, share in token.competitors)
    said = f"loss {measured(loss)} nats · pressure {measured(pressure)}"
    return b.Token(token.text, step, said, rivals)


def _values(chosen: Highlight, columns: Mapping[str, ColumnValues]) -> b.Table:
    rows = []
    for column, value in zip(columns.values(), chosen.values, strict=True):
        enough = column.n >= _FEWEST
        low, middle, high = NONE, "too few" if column.n else NONE, NONE
        if enough:
            low, middle, high = map(measured, column.quantiles)
        below = column.below(value) if enough else None
        name = b.Cell(b.given(column.name), under=(column.unit,) if column.unit else ())
        soft = (b.Cell(said, tone="soft") for said in (count(column.n), low, middle, high))
        rank = b.Cell(NONE, tone="soft") if below is None else b.Cell(percent(below, 0), rank=below)
        rows.append((name, b.Cell(measured(value), strong=True), *soft, rank))
    low_end, high_end = (b.Column(f"{share}\u00a0%", "right", spare=True) for share in (5, 95))
    heads: tuple[b.Column | b.Text, ...]
    heads = ("metric", *b.numeric("here", "n"), low_end, *b.numeric("median"), high_end, "higher than")
    return b.Table(heads, tuple(rows), label="Its values beside the corpus's", style="compact")


def _panels(findings: ProbeFindings, chosen: Highlight) -> Iterator[b.Chart]:
    """For each metric by layer, the fragment itself and the reference together."""
    units = {f"{each.probe} {each.measure}": each.unit for each in findings.layers}
    units |= {each.measure: each.unit for each in findings.layers}
    for name in dict.fromkeys(each.measure for each in chosen.layers):
        those = [each for each in chosen.layers if each.measure == name]
        layers = list(dict.fromkeys(itertools.chain.from_iterable(each.layers for each in those)))
        lines = []
        for on in _ON:
            mine = [zip(each.layers, each.values, strict=False) for each in those if each.on == on]
            values = dict(itertools.chain.from_iterable(mine))
            lines.append((tuple(values.get(layer) for layer in layers), (), ()))
        chart = layer_chart(layers, lines, "This fragment", name, units.get(name, ""))
        if chart is not None:
            yield chart


def _temperature(chosen: Highlight) -> b.Section:
    scored = sum(number(t.pressure) is not None or number(t.loss) is not None for t in chosen.tokens)
    reading = "Where the probability goes when the softmax is made softer, on this fragment."
    note = f"Mean over its {count(scored)} predicted tokens; shares of the probability."
    curve = chosen.temperature
    chart = None if curve is None else temperature_chart(curve, reading, note)
    return b.Section("Temperature", (chart,)) if chart else b.Section("Temperature", intro=_UNMEASURED)
