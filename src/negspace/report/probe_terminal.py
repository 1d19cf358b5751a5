"""A probe in the terminal: a few lines that fit 80 columns, with or without colour."""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike, fspath

from rich.console import Group, RenderableType
from rich.text import Text

from negspace.report import probe_views
from negspace.report.numbers import NONE, Summary, count, number, sentence
from negspace.report.probe_views import measured, one_line
from negspace.report.terminal_parts import copied, flat, hanging, plain_table

__all__ = ["probe_lines"]

_TONES = {"structure": "blue", "fact": "green", "noise": "yellow"}
_DIGITS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


def probe_lines(summary: Summary, report: str | PathLike[str] | None = None) -> RenderableType:
    """A probe in short: where the corpus lies on each measure, roles, agreement, coverage.

    Args:
        summary: What ``probe.json`` holds.
        report: Path of the page, named in the last line.

    Returns:
        Something to print on a :class:`rich.console.Console`.
    """
    corpus, model = summary["corpus"], summary["model"]
    parts: list[RenderableType] = [
        Text(
            f"{probe_views.fragments_of(corpus['fragments'])}, {count(corpus['tokens'])} tokens; "
            f"model {one_line(model['name'])}, {count(model['parameters'])} parameters",
            style="bold",
        ),
        Text(),
        *_measures(summary),
        *_roles(summary),
        *_agreement(summary),
    ]
    if summary["retention"] is not None and (half := number(summary["retention"]["half_life"])) is not None:
        parts += [
            Text(f"Half of the own gain is gone after {_plain(half)} steps on others, at the median."),
            Text(),
        ]
    parts += [hanging("Note", sentence(one_line(note))) for note in corpus["notes"]]
    coverage = summary["coverage"]
    if coverage is not None and coverage["warning"] is not None:
        parts.append(hanging("Warning", sentence(one_line(coverage["warning"])), "yellow"))
    if report is not None:
        parts.append(copied("Report", fspath(report)))
    return Group(*parts)


def _measures(summary: Summary) -> Iterator[RenderableType]:
    if not summary["columns"]:
        return
    table = plain_table()
    table.add_column("measure", overflow="fold")
    for name in ("5 %", "median", "95 %", "fragments"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, of in probe_views.columns_of(summary).items():
        cells = [_plain(value) for value in of.quantiles] or [flat(NONE)] * 3
        table.add_row(Text(one_line(name)), *cells, count(of.n))
    yield table
    yield Text()


def _roles(summary: Summary) -> Iterator[RenderableType]:
    found = probe_views.roles(summary)
    if not found:
        return
    table = plain_table()
    table.add_column("role", no_wrap=True)
    table.add_column("fragments", justify="right", no_wrap=True)
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("", overflow="fold", style="dim")
    for role, n, share, _ in found:
        name = Text(one_line(role), style=_TONES.get(role, ""))
        table.add_row(name, count(n), flat(share), probe_views.ROLES.get(role, ""))
    yield table
    yield Text()


def _agreement(summary: Summary) -> Iterator[RenderableType]:
    if not summary["agreement"]:
        return
    table = plain_table()
    table.add_column("first order predicts the exact", overflow="fold")
    table.add_column("Spearman", justify="right", no_wrap=True)
    table.add_column("fragments", justify="right", no_wrap=True)
    for each in summary["agreement"]:
        said = Text(f"{one_line(each['first_order'])} -> {one_line(each['exact'])}")
        value = number(each["spearman"])
        table.add_row(said, flat(NONE) if value is None else f"{value:.2f}", count(each["n"]))
    yield table
    yield Text()


def _plain(value: float | None) -> str:
    """Signs that every terminal's encoding has: ``2.1e-06`` rather than a raised exponent."""
    said = flat(measured(value))
    mantissa, times, power = said.partition(" × 10")
    return f"{mantissa}e{power.translate(_DIGITS)}" if times else said
