"""The demo: a set that looks perfect and teaches no boundary, and the same number of rows that do.

Everything is made here, from the grammar of `demo.tickets`: no input file, no network, no model.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from negspace.audits import AuditResult, audit, check_settings
from negspace.data import check_writable, write_rows, write_text
from negspace.demo import tickets
from negspace.demo.report import comparison_report
from negspace.demo.tickets import Ticket
from negspace.reports.blocks import Report
from negspace.reports.html import render_page
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
    """Two audits, before and after near misses were added.

    Attributes:
        command: Audits the first set again, as a user would audit a set of their own.
    """

    before: AuditResult
    after: AuditResult
    page: Path
    report: Report
    command: str


def run_demo(folder: Path, *, seed: int = 0, seeds: int = 20, progress: Progress | None = None) -> Demo:
    """Write the demo's data, audit it before and after, and write the reports.

    Returns:
        Both audits, and where their comparison is.

    Raises:
        PlanError: If a setting is out of its range.
        StoreError: If the folder cannot be written.
    """
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
