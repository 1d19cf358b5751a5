"""Blocks of numbers: metrics, tables, shares, charts, verdicts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from markupsafe import Markup

from negspace.reports.blocks.prose import Headline
from negspace.reports.blocks.text import Block, Mark, Span, Text, Tone

Align: TypeAlias = Literal["left", "right"]


Draw: TypeAlias = Callable[[str, str], Markup]
"""Makes the SVG of a chart from the start of its ids and its text alternative."""


@dataclass(frozen=True)
class Metric:
    """One number with what it says.

    Attributes:
        value: In words: ``86.9 %``.
        unit: Where it is not part of ``value``: ``points``.
        interval: In words; empty where there is none.
        note: What the number says, or why there is none.
        n: On how much it rests: ``488 rows``.
        missing: There is no number, and ``note`` says why.
        key: The number that the verdict is about.
        range: Mean, low and high as shares, drawn as a bar in the terminal.
    """

    name: str
    value: str
    unit: str = ""
    interval: str = ""
    note: Text = ""
    n: str = ""
    missing: bool = False
    key: bool = False
    range: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class Metrics(Block):
    """Numbers side by side.

    Attributes:
        level: Level of their intervals.
    """

    items: tuple[Metric, ...]
    level: str = "95\u00a0%"


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        spare: May be left out where the screen is narrow.
    """

    name: Text
    align: Align = "left"
    spare: bool = False


def numeric(*names: Text) -> tuple[Column, ...]:
    """Columns of numbers."""
    return tuple(Column(name, "right") for name in names)


@dataclass(frozen=True)
class Cell:
    """A cell that is more than a text.

    Attributes:
        under: Smaller lines below: an interval, a unit, outcomes.
        indent: Whether it belongs to the row above.
        rank: A share from 0 to 1, drawn as a dot on a line before the text.
    """

    text: Text = ""
    under: tuple[Text, ...] = ()
    tone: Tone = ""
    strong: bool = False
    indent: bool = False
    rank: float | None = None


@dataclass(frozen=True)
class Group:
    """A row that names the rows below it."""

    title: Text
    under: Text = ""


Row: TypeAlias = tuple[Text | Cell, ...]


@dataclass(frozen=True)
class Table(Block):
    """A table. In the terminal and in Markdown too.

    Attributes:
        columns: Columns; a text stands for a left-aligned one.
        rows: One text or :class:`Cell` a column, or a :class:`Group` over the rows that follow.
        label: Its name for screen readers, where there is no caption.
        style: ``dense`` for many numbers, ``compact`` for a table that should fit a phone.
        head: Position of the column that names the rows; None where none does.
        brief: Rows shown in a brief terminal report; None for all.
    """

    columns: tuple[Column | Text, ...]
    rows: tuple[Row | Group, ...]
    caption: Text = ""
    label: str = ""
    style: Literal["", "compact", "dense"] = ""
    head: int | None = 0
    brief: int | None = None

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
    """A legend.

    Attributes:
        items: A sign (None for a remark without one) and what it stands for.
        across: On one line, where it explains several charts.
    """

    items: tuple[tuple[Mark | None, Text], ...]
    across: bool = False


@dataclass(frozen=True)
class Chart(Block):
    """A drawing.

    Attributes:
        alt: What it shows, in a sentence with its numbers; the terminal and Markdown print this.
        draw: Makes the SVG from a name that starts its ids and from ``alt``; called by the HTML writer only,
            so that nothing else pays for matplotlib.
        notes: How to read it, beside it; with these it is a figure, without a panel.
        title: Above it, the user's words allowed (a drawing holds none).
        ticks: Names of the places at the lower axis, where they are the user's words.
        margins: What lies left and right of the axis, in per cent of the width.
        plain: Its numbers as a table, for the terminal and Markdown.
    """

    alt: str
    draw: Draw
    notes: tuple[Block, ...] = ()
    title: Text = ""
    subtitle: Text = ""
    key: Key | None = None
    y_name: Text = ""
    x_name: Text = ""
    ticks: tuple[Text, ...] = ()
    margins: tuple[float, float] = (0.0, 0.0)
    plain: Table | None = None


@dataclass(frozen=True)
class Panels(Block):
    """Blocks side by side, two a row.

    Attributes:
        align: Whether they stand on one line (``end``) or hang from one (``start``).
    """

    blocks: tuple[Block, ...]
    align: Literal["end", "start"] = "end"


@dataclass(frozen=True)
class Strip:
    """A row of :class:`Strips`.

    Attributes:
        chart: The drawing; None where there is no number.
    """

    name: Text
    value: Text
    chart: Chart | None
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
    """A part of a whole.

    Attributes:
        said: The share in words.
        colour: Colour of the bar: ``accent``, ``series-2``, ``warn`` or ``line``.
        meaning: What the part is.
        sign: Shown before the name in place of a patch of the colour.
    """

    name: str
    count: str
    share: float
    said: str
    colour: str
    meaning: Text = ""
    sign: Mark | None = None


@dataclass(frozen=True)
class Shares(Block):
    """Parts of a whole, as a bar and a table.

    Attributes:
        label: What the whole is, for screen readers.
    """

    parts: tuple[Share, ...]
    columns: tuple[str, str, str]
    label: str


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
            self.question,
            word=self.answer,
            tone=self.outcome,
            detail=self.reason,
            next=self.next,
        )


@dataclass(frozen=True)
class Cards(Block):
    """Verdicts side by side."""

    items: tuple[Verdict, ...]


@dataclass(frozen=True)
class Tally(Block):
    """How many verdicts came out how: tone and words (``3 supported``)."""

    items: tuple[tuple[Tone, str], ...]
