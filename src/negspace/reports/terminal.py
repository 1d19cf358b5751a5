"""Any report in the terminal: lines that fit 80 columns, with or without colour, in any encoding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from os import PathLike, fspath

from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text as Line

from negspace.reports import blocks as b
from negspace.reports.numbers import sentence
from negspace.reports.textdiff import abridge, bounded, clip, one_line, visible, word_diff

_TONES: Mapping[str, str] = {
    "supported": "bold blue",
    "refuted": "bold yellow",
    "inconclusive": "bold",
    "warn": "yellow",
    "soft": "dim",
}
_STYLES: Mapping[str, str] = {"strong": "bold", "soft": "dim", "small": "dim"}
_FLAT = str.maketrans(
    {"\u00a0": " ", "−": "-", "–": "-", "“": "'", "”": "'", "’": "'", "·": "-", "±": "±", "×": "x"}
)
_RAISED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
_BAR = 20
_NAME = 28  # columns of a table's first column at most; longer names wrap


def brief_report(report: b.Report, places: Mapping[str, str | PathLike[str]] | None = None) -> RenderableType:
    """A report in short: the finding, its ``brief`` blocks or metrics, warnings, and where the rest is.

    ``places`` are paths to name in the last lines, by what they are: ``{"Report": "out/report.html"}``.
    """
    shown = report.metrics() if report.brief is None else report.brief
    parts: list[RenderableType] = [*_headline(report.finding, brief=True), Line()]
    for block in shown:
        parts += [*_show(block, brief=True)]
        if not isinstance(block, b.Facts):
            parts.append(Line())
    parts += [
        _hanging("Warning", _line(sentence(one_line(each))), "yellow") for each in report.warnings or ()
    ]
    parts += [_copied(what, fspath(path)) for what, path in (places or {}).items()]
    return Group(*_without_last_blank(parts))


def full_report(report: b.Report) -> RenderableType:
    """A report with all its sections. Charts are given in words; what is folded on a page is not."""
    parts: list[RenderableType] = [_line(report.kind, "dim")]
    if b.plain(report.finding.sentence) != report.title:
        parts.append(_line(report.title, "bold"))
    parts += [*_headline(report.finding, brief=False), Line()]
    for block in (*report.intro, *report.top, *report.body):
        parts += [*_show(block, brief=False), Line()]
    return Group(*_without_last_blank(parts))


def _without_last_blank(parts: list[RenderableType]) -> list[RenderableType]:
    while parts and isinstance(parts[-1], Line) and not parts[-1].plain:
        parts.pop()
    return parts


def _show(block: b.Block, *, brief: bool) -> Iterator[RenderableType]:
    """The lines of any block: one function a class, of its name in lower case."""
    if block.inside is not None:
        for each in block.inside:
            yield from _show(each, brief=brief)
        return
    lines: Iterable[RenderableType] = globals()[f"_{type(block).__name__.lower()}"](block, brief=brief)
    yield from lines


def _headline(block: b.Headline, *, brief: bool) -> Iterator[RenderableType]:
    tone = _TONES.get(block.tone, "bold")
    if block.word:
        line = _line(block.word.partition(":")[0], tone)
        line.append("  ")
        line.append_text(_line(block.sentence, "bold default"))
        yield line
    else:
        yield _line(block.sentence, tone)
    if block.detail:
        yield _line(block.detail)
    if block.next:
        yield _hanging("Next", _line(block.next))


def _section(block: b.Section, *, brief: bool) -> Iterator[RenderableType]:
    yield _line(block.title, "bold")
    if block.intro:
        yield _line(block.intro, "dim")
    for each in block.blocks:
        yield Line()
        yield from _show(each, brief=brief)


def _paragraph(block: b.Paragraph, *, brief: bool) -> Iterator[RenderableType]:
    yield _line(block.text, "dim" if block.style == "small" else "")


def _bullets(block: b.Bullets, *, brief: bool) -> Iterator[RenderableType]:
    for item in block.items:
        yield Padding(_line(("- ", *b.pieces(item))), (0, 0, 0, 2))


def _banner(block: b.Banner, *, brief: bool) -> Iterator[RenderableType]:
    yield _line(block.text, "bold yellow")


def _warnings(block: b.Warnings, *, brief: bool) -> Iterator[RenderableType]:
    for item in block.items:
        said = sentence(one_line(item)) if isinstance(item, str) else item
        yield _hanging("Warning", _line(said), "yellow")


def _metrics(block: b.Metrics, *, brief: bool) -> Iterator[RenderableType]:
    has_interval = any(item.interval for item in block.items)
    has_bar = any(item.range for item in block.items)
    table = _grid()
    table.add_column("", no_wrap=True)
    table.add_column("mean" if has_interval else "", justify="right", no_wrap=True)
    if has_interval:
        table.add_column(_line(f"{block.level} interval"), justify="right", no_wrap=True)
        table.add_column("n", justify="right", no_wrap=True)
    if has_bar:
        table.add_column("0 to 100 %", no_wrap=True, width=_BAR)
    if not has_interval:
        table.add_column("", overflow="fold", style="dim")
    for item in block.items:
        style = "bold" if item.key else ""
        row: list[RenderableType] = [_line(item.name, style)]
        row.append(_line(f"{item.value} {item.unit}".strip(), style))
        if has_interval:
            row += [_line(item.interval), _line(item.n.partition(" ")[0])]
        if has_bar:
            row.append(_Bar(item.range))
        if not has_interval:
            row.append(_line(item.note))
        table.add_row(*row)
    yield table


class _Bar:
    """Mean and interval of a share on a line from 0 to 1; nothing where the terminal is not Unicode."""

    def __init__(self, ends: tuple[float, float, float] | None) -> None:
        self.ends = ends

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Line]:
        if self.ends is None or not 0 <= self.ends[0] <= 1 or options.ascii_only:
            yield Line("")
            return
        mean, low, high = (round(min(max(share, 0.0), 1.0) * (_BAR - 1)) for share in self.ends)
        signs = ["─"] * _BAR
        signs[low : high + 1] = "━" * (high + 1 - low)
        signs[mean] = "●"
        line = Line("".join(signs), style="dim")
        line.stylize("not dim", low, high + 1)
        yield line


def _table(block: b.Table, *, brief: bool) -> Iterator[RenderableType]:
    if block.caption and not brief:
        yield _line(block.caption, "bold")
    table = _grid()
    for place, column in enumerate(block.heads):
        if column.align == "right":  # a long heading is folded, and never a number
            table.add_column(_line(column.name), justify="right", overflow="fold")
        else:
            table.add_column(_line(column.name), overflow="fold", max_width=None if place else _NAME)
    shown = block.rows if block.brief is None or not brief else block.rows[: block.brief]
    for row in shown:
        if isinstance(row, b.Group):
            table.add_row(_line((b.strong(b.plain(row.title)), " ", b.soft(b.plain(row.under)))))
        else:
            cells = [_cell(cell) for cell in row]
            for cell, column in zip(cells, block.heads, strict=True):
                cell.no_wrap = column.align == "right" or None
            table.add_row(*cells)
    yield table
    if len(shown) < len(block.rows):
        yield Line(f"and {len(block.rows) - len(shown)} more, which are in the report", style="dim")


def _cell(cell: b.Text | b.Cell) -> Line:
    if not isinstance(cell, b.Cell):
        return _line(cell)
    style = " ".join(part for part in (_TONES.get(cell.tone, ""), "bold" if cell.strong else "") if part)
    line = Line("  " if cell.indent else "")
    line.append_text(_line(cell.text, style))
    for under in cell.under:
        line.append("\n" if line.plain else "")
        line.append_text(_line(under, "dim"))
    return line


def _chart(block: b.Chart, *, brief: bool) -> Iterator[RenderableType]:
    if block.title:
        yield _line((*b.pieces(block.title), " ", *b.pieces(block.subtitle)), "bold")
    yield _line(block.alt)
    if block.plain is not None:
        yield from _table(block.plain, brief=brief)


def _strips(block: b.Strips, *, brief: bool) -> Iterator[RenderableType]:
    table = _grid()
    table.add_column(_line(block.title), overflow="fold", max_width=_NAME)
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("", style="dim")
    for row in block.rows:
        table.add_row(_line(row.name), _line(row.value), _line(row.note))
    yield table


def _shares(block: b.Shares, *, brief: bool) -> Iterator[RenderableType]:
    table = _grid()
    table.add_column(_line(block.columns[0]), no_wrap=True)
    table.add_column(_line(block.columns[1]), justify="right", no_wrap=True)
    table.add_column(_line(block.columns[2]), justify="right", no_wrap=True)
    table.add_column("", overflow="fold", style="dim")
    for part in block.parts:
        table.add_row(_line(part.name), _line(part.count), _line(part.said), _line(part.meaning))
    yield table


def _textpair(block: b.TextPair, *, brief: bool) -> Iterator[RenderableType]:
    """Both texts, what differs in brackets and bold: a terminal may have no colour."""
    if block.caption:
        yield _line(block.caption, "dim")
    stretches = abridge(word_diff(bounded(block.left.text), bounded(block.right.text)), short=36, most=48)
    for which, side in (("left", block.left), ("right", block.right)):
        label = _line((*b.pieces(side.label), "  ", *b.pieces(side.note)), "dim")
        text = Line()
        for stretch in stretches:
            words = stretch.left if which == "left" else stretch.right
            if stretch.kind == "cut":
                text.append(" … " if words.strip() else "")
            elif stretch.kind == "changed" and words.strip():
                text.append(f"[{words.strip()}]", style="bold")
                text.append(" " if words.endswith((" ", "\n")) else "")
            else:
                text.append(words)
        yield label
        yield Padding(text, (0, 0, 0, 2))
    if block.note:
        yield _line(block.note, "dim")


def _quote(block: b.Quote, *, brief: bool) -> Iterator[RenderableType]:
    if block.above:
        yield _line(block.above, "dim")
    yield _line((*b.pieces(block.label), "  ", *b.pieces(block.note)), "dim")
    yield Padding(Line(clip(visible(block.text), block.words)), (0, 0, 0, 2))
    if block.remark:
        yield _line(block.remark, "dim")


def _facts(block: b.Facts, *, brief: bool) -> Iterator[RenderableType]:
    if all(len(b.plain(name)) < 9 for name, _ in block.known):
        for name, value in block.known:
            yield _hanging(b.plain(name), _line(value))
        return
    table = Grid.grid(padding=(0, 2, 0, 0))
    table.add_column(max_width=_NAME, style="dim")
    table.add_column(overflow="fold")
    for name, value in block.known:
        table.add_row(_line(name), _line(value))
    yield table


def _steps(block: b.Steps, *, brief: bool) -> Iterator[RenderableType]:
    for place, (name, text) in enumerate(block.items, start=1):
        yield _line((f"{place}. ", b.strong(b.plain(name)), ": ", *b.pieces(text)))


def _verdict(block: b.Verdict, *, brief: bool) -> Iterator[RenderableType]:
    if block.name:
        yield _line(block.name, "dim")
    yield from _headline(block.headline(), brief=brief)
    if not brief:
        yield _line(", ".join(f"{term} {b.plain(value)}" for term, value in block.figures), "dim")


def _tally(block: b.Tally, *, brief: bool) -> Iterator[RenderableType]:
    line = Line()
    for place, (tone, text) in enumerate(block.items):
        line.append(", " if place else "")
        line.append_text(_line(text, _TONES.get(tone, "")))
    yield line if block.items else Line("none", style="dim")


def _details(block: b.Details, *, brief: bool) -> Iterator[RenderableType]:
    if not brief:
        yield _line(block.summary, "bold")
        for each in block.blocks:
            yield from _show(each, brief=brief)


def _command(block: b.Command, *, brief: bool) -> Iterator[RenderableType]:
    if block.why:
        yield _line(block.why)
    yield Line(f"  {visible(block.command)}", overflow="fold", no_wrap=False)


def _raw(block: b.Raw, *, brief: bool) -> Iterator[RenderableType]:
    yield Line(visible(block.text), overflow="fold")


def _tokenmap(block: b.TokenMap, *, brief: bool) -> Iterator[RenderableType]:
    """The text, what has a high value in bold."""
    high = len(block.legend) - 2
    line = Line()
    for token in block.tokens:
        strong = token.step is not None and bool(block.legend) and token.step >= high
        line.append(visible(token.text), style="bold" if strong else "")
    yield line


def _grid() -> Grid:
    """A table without lines, its columns two spaces apart."""
    return Grid(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")


def _line(text: b.Text, style: str = "") -> Line:
    line = Line(style=style)
    for piece in b.pieces(text):
        if isinstance(piece, str):
            line.append(_flat(visible(piece)))
        else:
            tone = _TONES.get(piece.tone, "") if piece.kind == "outcome" or piece.tone else ""
            line.append(_flat(visible(piece.text)), style=tone or _STYLES.get(piece.kind, ""))
    return line


def _hanging(head: str, said: Line, style: str = "dim") -> RenderableType:
    """A word in the margin and a text that wraps beside it."""
    table = Grid.grid(padding=(0, 0))
    table.add_column(width=9, no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row(_line(head, style), said)
    return table


def _copied(head: str, path: str) -> Line:
    """A path is there to be copied: broken only where the terminal is too narrow, and never cut."""
    line = Line(f"{head:<9}", style="dim", overflow="fold")
    line.append(path, style="not dim")
    return line


def _flat(text: str) -> str:
    """Signs that every terminal's encoding has: ``2.1e-06`` rather than a raised exponent."""
    mantissa, times, power = text.partition("\u00a0×\u00a010")
    if times and power and power[0] in "⁻⁰¹²³⁴⁵⁶⁷⁸⁹":
        text = f"{mantissa}e{power.translate(_RAISED)}"
    return text.translate(_FLAT)
