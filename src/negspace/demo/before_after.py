"""The demo: a set that looks perfect and teaches no boundary, and the same number of rows that do.

Everything is made here, from the grammar of `demo.tickets`: no input file, no network, no model.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from negspace.audits import (
    AuditFindings,
    AuditResult,
    audit,
    check_settings,
    curve_chart,
    decision_block,
    headline_metrics,
    scatter_chart,
)
from negspace.data import check_writable, write_rows, write_text
from negspace.demo import tickets
from negspace.demo.tickets import Ticket
from negspace.reports import blocks as b
from negspace.reports.charts import OUTCOMES
from negspace.reports.html import render_page
from negspace.reports.numbers import points
from negspace.study import Progress

_ROWS = 800
_PAIRS_BEFORE = 5
_PAIRS_AFTER = 200
_TEST_ROWS = 300
_INTRO = (
    "Two training sets of {rows} support tickets each, audited on the same test rows. What the desk did is "
    "the label, and one verb decides it. In the first set the customer's mood gives nearly every label away, "
    "and {few} tickets stand beside a near miss that differs in the verb alone. In the second, {many} do."
)


@dataclass(frozen=True, eq=False)
class Demo:
    """Two audits, before and after near misses were added."""

    before: AuditResult
    after: AuditResult
    page: Path
    report: b.Report
    command: str  # audits the first set again, as a user would audit a set of their own


def run_demo(folder: Path, *, seed: int = 0, seeds: int = 20, progress: Progress | None = None) -> Demo:
    """Write the demo's data, audit it before and after, and write the reports."""
    check_settings(seeds=seeds, seed=seed)
    check_writable(folder)
    rng = np.random.default_rng(seed)
    _write(folder / "test.csv", _ordinary(rng, _TEST_ROWS))
    _write(folder / "near_miss.csv", _flat(tickets.written_pairs(rng, _TEST_ROWS // 2)))
    names = ("before", "after")
    for name, pairs in zip(names, (_PAIRS_BEFORE, _PAIRS_AFTER), strict=True):
        near = _flat(tickets.written_pairs(rng, pairs))
        _write(folder / f"{name}.csv", [*_ordinary(rng, _ROWS - len(near)), *near])
    audits = []
    for name in names:
        result = audit(
            folder / f"{name}.csv",
            test=folder / "test.csv",
            near_miss=folder / "near_miss.csv",
            seed=seed,
            seeds=seeds,
            progress=_named(progress, name),
        )
        result.save(folder / name)
        audits.append(result)
    before, after = audits
    report = comparison_report(
        "Before and after near misses",
        _INTRO.format(rows=_ROWS, few=_PAIRS_BEFORE, many=_PAIRS_AFTER),
        [("before", before.findings), ("after", after.findings)],
        {name: f"{name}/report.html" for name in names},
    )
    page = folder / "report.html"
    write_text(page, render_page(report))
    return Demo(before, after, page, report, _command(folder, seed=seed, seeds=seeds))


def _command(folder: Path, *, seed: int, seeds: int) -> str:
    files = {"--test": folder / "test.csv", "--near-miss": folder / "near_miss.csv"}
    words = ["negspace", "audit", str(folder / "before.csv")]
    words += [word for flag, file in files.items() for word in (flag, str(file))]
    words += [
        word
        for flag, value, usual in (("--seeds", seeds, 20), ("--seed", seed, 0))
        if value != usual
        for word in (flag, str(value))
    ]
    return shlex.join(words)


def _ordinary(rng: np.random.Generator, count: int) -> list[Ticket]:
    return [tickets.ordinary(rng, tickets.LABELS[i % 2]) for i in range(count)]


def _flat(pairs: Sequence[tuple[Ticket, Ticket]]) -> list[Ticket]:
    return [ticket for pair in pairs for ticket in pair]


def _write(path: Path, rows: Sequence[Ticket]) -> None:
    write_rows(path, [{"text": ticket.text, "label": ticket.label} for ticket in rows])


def _named(progress: Progress | None, name: str) -> Progress | None:
    if progress is None:
        return None
    return lambda stage, done, total: progress(f"{name}: {stage}", done, total)


def comparison_report(
    title: str,
    intro: str,
    audits: Sequence[tuple[str, AuditFindings]],
    links: Mapping[str, str] | None = None,
) -> b.Report:
    """Put several audits side by side."""
    links = links or {}
    found = [findings for _, findings in audits]
    metrics = [headline_metrics(findings) for findings in found]
    names = b.Key(tuple((b.Mark.of_series(at), b.given(name)) for at, (name, _) in enumerate(audits)))
    scatter = scatter_chart(
        found,
        names,
        b.Paragraph(
            "Each sign is one seed; the cross is the mean over seeds, its bars the 95\u00a0% intervals. On "
            "the diagonal a model is as good on near misses as on easy rows."
        ),
    )
    curve = curve_chart(
        found,
        names,
        b.Paragraph(
            "Accuracy by how close the nearest row of another label is, with 95\u00a0% intervals. Left is "
            "nearer the boundary."
        ),
    )
    cards = b.Cards(
        tuple(
            decision_block(
                findings,
                name=name,
                link=b.link(f"Full report of {name}", links[name]) if name in links else None,
            )
            for name, findings in audits
        )
    )
    nothing = "Nothing to plot: no audit has both easy rows and near misses."
    no_curve = "No curve was drawn: none of the audits has one."
    return b.Report(
        kind=f"{len(audits)} audits side by side",
        title=title,
        headline=b.Headline(title, detail=intro),
        top=(cards,),
        sections=(
            b.Section(
                "The figures",
                (_table(audits, metrics), *_missing(audits, metrics)),
                intro="Means over seeds with their 95\u00a0% intervals. Differences are of the means, from "
                "the first audit; they carry no interval of their own.",
            ),
            b.Section("Easy against near misses", (scatter,) if scatter else (), "" if scatter else nothing),
            b.Section("Towards the boundary", (curve,) if curve else (), "" if curve else no_curve),
        ),
        warnings=None,
        brief=(_brief(audits, metrics),),
        footer=f"negspace {found[0].version}",
    )


def _columns(audits: Sequence[tuple[str, AuditFindings]], first: b.Text) -> tuple[b.Column, ...]:
    names = [b.given(name) for name, _ in audits]
    differences: list[b.Text] = ["difference"]
    if len(audits) > 2:
        differences = [("difference: ", name) for name in names[1:]]
    return (b.Column(first), *(b.Column(name, "right") for name in (*names, *differences)))


def _differences(audits: Sequence[tuple[str, AuditFindings]], place: int) -> Iterator[float | None]:
    """The difference of a headline metric from the first audit, for each of the others."""
    keys = ("easy", "near_miss", "gap", "pair_consistency")
    estimates = [getattr(findings, keys[place]) for _, findings in audits]
    for estimate in estimates[1:]:
        known = estimate is not None and estimates[0] is not None
        yield estimate.mean - estimates[0].mean if known else None


def _table(audits: Sequence[tuple[str, AuditFindings]], metrics: Sequence[Sequence[b.Metric]]) -> b.Table:
    rows = []
    for place, of_audits in enumerate(zip(*metrics, strict=True)):
        cells = [
            b.Cell(
                item.value, tuple(part for part in (item.unit, item.interval, item.n) if part), strong=True
            )
            for item in of_audits
        ]
        for difference in _differences(audits, place):
            value, _, unit = points(difference, signed=True).partition("\u00a0")
            cells.append(b.Cell(value, (unit,) if unit else ()))
        rows.append((of_audits[0].name, *cells))
    return b.Table(
        _columns(audits, b.soft("metric")),
        tuple(rows),
        label="Headline figures of all audits",
        style="compact",
    )


def _missing(
    audits: Sequence[tuple[str, AuditFindings]], metrics: Sequence[Sequence[b.Metric]]
) -> Iterator[b.Block]:
    for (name, _), items in zip(audits, metrics, strict=True):
        for item in items:
            if item.missing:
                yield b.Paragraph((b.given(name), f", {item.name.lower()}: ", str(item.note)), "small")


def _brief(audits: Sequence[tuple[str, AuditFindings]], metrics: Sequence[Sequence[b.Metric]]) -> b.Table:
    """The same for the terminal: a line a metric, and the verdicts."""
    rows: list[tuple[b.Text | b.Cell, ...]] = []
    for place, of_audits in enumerate(zip(*metrics, strict=True)):
        cells = [
            b.Cell(f"{item.value}\u00a0{item.unit}" if item.unit else item.value, strong=True)
            for item in of_audits
        ]
        said = [points(each, signed=True) for each in _differences(audits, place)]
        if len(audits) > 2:  # three with their unit would not fit 80 columns
            said = [each.partition("\u00a0")[0] for each in said]
        rows.append((of_audits[0].name, *cells, *said))
    verdicts = [findings.verdict.outcome for _, findings in audits]
    rows.append(
        ("Verdict", *(b.Cell(OUTCOMES[each], tone=each) for each in verdicts), *[""] * (len(audits) - 1))
    )
    return b.Table(_columns(audits, ""), tuple(rows))
