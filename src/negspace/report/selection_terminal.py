"""A curation in the terminal: a few lines that fit 80 columns, with or without colour."""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike, fspath

from rich.console import Group, RenderableType
from rich.text import Text

from negspace.report import selection_views
from negspace.report.numbers import Summary, sentence
from negspace.report.terminal_parts import TONES, copied, flat, hanging, plain_table
from negspace.report.words import visible

__all__ = ["selection_lines"]

_SIGNS = {"supported": "+", "refuted": "-", "inconclusive": "?"}


def selection_lines(summary: Summary, report: str | PathLike[str] | None = None) -> RenderableType:
    """A curation in short: the conclusion, the trial, what was chosen, warnings.

    Args:
        summary: What ``curation.json`` holds.
        report: Path of the page, named in the last line.

    Returns:
        Something to print on a :class:`rich.console.Console`.
    """
    tone = TONES["supported"] if summary["trial"] and not summary["fell_back"] else "bold"
    parts: list[RenderableType] = [
        Text(_flat(selection_views.headline(summary)), style=tone),
        Text(_flat(visible(sentence(summary["conclusion"])))),
        Text(),
    ]
    if summary["trial"] is not None:
        parts += _trial(summary["trial"])
    parts += _composition(summary)
    for warning in summary["warnings"]:
        parts.append(hanging("Warning", sentence(visible(warning)), "yellow"))
    if report is not None:
        parts.append(copied("Report", fspath(report)))
    return Group(*parts)


def _trial(trial: Summary) -> Iterator[RenderableType]:
    table = plain_table()
    table.add_column("held-out trial", overflow="fold")
    tests = selection_views.tests_of(trial)
    for said in tests.values():
        table.add_column(f"{said}, %", justify="right", no_wrap=True)
        table.add_column("points", justify="right", no_wrap=True)
    for row in selection_views.results(trial):
        cells = []
        for place in range(len(tests)):
            mean, ci = row.accuracy[place]
            cells += [Text(f"{_flat(mean).removesuffix(' %')}" + (f" [{_ends(ci)}]" if ci else ""))]
            if row.against:
                effect = _flat(row.against[place].effect).removesuffix(" points")
                outcome = row.against[place].outcomes[0][0]
                cells += [Text(f"{effect} {_SIGNS[outcome]}", style=TONES[outcome])]
            else:
                cells += [Text("")]
        table.add_row(Text(_flat(visible(row.name)), style="bold" if row.note else ""), *cells)
    yield table
    yield Text(
        "Points over the first line: + shown to be more, - shown to be less, ? neither.",
        style="dim",
    )
    yield Text()


def _composition(summary: Summary) -> Iterator[RenderableType]:
    table = plain_table()
    table.add_column("rows", overflow="fold")
    for name in ("in the pool", "", "chosen", ""):
        table.add_column(name, justify="right", no_wrap=True)
    for row in selection_views.composition(summary):
        table.add_row(*(_flat(cell) for cell in row))
    yield table
    yield Text()


def _ends(ci: str) -> str:
    return _flat(ci).replace(" to ", ", ")


def _flat(text: str) -> str:
    return flat(text).replace("“", "'").replace("”", "'")
