"""Blocks of numbers: metrics, tables, shares, charts, verdicts; and blocks to look around in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from markupsafe import Markup

from negspace.reports.blocks.prose import Block, Headline, Mark, Span, Text, Tone

Align: TypeAlias = Literal["left", "right"]


Draw: TypeAlias = Callable[[str, str], Markup]
"""Makes the SVG of a chart from the start of its ids and its text alternative."""


@dataclass(frozen=True)
class Metric:
    """One number with what it says."""

    name: str
    value: str  # in words: ``86.9 %``
    unit: str = ""  # where it is not part of ``value``: ``points``
    interval: str = ""  # in words; empty where there is none
    note: Text = ""  # what the number says, or why there is none
    n: str = ""  # on how much it rests: ``488 rows``
    missing: bool = False  # there is no number, and ``note`` says why
    key: bool = False  # the number that the verdict is about
    # mean, low and high as shares, drawn as a bar in the terminal
    range: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class Metrics(Block):
    """Numbers side by side."""

    items: tuple[Metric, ...]
    level: str = "95\u00a0%"  # level of their intervals


@dataclass(frozen=True)
class Column:
    """A column of a table."""

    name: Text
    align: Align = "left"
    spare: bool = False  # may be left out where the screen is narrow


def numeric(*names: Text) -> tuple[Column, ...]:
    """Columns of numbers."""
    return tuple(Column(name, "right") for name in names)


@dataclass(frozen=True)
class Cell:
    """A cell that is more than a text."""

    text: Text = ""
    under: tuple[Text, ...] = ()  # smaller lines below: an interval, a unit, outcomes
    tone: Tone = ""
    strong: bool = False
    indent: bool = False  # whether it belongs to the row above
    rank: float | None = None  # a share from 0 to 1, drawn as a dot on a line before the text


@dataclass(frozen=True)
class Group:
    """A row that names the rows below it."""

    title: Text
    under: Text = ""


Row: TypeAlias = tuple[Text | Cell, ...]


@dataclass(frozen=True)
class Table(Block):
    """A table. In the terminal and in Markdown too."""

    columns: tuple[Column | Text, ...]  # columns; a text stands for a left-aligned one
    # one text or `Cell` a column, or a `Group` over the rows that follow
    rows: tuple[Row | Group, ...]
    caption: Text = ""
    label: str = ""  # its name for screen readers, where there is no caption
    # ``dense`` for many numbers, ``compact`` for a table that should fit a phone
    style: Literal["", "compact", "dense"] = ""
    head: int | None = 0  # position of the column that names the rows; None where none does
    brief: int | None = None  # rows shown in a brief terminal report; None for all

    @property
    def heads(self) -> tuple[Column, ...]:
        """The columns, each as a :class:`Column`."""
        return tuple(each if isinstance(each, Column) else Column(each) for each in self.columns)

    def select(self, *columns: int) -> Table:
        """The same table with some of its columns."""
        rows = tuple(row if isinstance(row, Group) else tuple(row[at] for at in columns) for row in self.rows)
        head = columns.index(self.head) if self.head in columns else None
        return replace(self, columns=tuple(self.columns[at] for at in columns), rows=rows, head=head)


@dataclass(frozen=True)
class Key(Block):
    """A legend."""

    # a sign (None for a remark without one) and what it stands for
    items: tuple[tuple[Mark | None, Text], ...]
    across: bool = False  # on one line, where it explains several charts

    @property
    def inside(self) -> tuple[Block, ...]:
        """Nothing: signs belong to a drawing."""
        return ()


@dataclass(frozen=True)
class Chart(Block):
    """A drawing."""

    alt: str  # what it shows, in a sentence with its numbers; the terminal and Markdown print this
    # makes the SVG from a name that starts its ids and from ``alt``; called by the HTML writer only, so that
    # nothing else pays for matplotlib
    draw: Draw
    notes: tuple[Block, ...] = ()  # how to read it, beside it; with these it is a figure, without a panel
    title: Text = ""  # above it, the user's words allowed (a drawing holds none)
    subtitle: Text = ""
    key: Key | None = None
    y_name: Text = ""
    x_name: Text = ""
    ticks: tuple[Text, ...] = ()  # names of the places at the lower axis, where they are the user's words
    # what lies left and right of the axis, in per cent of the width
    margins: tuple[float, float] = (0.0, 0.0)
    plain: Table | None = None  # its numbers as a table, for the terminal and Markdown


@dataclass(frozen=True)
class Panels(Block):
    """Blocks side by side, two a row."""

    blocks: tuple[Block, ...]
    # whether they stand on one line (``end``) or hang from one (``start``)
    align: Literal["end", "start"] = "end"

    @property
    def inside(self) -> tuple[Block, ...]:
        """The blocks."""
        return self.blocks


@dataclass(frozen=True)
class Strip:
    """A row of :class:`Strips`."""

    name: Text
    value: Text
    chart: Chart | None  # the drawing; None where there is no number
    note: str = ""


@dataclass(frozen=True)
class Strips(Block):
    """Flat drawings one below the other, on one axis."""

    title: Text
    rows: tuple[Strip, ...]
    axis: Chart
    note: Text = ""


@dataclass(frozen=True)
class Share:
    """A part of a whole."""

    name: str
    count: str
    share: float
    said: str  # the share in words
    colour: str  # colour of the bar: ``accent``, ``series-2``, ``warn`` or ``line``
    meaning: Text = ""  # what the part is
    sign: Mark | None = None  # shown before the name in place of a patch of the colour


@dataclass(frozen=True)
class Shares(Block):
    """Parts of a whole, as a bar and a table."""

    parts: tuple[Share, ...]
    columns: tuple[str, str, str]
    label: str  # what the whole is, for screen readers


@dataclass(frozen=True)
class Verdict(Block):
    """A question with its answer and the numbers that decided it.

    Attributes:
        outcome: Decides the sign and the colour.
        answer: The outcome in words: ``Supported: yes``.
        figures: Terms and values in a row.
    """

    question: Text
    outcome: Tone
    answer: str
    reason: Text = ""
    chart: Chart | None = None
    reading: Text = ""
    figures: tuple[tuple[str, Text], ...] = ()
    next: Text = ""
    name: Text = ""
    link: Span | None = None

    def headline(self) -> Headline:
        """The verdict in short: ``Supported  Is the gap larger than 5 points?``."""
        return Headline(
            self.question, word=self.answer, tone=self.outcome, detail=self.reason, next=self.next
        )


@dataclass(frozen=True)
class Cards(Block):
    """Verdicts side by side."""

    items: tuple[Verdict, ...]

    @property
    def inside(self) -> tuple[Block, ...]:
        """The verdicts."""
        return self.items


@dataclass(frozen=True)
class Tally(Block):
    """How many verdicts came out how: tone and words (``3 supported``)."""

    items: tuple[tuple[Tone, str], ...]


@dataclass(frozen=True)
class Token:
    """A token of a :class:`TokenMap`."""

    text: str  # as it stands in the text; line breaks and spaces alone are shown by signs
    step: int | None  # position of its colour, 0 the palest; None where it has no value
    tip: Text  # what is said of it when it is pointed at; the token itself is named before
    rivals: tuple[tuple[str, str], ...] = ()  # names and numbers below the tip


@dataclass(frozen=True)
class TokenMap(Block):
    """A text coloured token by token."""

    tokens: tuple[Token, ...]
    # for each colour, from the palest, the values that have it; empty where nothing is coloured
    legend: tuple[str, ...] = ()
    without: str = ""  # what a token without a value is
    label: str = ""  # what the colours are, for screen readers
    rivals: str = ""  # words before the rivals: ``pushes down``


@dataclass(frozen=True)
class ExplorerRow:
    """A row of an :class:`Explorer`."""

    number: int  # decides the order of equals
    place: str
    excerpt: str
    tokens: int
    role: str | None
    values: tuple[float | None, ...]  # one a column; None where nothing was measured
    page: str = ""  # path of its own page, or empty


@dataclass(frozen=True)
class Explorer(Block):
    """Thousands of rows to sort, search and filter; at most one a page."""

    columns: tuple[tuple[str, str], ...]
    rows: tuple[ExplorerRow, ...]
    roles: tuple[tuple[str, Mark], ...] = ()  # the groups, each with its sign
    plain: tuple[Block, ...] = ()  # shown in its place where no script runs, in the terminal and in Markdown

    @property
    def inside(self) -> tuple[Block, ...]:
        """What is shown where no script runs."""
        return self.plain
