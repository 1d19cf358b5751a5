"""What was mined in the terminal: a few lines that fit 80 columns, with or without colour."""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike, fspath

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from negspace.report import mining_views
from negspace.report.numbers import Summary, count, percent, sentence
from negspace.report.terminal_parts import copied, flat, hanging, plain_table
from negspace.report.words import visible

__all__ = ["mining_lines"]


def mining_lines(summary: Summary, report: str | PathLike[str] | None = None) -> RenderableType:
    """The run in short: rows, false-negative control, warnings, where the output is.

    Args:
        summary: What ``mined.json`` holds.
        report: Path of the page, named in the last line.

    Returns:
        Something to print on a :class:`rich.console.Console`.
    """
    output, anchors = summary["output"], summary["anchors"]
    parts: list[RenderableType] = [
        Text(
            f"{count(output['rows'])} rows with {count(output['negatives'])} negatives "
            f"for {count(anchors['all'])} anchors",
            style="bold",
        ),
        Text(),
        *_same_class(summary),
        *_rules(summary),
    ]
    for warning in summary["warnings"]:
        parts.append(hanging("Warning", sentence(visible(warning)), "yellow"))
    parts.append(copied("Written", output["path"]))
    if report is not None:
        parts.append(copied("Report", fspath(report)))
    return Group(*parts)


def _same_class(summary: Summary) -> Iterator[RenderableType]:
    rows = mining_views.same_class_rows(summary)
    if not rows:
        if summary["control"]["kept"]:
            yield Text("Classes are not known: same-class hits cannot be counted.")
            yield Text()
        return
    table = plain_table()
    table.add_column("same-class hits", no_wrap=True)
    for name in ("unfiltered", "by rules alone", "here"):
        table.add_column(name, justify="right", no_wrap=True)
    for source, before, by_rules, after, _ in rows:
        table.add_row(source, flat(before), flat(by_rules), flat(after))
    yield table
    yield Text()


def _rules(summary: Summary) -> Iterator[RenderableType]:
    dropped = [each for each in summary["control"]["dropped"] if each["dropped"]]
    if not dropped:
        return
    table: Table = plain_table()
    table.add_column("candidates dropped", overflow="fold")
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("of all", justify="right", no_wrap=True)
    for each in dropped:
        share = flat(percent(each["dropped"] / each["of"]))
        table.add_row(f"{each['source']}: {each['what']}", count(each["dropped"]), share)
    yield table
    yield Text()
