"""The report of several audits side by side: from their findings to blocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from negspace.audits import AuditFindings, curve_chart, decision_block, headline_metrics, scatter_chart
from negspace.reports.blocks import (
    Block,
    Cards,
    Cell,
    Column,
    Headline,
    Key,
    Mark,
    Metric,
    Paragraph,
    Report,
    Section,
    Table,
    Text,
    given,
    link,
    soft,
)
from negspace.reports.charts import OUTCOMES
from negspace.reports.numbers import points


def comparison_report(
    title: str,
    intro: str,
    audits: Sequence[tuple[str, AuditFindings]],
    links: Mapping[str, str] | None = None,
) -> Report:
    """Put several audits side by side."""
    links = links or {}
    found = [findings for _, findings in audits]
    metrics = [headline_metrics(findings) for findings in found]
    names = Key(tuple((Mark.of_series(at), given(name)) for at, (name, _) in enumerate(audits)))
    scatter = scatter_chart(
        found,
        names,
        Paragraph(
            "Each sign is one seed; the cross is the mean over seeds, its bars the 95\u00a0% intervals. On "
            "the diagonal a model is as good on near misses as on easy rows."
        ),
    )
    curve = curve_chart(
        found,
        names,
        Paragraph(
            "Accuracy by how close the nearest row of another label is, with 95\u00a0% intervals. Left is "
            "nearer the boundary."
        ),
    )
    cards = Cards(
        tuple(
            decision_block(
                findings,
                name=name,
                link=link(f"Full report of {name}", links[name]) if name in links else None,
            )
            for name, findings in audits
        )
    )
    nothing = "Nothing to plot: no audit has both easy rows and near misses."
    no_curve = "No curve was drawn: none of the audits has one."
    return Report(
        kind=f"{len(audits)} audits side by side",
        title=title,
        headline=Headline(title, detail=intro),
        top=(cards,),
        sections=(
            Section(
                "The figures",
                (_table(audits, metrics), *_missing(audits, metrics)),
                intro="Means over seeds with their 95\u00a0% intervals. Differences are of the means, from "
                "the first audit; they carry no interval of their own.",
            ),
            Section("Easy against near misses", (scatter,) if scatter else (), "" if scatter else nothing),
            Section("Towards the boundary", (curve,) if curve else (), "" if curve else no_curve),
        ),
        warnings=None,
        brief=(_brief(audits, metrics),),
        footer=f"negspace {found[0].version}",
    )


def _columns(audits: Sequence[tuple[str, AuditFindings]], first: Text) -> tuple[Column, ...]:
    names = [given(name) for name, _ in audits]
    differences: list[Text] = ["difference"]
    if len(audits) > 2:
        differences = [("difference: ", name) for name in names[1:]]
    return (Column(first), *(Column(name, "right") for name in (*names, *differences)))


def _differences(audits: Sequence[tuple[str, AuditFindings]], place: int) -> Iterator[float | None]:
    """The difference of a headline metric from the first audit, for each of the others."""
    keys = ("easy", "near_miss", "gap", "pair_consistency")
    estimates = [getattr(findings, keys[place]) for _, findings in audits]
    for estimate in estimates[1:]:
        known = estimate is not None and estimates[0] is not None
        yield estimate.mean - estimates[0].mean if known else None


def _table(audits: Sequence[tuple[str, AuditFindings]], metrics: Sequence[Sequence[Metric]]) -> Table:
    rows = []
    for place, of_audits in enumerate(zip(*metrics, strict=True)):
        cells = [
            Cell(item.value, tuple(part for part in (item.unit, item.interval, item.n) if part), strong=True)
            for item in of_audits
        ]
        for difference in _differences(audits, place):
            value, _, unit = points(difference, signed=True).partition("\u00a0")
            cells.append(Cell(value, (unit,) if unit else ()))
        rows.append((of_audits[0].name, *cells))
    return Table(
        _columns(audits, soft("metric")), tuple(rows), label="Headline figures of all audits", style="compact"
    )


def _missing(
    audits: Sequence[tuple[str, AuditFindings]], metrics: Sequence[Sequence[Metric]]
) -> Iterator[Block]:
    for (name, _), items in zip(audits, metrics, strict=True):
        for item in items:
            if item.missing:
                yield Paragraph((given(name), f", {item.name.lower()}: ", str(item.note)), "small")


def _brief(audits: Sequence[tuple[str, AuditFindings]], metrics: Sequence[Sequence[Metric]]) -> Table:
    """The same for the terminal: a line a metric, and the verdicts."""
    rows: list[tuple[Text | Cell, ...]] = []
    for place, of_audits in enumerate(zip(*metrics, strict=True)):
        cells = [
            Cell(f"{item.value}\u00a0{item.unit}" if item.unit else item.value, strong=True)
            for item in of_audits
        ]
        said = [points(each, signed=True) for each in _differences(audits, place)]
        if len(audits) > 2:  # three with their unit would not fit 80 columns
            said = [each.partition("\u00a0")[0] for each in said]
        rows.append((of_audits[0].name, *cells, *said))
    verdicts = [findings.verdict.outcome for _, findings in audits]
    rows.append(
        ("Verdict", *(Cell(OUTCOMES[each], tone=each) for each in verdicts), *[""] * (len(audits) - 1))
    )
    return Table(_columns(audits, ""), tuple(rows))
