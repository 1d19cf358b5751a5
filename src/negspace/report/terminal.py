"""A summary in the terminal: a few lines that fit 80 columns, with or without colour."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from os import PathLike, fspath

from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.table import Table
from rich.text import Text

from negspace.report import pairs_views, views
from negspace.report.numbers import NONE, Summary, bounds, count, number, points, sentence
from negspace.report.pairs_terminal import paradigm_lines
from negspace.report.terminal_parts import TONES, copied, flat, hanging, plain_table
from negspace.report.words import visible

__all__ = ["comparison_table", "summary_lines"]

_HEADLINES = ("easy", "near_miss", "gap", "pair_consistency")
_BAR = 20


def summary_lines(summary: Summary, report: str | PathLike[str] | None = None) -> RenderableType:
    """The audit in short: verdict, headline figures, roles, warnings, where the report is.

    Args:
        summary: What ``audit.json`` holds.
        report: Path of the page, named in the last line.

    Returns:
        Something to print on a :class:`rich.console.Console`.
    """
    parts: list[RenderableType] = [*_verdict(summary), Text(), _figures(summary), Text()]
    parts += paradigm_lines(summary) if pairs_views.is_of_pairs(summary) else [_roles(summary)]
    for warning in summary["warnings"]:
        parts.append(hanging("Warning", sentence(visible(warning)), "yellow"))
    if report is not None:
        parts.append(copied("Report", fspath(report)))
    return Group(*parts)


def comparison_table(audits: Sequence[tuple[str, Summary]]) -> RenderableType:
    """Headline figures of several audits side by side, with the difference from the first.

    Args:
        audits: A name and a summary of each.
    """
    table = plain_table()
    table.add_column("", no_wrap=True)
    for name, _ in audits:
        table.add_column(Text(visible(name)), justify="right")
    for name, _ in audits[1:]:
        said = "difference" if len(audits) == 2 else f"difference: {visible(name)}"
        table.add_column(Text(said), justify="right")
    shown = [views.headlines(summary) for _, summary in audits]
    unit = " points" if len(audits) == 2 else ""  # three would not fit 80 columns
    for place, key in enumerate(_HEADLINES):
        means = [None if s[key] is None else number(s[key]["mean"]) for _, s in audits]
        differences = [
            NONE if mean is None or means[0] is None else f"{_signed(mean - means[0])}{unit}"
            for mean in means[1:]
        ]
        cells = [Text(_value(figures[place]), style="bold") for figures in shown]
        table.add_row(shown[0][place].name, *cells, *(Text(said) for said in differences))
    outcomes = [
        Text(views.OUTCOMES[s["verdict"]["outcome"]], style=TONES[s["verdict"]["outcome"]]) for _, s in audits
    ]
    table.add_row("Verdict", *outcomes, *[""] * (len(audits) - 1))
    return table


def _verdict(summary: Summary) -> Iterator[RenderableType]:
    verdict = summary["verdict"]
    line = Text(views.OUTCOMES[verdict["outcome"]], style=TONES[verdict["outcome"]])
    line.append(f"  {visible(verdict['question'])}", style="bold default")
    yield line
    yield Text(sentence(visible(verdict["reason"])))
    yield hanging("Next", sentence(visible(verdict["next"])))


def _figures(summary: Summary) -> Table:
    table = plain_table()
    table.add_column("", no_wrap=True)
    table.add_column("mean", justify="right", no_wrap=True)
    table.add_column("95 % interval", justify="right", no_wrap=True)
    table.add_column("n", justify="right", no_wrap=True)
    table.add_column("0 to 100 %", no_wrap=True, width=_BAR)
    of_pairs = pairs_views.is_of_pairs(summary)
    for figure in (pairs_views if of_pairs else views).headlines(summary):
        style = "bold" if figure.key == "gap" else ""
        value = Text(_value(figure), style=style)
        table.add_row(
            Text(figure.name, style=style),
            value,
            flat(figure.interval),
            figure.n.partition(" ")[0],
            _Bar(pairs_views.estimate_of(summary, figure.key) if of_pairs else summary[figure.key]),
        )
    return table


class _Bar:
    """Mean and interval of a share on a line from 0 to 1; nothing where the terminal is not Unicode."""

    def __init__(self, estimate: Summary | None) -> None:
        self.mean = None if estimate is None else number(estimate["mean"])
        self.ends = None if estimate is None else bounds(estimate["ci"])

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        if self.mean is None or not 0 <= self.mean <= 1 or options.ascii_only:
            yield Text("")
            return
        low, high = (_place(end) for end in self.ends or (self.mean, self.mean))
        signs = ["─"] * _BAR
        signs[low : high + 1] = "━" * (high + 1 - low)
        signs[_place(self.mean)] = "●"
        line = Text("".join(signs), style="dim")
        line.stylize("not dim", low, high + 1)
        yield line


def _place(share: float) -> int:
    return round(min(max(share, 0.0), 1.0) * (_BAR - 1))


def _roles(summary: Summary) -> Text:
    line = Text("Rows     ", style="dim")
    line.append(
        " · ".join(f"{role['role']} {count(role['count'])}" for role in views.role_rows(summary)),
        style="not dim",
    )
    return line


def _signed(difference: float) -> str:
    return flat(points(difference, signed=True)).removesuffix(" points")


def _value(figure: views.Figure) -> str:
    return flat(f"{figure.value} {figure.unit}".strip())
