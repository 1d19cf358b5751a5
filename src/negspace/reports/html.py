"""Any report as a page, with the pages that belong to it, and as a short block for notebooks.

The templates escape whatever they are given, and every string passes :func:`visible` on its way. Three things
enter as markup: drawings, which are serialised and hold numbers alone; the scripts of this package, which the
content security policy names by their hash; and rows to explore as JSON, in an element that is not executed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import posixpath
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from negspace.reports import numbers
from negspace.reports.blocks import Block, Cell, Chart, Explorer, Group, Report, TextPair, pieces, plain
from negspace.reports.textdiff import (
    Stretch,
    abridge,
    bounded,
    clip,
    one_line,
    relative_link,
    visible,
    word_diff,
)

INDEX = "report.html"
"""Name of a report's first page."""

# What could end the element that holds the data, or a line of it in an old script engine.
_ENDING = "<>&\u2028\u2029"
_FOREIGN = frozenset({"R", "AL", "AN", "RLE", "RLO", "RLI"})
_SIGNS = {"\n": "↵", "\t": "⇥"}


def render_page(report: Report) -> str:
    """Write a report as a page that asks for nothing outside itself; the same report gives the same bytes."""
    page = _Page()
    macros = _environment().get_template("blocks.html.j2").module
    body = Markup("").join(_show(block, page, 2) for block in (*report.top, *report.body))
    head = macros.head(report, page)  # type: ignore[attr-defined]
    foot = macros.say(report.footer)  # type: ignore[attr-defined]
    return (
        _environment()
        .get_template("page.html.j2")
        .render(report=report, head=head, body=body, foot=foot, script=page.script())
    )


def render_pages(report: Report) -> Iterator[tuple[str, str]]:
    """Write a report and the pages that belong to it: the path of each beside the first, ``report.html``."""
    yield INDEX, render_page(report)
    for path, belonging in report.pages.items():
        yield posixpath.normpath(path), render_page(belonging)


def render_notebook(report: Report) -> str:
    """Write the short block that a notebook shows: the finding, and the metrics or what the report names.

    Styles are inline and colours follow the notebook's own, so nothing leaks in or out.
    """
    blocks = report.metrics() if report.notebook is None else report.notebook
    # Two blocks of one notebook must not share ids.
    said = repr((report.kind, report.title, report.finding, report.subtitle, report.method))
    page = _Page(f"negspace-{hashlib.sha256(said.encode(errors='backslashreplace')).hexdigest()[:12]}-")
    return (
        _environment()
        .get_template("notebook.html.j2")
        .render(
            report=report,
            found=report.finding,
            page=page,
            blocks=[(type(block).__name__.lower(), block) for block in blocks],
        )
    )


def token_name(text: str) -> str:
    """A token on one line, its spaces and breaks as signs."""
    if not text:
        return "∅"
    text = text.replace("\r\n", "\n")
    return text.translate({ord(" "): "␣", **{ord(char): sign for char, sign in _SIGNS.items()}})


class _Script(NamedTuple):
    source: Markup
    digest: str


@dataclass
class _Page:
    """What one page counts while it is written: its drawings and the scripts it needs."""

    prefix: str = "c"
    charts: int = 0
    scripts: list[str] = field(default_factory=list)

    def drawn(self, chart: Chart) -> Markup:
        """Draw a chart, its ids distinct from those of any other."""
        self.charts += 1
        return chart.draw(f"{self.prefix}{self.charts}", chart.alt)

    def needs(self, script: str) -> str:
        """Ask for a script of this package."""
        if script not in self.scripts:
            self.scripts.append(script)
        return ""

    def script(self) -> _Script | None:
        """All that were asked for, and the hash that lets them run."""
        if not self.scripts:
            return None
        source = "\n".join(_environment().get_template(name).render() for name in sorted(self.scripts))
        digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
        return _Script(Markup(source), f"sha256-{digest}")  # noqa: S704  files of this package, without data


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("negspace.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # Every printed value passes here; markup is ours, all other text may hide something.
        finalize=lambda value: (
            visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
        ),
    )
    environment.filters |= {
        "as_cell": lambda cell: cell if isinstance(cell, Cell) else Cell(cell),
        # A path beside the page, or an id on it.
        "beside": lambda path: (
            path if path[:1] == "#" and path[1:].replace("-", "").isalnum() else relative_link(path)
        ),
        "clipped": lambda text, words: clip(visible(text), words),
        "compared": _compared,
        "explorer_data": _explorer_data,
        # Letters that are written from right to left must be isolated.
        "is_foreign": lambda text: any(unicodedata.bidirectional(char) in _FOREIGN for char in plain(text)),
        "pieces": pieces,
        "sentence": numbers.sentence,
        "token_name": token_name,
        "token_parts": _token_parts,
        "unmarked": plain,
    }
    environment.tests["group"] = lambda row: isinstance(row, Group)
    environment.globals["show"] = _show
    return environment


def _show(block: Block, page: _Page, level: int) -> Markup:
    macros = _environment().get_template("blocks.html.j2").module
    return Markup(getattr(macros, type(block).__name__.lower())(block, page, level))  # noqa: S704  a macro's


def _compared(pair: TextPair) -> tuple[tuple[Stretch, ...], tuple[Stretch, ...]]:
    """Both texts compared word by word: abridged around what differs, and whole."""
    full = word_diff(bounded(pair.left.text), bounded(pair.right.text))
    if pair.tight:
        return abridge(full, context=6, longest=16, most=48, short=36), full
    return abridge(full), full


def _token_parts(text: str) -> list[tuple[str, str]]:
    """A token's text in parts, each with its sign: breaks, tabs, spaces alone and nothing have one."""
    text = text.replace("\r\n", "\n")
    if not text:
        return [("", "∅")]
    if not text.strip(" \u00a0"):
        return [(text, "␣")]
    parts: list[tuple[str, str]] = []
    held = ""
    for char in text:
        if char in _SIGNS:
            parts += [(held, "")] if held else []
            parts.append((char, _SIGNS[char]))
            held = ""
        else:
            held += char
    return [*parts, (held, "")] if held else parts


def _explorer_data(block: Explorer) -> Markup:
    """All rows as JSON that can stand inside an element, numbers to five digits."""
    roles = [name for name, _ in block.roles]
    place_of = {role: at for at, role in enumerate(roles)}
    rows = [
        [
            each.number,
            one_line(each.place),
            one_line(each.excerpt),
            each.tokens,
            None if each.role is None else place_of[each.role],
            *(None if v is None or not math.isfinite(v) else float(f"{v:.5g}") for v in each.values),
        ]
        for each in block.rows
    ]
    data = {
        "columns": [visible(name) for name, _ in block.columns],
        "roles": [visible(name) for name in roles],
        "pages": {each.number: relative_link(each.page) for each in block.rows if each.page},
        "rows": rows,
    }
    said = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for char in _ENDING:
        said = said.replace(char, f"\\u{ord(char):04x}")
    return Markup(said)  # noqa: S704  escaped for the element it stands in
