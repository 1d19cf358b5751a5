"""Any report as Markdown, for pull requests and for notebooks that show no HTML.

Every text is escaped, so that none of it is markup, a link, a mention or HTML.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from negspace.reports import blocks as b
from negspace.reports.numbers import sentence
from negspace.reports.textdiff import abridge, bounded, clip, one_line, relative_link, visible, word_diff

_MARKUP = re.compile(r"[\\`*_\[\]<>&|~$#!]")
_LEADING = re.compile(r"^(?=[-+=]|\d+[.)])")
# A mention would notify somebody, and an address would become a link; an empty comment breaks both.
_REACHING = re.compile(r"@(?=\w)|(?<=\w):(?=//)|(?<=\bwww)\.", re.IGNORECASE)
_SIGNS = {
    "circle": "●",
    "diamond": "◆",
    "triangle": "▲",
    "square": "■",
    "hollow": "◇",
    "dot": "•",
    "mean": "━",
    "effect": "○",
    "band": "░",
}


def render_markdown(report: b.Report, *, brief: bool = False) -> str:
    """Write a report as Markdown (CommonMark with tables).

    Args:
        report: The report. Its charts are given in words, with their numbers where they have a table.
        brief: Show what a brief terminal report shows, not all sections.
    """
    parts = [f"# {_text(report.title)}"]
    if report.subtitle:
        parts.append(_text(report.subtitle))
    if b.plain(report.finding.sentence) != report.title or report.finding.detail:
        parts += _headline(report.finding, 2)
    if brief:
        shown: Iterable[b.Block] = report.metrics() if report.brief is None else report.brief
        parts += [part for block in shown for part in _show(block, 2)]
        parts += list(_warnings(b.Warnings(report.warnings or ()), 2))
    else:
        parts += [part for block in (*report.intro, *report.top, *report.body) for part in _show(block, 2)]
    if report.footer:
        parts.append(_text(report.footer))
    return "\n\n".join(part for part in parts if part) + "\n"


def _show(block: b.Block, level: int) -> Iterator[str]:
    """The paragraphs of any block: one function a class, of its name in lower case."""
    if block.inside is not None:
        for each in block.inside:
            yield from _show(each, level)
        return
    lines: Iterable[str] = globals()[f"_{type(block).__name__.lower()}"](block, level)
    yield from lines


def _escape(text: str) -> str:
    said = _MARKUP.sub(lambda found: _entity(found.group()), one_line(text))
    said = _REACHING.sub(lambda found: f"{found.group()}<!-- -->", said)
    # A list or a heading begins at the start of a line only; the entity is a space of no width.
    return _LEADING.sub("&#8203;", said)


def _entity(char: str) -> str:
    return {"<": "&lt;", ">": "&gt;", "&": "&amp;"}.get(char, f"\\{char}")


def _code(text: str) -> str:
    said = one_line(text)
    if "|" in said:  # it would end the cell of a table
        return f"<code>{_escape(text)}</code>"
    fence = "`" * (max((len(run) for run in re.findall("`+", said)), default=0) + 1)
    pad = " " if said.startswith("`") or said.endswith("`") else ""
    return f"{fence}{pad}{said}{pad}{fence}" if said else ""


def _text(text: b.Text) -> str:
    return "".join(_piece(piece) for piece in b.pieces(text)).strip()


def _piece(piece: str | b.Span) -> str:
    if isinstance(piece, str):
        # Space at the ends parts it from its neighbours.
        inner = _escape(piece)
        return (" " if piece[:1].isspace() else "") + inner + (" " if piece[-1:].isspace() and inner else "")
    if piece.kind == "mark":
        sign = _SIGNS[piece.sign.shape] if piece.sign else ""
        return f"{sign} {_escape(piece.text)}".strip()
    said = _escape(piece.text)
    if piece.kind in {"strong", "outcome"} and said:
        return f"**{said}**"
    if piece.kind == "code":
        return _code(piece.text)
    if piece.kind == "link" and not piece.href.startswith("#"):
        return f"[{said}](<{relative_link(piece.href)}>)"
    return said


def _headline(block: b.Headline, level: int) -> Iterator[str]:
    word = f"{_escape(block.word.partition(':')[0])}: " if block.word else ""
    yield f"**{word}{_text(block.sentence)}**"
    if block.detail:
        yield _text(block.detail)
    if block.next:
        yield f"Next: {_text(block.next)}"


def _section(block: b.Section, level: int) -> Iterator[str]:
    yield f"{'#' * min(level, 6)} {_text(block.title)}"
    if block.intro:
        yield _text(block.intro)
    for each in block.blocks:
        yield from _show(each, level + 1)


def _paragraph(block: b.Paragraph, level: int) -> Iterator[str]:
    yield _text(block.text)


def _bullets(block: b.Bullets, level: int) -> Iterator[str]:
    yield "\n".join(f"- {_text(item)}" for item in block.items)


def _banner(block: b.Banner, level: int) -> Iterator[str]:
    yield f"**{_text(block.text)}**"


def _warnings(block: b.Warnings, level: int) -> Iterator[str]:
    said = (_text(sentence(one_line(item)) if isinstance(item, str) else item) for item in block.items)
    yield "\n".join(f"- ⚠ {each}" for each in said)


def _metrics(block: b.Metrics, level: int) -> Iterator[str]:
    rows = [
        (item.name, b.strong(f"{item.value} {item.unit}".strip()), item.interval, item.n, item.note)
        for item in block.items
    ]
    yield _rows(("", "value", f"{block.level} interval", "n", ""), rows)


def _table(block: b.Table, level: int) -> Iterator[str]:
    if block.caption:
        yield f"**{_text(block.caption)}**"
    heads = block.heads
    yield _rows(
        [head.name for head in heads],
        [
            (b.strong(b.plain(row.title)), *[""] * (len(heads) - 1)) if isinstance(row, b.Group) else row
            for row in block.rows
        ],
        [head.align for head in heads],
    )


def _rows(
    heads: Iterable[b.Text], rows: Iterable[Iterable[b.Text | b.Cell]], aligns: Iterable[b.Align] = ()
) -> str:
    named = [_text(head) for head in heads]
    rules = [" ---: " if align == "right" else " --- " for align in aligns] or [" --- "] * len(named)
    lines = [f"| {' | '.join(named)} |", f"|{'|'.join(rules)}|"]
    return "\n".join([*lines, *(f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows)])


def _cell(cell: b.Text | b.Cell) -> str:
    if not isinstance(cell, b.Cell):
        return _text(cell)
    main = f"**{_text(cell.text)}**" if cell.strong and cell.text else _text(cell.text)
    return "<br>".join(part for part in (main, *(_text(under) for under in cell.under)) if part)


def _chart(block: b.Chart, level: int) -> Iterator[str]:
    if block.title:
        yield f"**{_text(block.title)}** {_text(block.subtitle)}"
    yield _text(block.alt)
    if block.plain is not None:
        yield from _table(block.plain, level)


def _strips(block: b.Strips, level: int) -> Iterator[str]:
    yield _rows((block.title, "", ""), [(row.name, row.value, row.note) for row in block.rows])


def _shares(block: b.Shares, level: int) -> Iterator[str]:
    rows = [(part.name, part.count, part.said, part.meaning) for part in block.parts]
    yield _rows((*block.columns, ""), rows)


def _textpair(block: b.TextPair, level: int) -> Iterator[str]:
    if block.caption:
        yield _text(block.caption)
    stretches = abridge(word_diff(bounded(block.left.text), bounded(block.right.text)), short=36, most=48)
    for which, side in (("left", block.left), ("right", block.right)):
        said = []
        for stretch in stretches:
            words = stretch.left if which == "left" else stretch.right
            if stretch.kind == "cut":
                said.append(" … " if words.strip() else "")
            elif stretch.kind == "changed" and words.strip():
                said.append(f" **{_escape(words.strip())}** ")
            else:
                said.append(_piece(words) if words else "")
        yield f"> **{_text(side.label)}** {_text(side.note)}\n>\n> {''.join(said).strip()}"
    if block.note:
        yield _text(block.note)


def _quote(block: b.Quote, level: int) -> Iterator[str]:
    if block.above:
        yield _text(block.above)
    text = _escape(clip(visible(block.text), block.words))
    yield f"> **{_text(block.label)}** {_text(block.note)}\n>\n> {text}"
    if block.remark:
        yield _text(block.remark)


def _facts(block: b.Facts, level: int) -> Iterator[str]:
    yield "\n".join(f"- {_text(name)}: {_text(value)}" for name, value in block.known)


def _steps(block: b.Steps, level: int) -> Iterator[str]:
    yield "\n".join(
        f"{place}. **{_text(name)}**: {_text(text)}"
        for place, (name, text) in enumerate(block.items, start=1)
    )


def _verdict(block: b.Verdict, level: int) -> Iterator[str]:
    if block.name:
        yield _text(block.name)
    yield from _headline(block.headline(), level)
    yield ", ".join(f"{_text(term)} {_text(value)}" for term, value in block.figures)


def _tally(block: b.Tally, level: int) -> Iterator[str]:
    yield ", ".join(_escape(text) for _, text in block.items) or "none"


def _details(block: b.Details, level: int) -> Iterator[str]:
    yield f"<details><summary>{_text(block.summary)}</summary>"
    for each in block.blocks:
        yield from _show(each, level)
    yield "</details>"


def _command(block: b.Command, level: int) -> Iterator[str]:
    if block.why:
        yield _text(block.why)
    yield _fenced(block.command)


def _raw(block: b.Raw, level: int) -> Iterator[str]:
    yield _fenced(block.text)


def _fenced(text: str) -> str:
    said = visible(text)
    fence = "`" * max(3, max((len(run) for run in re.findall("`+", said)), default=0) + 1)
    return f"{fence}\n{said}\n{fence}"


def _tokenmap(block: b.TokenMap, level: int) -> Iterator[str]:
    yield f"> {_escape(''.join(token.text for token in block.tokens))}"
