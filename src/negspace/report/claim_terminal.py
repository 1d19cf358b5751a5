"""A claim in the terminal: verdicts and figures of each part, in lines that fit 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from os import PathLike, fspath

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from negspace.report import claim_views
from negspace.report.numbers import NONE, Summary, interval, points, sentence
from negspace.report.terminal_parts import TONES, copied, flat, hanging, plain_table
from negspace.report.views import OUTCOMES, seed_range
from negspace.report.words import visible

__all__ = ["claim_lines"]

_NAME = 26  # columns of a name; longer ones wrap
_MISS = "*"
_TESTS = 3  # tests side by side; more make another table


def claim_lines(summary: Summary, report: str | PathLike[str] | None = None) -> RenderableType:
    """A claim in short: each part's hypotheses with effect and verdict, then its figures.

    Args:
        summary: What ``negspace lab run --json`` prints.
        report: Path of the page, named in the last line.

    Returns:
        Something to print on a :class:`rich.console.Console`.
    """
    lines: list[RenderableType] = [Text(visible(summary["title"]), style="bold")]
    if summary["smoke"]:
        lines.append(Text("Smoke run: no result", style="bold yellow"))
    elif not summary["registered"]:
        lines.append(Text("Trial: not the registered number of seeds, so not kept", style="bold yellow"))
    for part in summary["parts"]:
        lines += _part(part)
    if report is not None:
        lines += [Text(), copied("Report", fspath(report))]
    return Group(*lines)


def _part(part: Summary) -> Iterator[RenderableType]:
    head = Text()
    head.append("Control  " if part["control"] else "", style="dim")
    head.append(visible(part["title"]), style="bold")
    head.append(f"  seeds {seed_range(part['seeds'])}", style="dim")
    yield Text()
    yield head
    for said in claim_views.diverged(part):
        yield hanging("Warning", sentence(visible(said)), "yellow")
    if part["hypotheses"]:
        yield Text()
        yield _hypotheses(part["hypotheses"])
    for tables in _figures(part):
        yield Text()
        yield tables
    right, said_of = claim_views.agreement([part])
    if said_of:
        yield Text()
        said = f"Ours lies within two published standard deviations in {right} of {said_of} figures"
        yield Text(said + (f"; {_MISS} where not." if right < said_of else "."))


def _hypotheses(hypotheses: Sequence[Summary]) -> Table:
    table = plain_table()
    table.add_column("hypothesis", width=_NAME, overflow="fold")
    table.add_column(Text("effect [CI], points"), justify="right", no_wrap=True)
    table.add_column("published", justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for one in hypotheses:
        verdict = Text(OUTCOMES[one["verdict"]], style=TONES[one["verdict"]])
        table.add_row(Text(visible(one["name"])), Text(_effect(one)), Text(_published(one)), verdict)
    return table


def _effect(hypothesis: Summary) -> str:
    ends = interval(hypothesis["ci"])
    return _bare(hypothesis["delta"]) + (f" [{flat(ends).replace(' to ', ', ')}]" if ends else "")


def _published(hypothesis: Summary) -> str:
    return _bare(claim_views.published_effect(hypothesis))


def _bare(difference: float | None) -> str:
    """A difference in points with its sign; the heading names the unit."""
    return flat(points(difference, signed=True)).removesuffix(" points")


def _figures(part: Summary) -> Iterator[Table]:
    """Arms by tests, a few tests a table."""
    groups = claim_views.groups(part)
    for first in range(0, len(groups), _TESTS):
        yield _figure_table(groups[first : first + _TESTS])


def _figure_table(groups: Sequence[claim_views.Group]) -> Table:
    table = plain_table()
    published = any(row.published for group in groups for row in group.rows)
    table.add_column("mean ± sd (published), %" if published else "mean ± sd, %", width=_NAME)
    for group in groups:
        table.add_column(Text(visible(group.title)), justify="right", overflow="fold", min_width=14)
    shown = [{row.arm: row for row in group.rows} for group in groups]
    for arm in dict.fromkeys(row.arm for group in groups for row in group.rows):
        cells = [_cell(rows.get(arm)) for rows in shown]
        table.add_row(Text(visible(arm), overflow="fold"), *cells)
    return table


def _cell(row: claim_views.FigureRow | None) -> Text:
    """Ours, and the published figure below it, marked where ours does not agree with it."""
    if row is None:
        return Text(flat(NONE))
    cell = Text(flat(row.ours), no_wrap=True)
    if row.published:
        differs = row.agrees == "no"
        cell.append(f"\n{_MISS if differs else ''}({flat(row.published)})", "yellow" if differs else "dim")
    return cell
