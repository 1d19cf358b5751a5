"""A proof in the terminal: a few lines that fit 80 columns, with or without colour."""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike, fspath

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from negspace.report.numbers import NONE, Summary, count, interval, percent, points, sentence
from negspace.report.proof_page import SETS, TONES
from negspace.report.terminal_parts import TONES as STYLES
from negspace.report.terminal_parts import copied, flat, hanging, plain_table
from negspace.report.views import OUTCOMES
from negspace.report.words import visible

__all__ = ["proof_lines"]

_NAME = 28  # columns of a name at most; longer ones wrap


def proof_lines(summary: Summary, report: str | PathLike[str] | None = None) -> RenderableType:
    """A proof in short: conclusions, arms, what they are worth in random rows, data or search, warnings.

    Args:
        summary: What ``proof.json`` holds.
        report: Path of the page, named in the last line.

    Returns:
        Something to print on a :class:`rich.console.Console`.
    """
    parts: list[RenderableType] = []
    for comparison in summary["comparisons"]:
        parts += _comparison(comparison)
    parts += [_arms(summary), Text(), *_exchange(summary), Text()]
    if summary["tuning"] is not None:
        parts += [*_tuning(summary["tuning"]), Text()]
    for warning in summary["warnings"]:
        parts.append(hanging("Warning", sentence(visible(warning)), "yellow"))
    if report is not None:
        parts.append(copied("Report", fspath(report)))
    return Group(*parts)


def _comparison(comparison: Summary) -> Iterator[RenderableType]:
    style = STYLES[TONES[comparison["conclusion"]]]
    line = Text(comparison["conclusion"].capitalize(), style=style)
    line.append(
        f"  {visible(comparison['arm'])} against {visible(comparison['versus'])}", style="bold default"
    )
    yield line
    for on in SETS:
        verdict = comparison[on]
        said = Text(f"{OUTCOMES[verdict['outcome']]}: ", style=STYLES[verdict["outcome"]])
        said.append(sentence(flat(visible(verdict["reason"]))), style="not bold default")
        yield said
    yield Text()


def _arms(summary: Summary) -> Table:
    table = plain_table()
    table.add_column(f"{count(summary['rows'])} rows each", max_width=_NAME, overflow="fold")
    for said in SETS.values():
        table.add_column(f"{said}, %", justify="right", no_wrap=True)
    for arm in summary["arms"]:
        table.add_row(Text(visible(arm["name"])), *(Text(_estimate(arm[on])) for on in SETS))
    return table


def _estimate(estimate: Summary | None) -> str:
    if estimate is None:
        return flat(NONE)
    return flat(percent(estimate["mean"])).removesuffix(" %") + _ends(estimate)


def _ends(estimate: Summary) -> str:
    said = flat(interval(estimate["ci"])).replace(" to ", ", ")
    return f" [{said}]" if said else ""


def _exchange(summary: Summary) -> Iterator[RenderableType]:
    table = plain_table()
    table.add_column("worth in random rows", max_width=_NAME, overflow="fold")
    for said in SETS.values():
        table.add_column(f"by {said}", justify="right", overflow="fold")
    for arm in summary["arms"]:
        table.add_row(Text(visible(arm["name"])), *(Text(arm["exchange"][on]["brief"]) for on in SETS))
    yield table
    for arm in summary["arms"]:
        drawn = arm["random_draws_as_good"]
        if drawn is not None and drawn["near_miss"] is not None:
            seeds = len(summary["seeds"])
            said = ", ".join(f"{drawn[on]} on {name}" for on, name in SETS.items())
            yield Text(f"Of {seeds} random draws of as many rows as {visible(arm['name'])}, as good: {said}.")


def _tuning(tuning: Summary) -> Iterator[RenderableType]:
    for split in tuning["splits"]:
        table = plain_table()
        table.add_column(f"{tuning['trials']} trials each, points", max_width=_NAME, overflow="fold")
        for said in SETS.values():
            table.add_column(said, justify="right", no_wrap=True)
        for key, said in (("data", "the data"), ("search", "the search"), ("data_tuned", "data, both tuned")):
            table.add_row(said, *(Text(_gain(split[on][key])) for on in SETS))
        yield Text(f"{visible(split['arm'])} tuned against {visible(split['versus'])} as it is", style="bold")
        yield table


def _gain(estimate: Summary | None) -> str:
    if estimate is None:
        return flat(NONE)
    return flat(points(estimate["mean"], signed=True)).removesuffix(" points") + _ends(estimate)
